"""The socketless carrier: its answers bear the server's date, whatever they are."""

from email.utils import formatdate, parsedate_to_datetime

import pytest

from tests.support.loopback import Loopback
from tests.support.worlds import gate, job, workflow, world
from zadig_async.emulator import Dialect, Fault, ManualClock, Script, World
from zadig_async.model.ids import TaskRef, WorkflowRef
from zadig_async.wire import endpoints

ROOT = "root-token"
NOW = 1_790_000_000.75
LIST = endpoints.list_tasks(WorkflowRef("shop", "w"), 1, 10)
LOG = endpoints.follow_log(TaskRef("shop", "w", 1), "job-0-0-0-a", 10)


def loopback(token: str = ROOT) -> tuple[Loopback, ManualClock]:
    clock = ManualClock(NOW)
    script = Script.load(world(workflow("w", [job("a")], [gate()])))
    return Loopback(Dialect(World(script, clock.now()), clock), token), clock


@pytest.mark.parametrize("token", [ROOT, "nobody"])
async def test_every_answer_has_a_date(token: str) -> None:
    carrier, clock = loopback(token)
    for passed in (0, 100):
        clock.advance(passed)
        date = (await carrier.send(LIST)).header("date")
        assert parsedate_to_datetime(date).timestamp() == int(NOW) + passed
        assert date.endswith(" GMT")


async def test_a_stream_has_one_too() -> None:
    carrier, clock = loopback()
    clock.advance(400)
    async with carrier.stream(LOG) as answer:
        assert answer.head.header("date") == formatdate(NOW + 400, usegmt=True)


async def test_a_date_that_is_there_stays() -> None:
    carrier, _ = loopback()
    carrier.dialect.faults.add(Fault(kind="status", headers={"date": "yesterday"}))
    assert (await carrier.send(LIST)).header("date") == "yesterday"


async def test_root_may_read_the_operation_log() -> None:
    carrier, _ = loopback()
    call = endpoints.list_operations("bot", 1, 50)
    assert call.read(await carrier.send(call)).operations == ()
