"""The logs of one task: what is asked for before they are shown, and the jobs that have none."""

import asyncio
import time
from typing import Any

import attrs
import pytest

from tests.support.golden import body, go_json, value
from tests.support.log_server import LogServer
from tests.support.virtual_time import START, virtual_time
from zadig_async import KillSwitch, LogPolicy, RunPolicy, TaskRef, ZadigClient
from zadig_async.errors import TransportError
from zadig_async.journal.audit import NoAudit
from zadig_async.journal.journal import Journal
from zadig_async.model.status import Status
from zadig_async.model.task import JobStatus
from zadig_async.orchestrator import events
from zadig_async.orchestrator.logs.task_logs import TaskLogs
from zadig_async.orchestrator.means import Means
from zadig_async.orchestrator.tracker import Step
from zadig_async.transport.retry import RetryPolicy
from zadig_async.wire.call import AnyCall, Reply

REF = TaskRef("mart", "mart-rollout", 41)
BUILD = JobStatus(name="job-0-0-0-build", type="zadig-build", status=Status("running"), stage="build")
SQL = JobStatus(name="job-1-0-0-migrate", type="sql", status=Status("running"), stage="db")
SECRET = "s3cret-value"
"""A credential."""


@attrs.define
class Server(LogServer):
    """The same, and a task that can be read, after it could not be so many times."""

    failures: int = 0
    reads: int = 0
    document: bytes = attrs.field(factory=lambda: body("task-detail-running.json"))

    async def send(self, call: AnyCall) -> Reply:
        self.reads += 1
        if self.reads <= self.failures:
            raise TransportError("no answer", call=call.label)
        return Reply(200, {"content-type": "application/json"}, self.document)


def means_of(server: Server, seen: list[events.Event], **policy: Any) -> Means:
    zadig = ZadigClient.over(server, retry=RetryPolicy(attempts=1))
    return Means(
        zadig=zadig,
        voter=zadig,
        policy=RunPolicy(follow_logs=True, logs=LogPolicy(**policy)),
        journal=Journal.in_memory(),
        audit=NoAudit(),
        switch=KillSwitch(),
        emit=seen.append,
        stop=asyncio.Event(),
        wall=time.time,
    )


def opened(*jobs: JobStatus) -> Step:
    return Step(jobs=tuple((Status(""), job) for job in jobs), logs_to_open=jobs)


async def read(server: Server, step: Step, **policy: Any) -> list[events.Event]:
    seen: list[events.Event] = []
    logs = TaskLogs(means_of(server, seen, **policy), REF)
    logs.take(step)
    await asyncio.sleep(server.ended - asyncio.get_running_loop().time() + 1.0)
    await logs.close(60.0)
    assert not logs.reading
    return seen


def lines(seen: list[events.Event]) -> list[str]:
    return [line.text for event in seen if isinstance(event, events.LogLines) for line in event.lines]


@virtual_time
async def test_a_task_that_cannot_be_read_for_a_while_costs_no_line() -> None:
    server = Server([(START + 1.0, "a"), (START + 2.0, "b")], START + 60.0, failures=3)
    assert lines(await read(server, opened(BUILD))) == ["a", "b"]
    assert server.reads == 4


@virtual_time
async def test_a_task_that_can_never_be_read_has_logs_that_are_not_shown() -> None:
    server = Server([(START + 1.0, "a")], START + 200.0, failures=1000)
    seen = await read(server, opened(BUILD))
    assert lines(seen) == []
    (report,) = [event.report for event in seen if isinstance(event, events.LogClosed)]
    assert report.complete is False
    assert server.reads == 6


@virtual_time
async def test_jobs_that_begin_together_share_one_reading_of_the_task() -> None:
    other = attrs.evolve(BUILD, name="job-0-1-0-test")
    server = Server([(START + 1.0, "a")], START + 10.0)
    await read(server, opened(BUILD, other))
    assert server.reads == 1


@virtual_time
async def test_a_job_that_begins_later_is_read_with_the_credentials_of_then() -> None:
    server = Server([(START + 1.0, "a")], START + 10.0)
    logs = TaskLogs(means_of(server, []), REF)
    logs.take(opened(BUILD))
    await asyncio.sleep(2.0)
    logs.take(opened(attrs.evolve(BUILD, name="job-1-0-0-test")))
    await asyncio.sleep(20.0)
    await logs.close(60.0)
    assert server.reads == 2


@pytest.mark.parametrize("wanted", [(), ("migrate",), ("build",)])
def test_a_job_of_a_type_without_logs_is_told_if_it_is_wanted(wanted: tuple[str, ...]) -> None:
    @virtual_time
    async def check() -> None:
        server = Server([], START + 5.0)
        seen = await read(server, Step(jobs=((Status(""), SQL),)), jobs=wanted)
        told = [event for event in seen if isinstance(event, events.LogUnavailable)]
        if wanted == ("build",):
            assert told == []
        else:
            assert [(event.job, event.type) for event in told] == [(SQL.name, "sql")]

    check()


@virtual_time
async def test_what_the_task_marks_as_a_credential_is_masked() -> None:
    document = {
        **value("task-detail-running.json"),
        "params": [{"name": "p", "value": SECRET, "is_credential": True}],
    }
    server = Server([(START + 1.0, f"with {SECRET}")], START + 10.0, document=go_json(document))
    assert lines(await read(server, opened(BUILD))) == ["with ******"]
