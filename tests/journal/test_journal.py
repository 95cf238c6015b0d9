"""`Journal`: scopes held and dropped, leases renewed and lost, and nothing written by who has lost them."""

import asyncio
import math
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.virtual_time import virtual_time
from zadig_async.errors import ConfigError, JournalError, LeaseHeldError, LeaseLostError
from zadig_async.journal import drafts
from zadig_async.journal.history import RunState
from zadig_async.journal.journal import Journal
from zadig_async.journal.memory import MemoryStore
from zadig_async.journal.records import Record, Scope
from zadig_async.journal.store import Lease, Write
from zadig_async.model.ids import WorkflowRef

API = Scope("https://zadig.example.com", WorkflowRef("shop", "api"))
WEB = Scope("https://zadig.example.com", WorkflowRef("shop", "web"))
RUN = "0193"
INTENT = drafts.intent(RUN, {"jobs": "all", "params": {}, "inputs": {}}, batch="b", origin={})


def loop_time() -> float:
    return asyncio.get_running_loop().time()


class Flaky(MemoryStore):
    """A store that can be told to fail.

    Attributes:
        broken: Whether it fails now.
        renewals: How often it was asked to renew.
    """

    broken = False
    renewals = 0

    async def renew(self, leases: Sequence[Lease], ttl: float) -> None:
        self.renewals += 1
        if self.broken:
            raise JournalError("the disk is gone")
        await super().renew(leases, ttl)

    async def append(self, writes: Sequence[Write]) -> tuple[Record, ...]:
        if self.broken:
            raise JournalError("the disk is gone")
        return await super().append(writes)


@virtual_time
async def test_a_scope_is_kept_for_days_and_given_back() -> None:
    store = Flaky(clock=loop_time)
    async with Journal(store) as first, Journal(store) as second:
        await first.hold([API])
        await asyncio.sleep(3 * 86_400.0)
        first.check(API)
        with pytest.raises(LeaseHeldError):
            await second.hold([API])
        await first.drop([API])
        await second.hold([API])
        second.check(API)


@virtual_time
async def test_who_holds_a_scope_twice_drops_it_twice() -> None:
    store = MemoryStore(clock=loop_time)
    async with Journal(store) as first, Journal(store) as second:
        await first.hold([API])
        await first.hold([API, WEB])
        await first.drop([API])
        first.check(API)
        with pytest.raises(LeaseHeldError):
            await second.hold([API])
        await first.drop([API])
        await first.drop([API])  # nothing is held any more: no harm
        await second.hold([API])
        with pytest.raises(ConfigError, match="is not held"):
            first.check(API)
        with pytest.raises(ConfigError, match="is not held"):
            await first.write(API, INTENT)


@virtual_time
async def test_all_scopes_are_held_or_none() -> None:
    store = MemoryStore(clock=loop_time)
    async with Journal(store) as first, Journal(store) as second:
        await first.hold([WEB])
        with pytest.raises(LeaseHeldError):
            await second.hold([API, WEB])
        await first.hold([API])


@virtual_time
async def test_a_lease_that_could_not_be_renewed_lets_nothing_through() -> None:
    store = Flaky(clock=loop_time)
    async with Journal(store) as journal:
        await journal.hold([API])
        store.broken = True
        await asyncio.sleep(29.0)
        journal.check(API)
        await asyncio.sleep(2.0)
        with pytest.raises(LeaseLostError, match="not renewed in time"):
            journal.check(API)
        assert journal.lost(API) is None
        with pytest.raises(JournalError, match="the disk is gone"):
            await journal.write(API, INTENT)
        store.broken = False
        await journal.renew(API)
        journal.check(API)
        await journal.write(API, INTENT)


@virtual_time
async def test_a_driver_that_slept_through_its_lease_writes_nothing_more() -> None:
    now = [0.0]
    store = MemoryStore(clock=lambda: now[0])
    async with Journal(store) as sleeper, Journal(store) as other:
        await sleeper.hold([API, WEB])
        await sleeper.write(API, INTENT)
        now[0] += 31.0
        await other.hold([API])
        assert other.history.runs[RUN].state is RunState.INTENDED
        with pytest.raises(LeaseLostError):
            await sleeper.write(API, drafts.not_sent(RUN, "x"))
        for _ in range(2):
            with pytest.raises(LeaseLostError, match="another driver has taken over shop/api"):
                sleeper.check(API)
        assert isinstance(sleeper.lost(API), LeaseLostError)
        # What nobody has taken is still its own.
        sleeper.check(WEB)
        await sleeper.write(WEB, INTENT)
        await sleeper.drop([API])
        other.check(API)
        assert [record.token for record in await store.read() if record.scope == API] == [1]


@virtual_time
async def test_the_heart_finds_out_that_a_lease_is_lost() -> None:
    now = [0.0]
    store = MemoryStore(clock=lambda: now[0])
    async with Journal(store) as sleeper, Journal(store) as other:
        await sleeper.hold([API, WEB])
        now[0] += 31.0
        await other.hold([API])
        await asyncio.sleep(11.0)
        assert isinstance(sleeper.lost(API), LeaseLostError)
        assert sleeper.lost(WEB) is None
        with pytest.raises(LeaseLostError):
            await sleeper.hold([API])


@virtual_time
async def test_records_of_others_are_read_before_their_scope_is_ours() -> None:
    store = MemoryStore(clock=loop_time)
    async with Journal(store) as first, Journal(store) as second:
        await first.hold([API])
        await second.hold([WEB])
        await first.write(API, INTENT)
        await second.write(WEB, drafts.adopted("web-run", 7, sure=True))
        await first.write(API, drafts.not_sent(RUN, "x"), drafts.finished(RUN, "refused"))
        await first.drop([API])
        await second.hold([API])
        assert second.history.runs[RUN].state is RunState.FINISHED
        assert [record.seq for record in await second.records()] == [1, 2, 3, 4]
        assert first.history.last_seq == 4


@virtual_time
async def test_a_cancelled_write_is_believed_if_it_was_written() -> None:
    async with Journal(MemoryStore(clock=loop_time)) as journal:
        await journal.hold([API])
        writing = asyncio.create_task(journal.write(API, INTENT))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        await asyncio.sleep(1.0)
        assert (RUN in journal.history.runs) is bool(await journal.records())


@virtual_time
async def test_closing_twice_and_closing_a_broken_store_do_no_harm() -> None:
    store = Flaky(clock=loop_time)
    journal = Journal(store)
    await journal.hold([API])
    store.broken = True
    await journal.aclose()
    await journal.aclose()


async def test_a_journal_in_memory_does_not_grow_with_what_has_ended() -> None:
    async with Journal(MemoryStore(keeps=0), lease=math.inf, keeps=3) as journal:
        for number in range(1, 20):
            await journal.hold([API])
            run = f"r{number}"
            await journal.write(API, drafts.adopted(run, number, sure=True), drafts.finished(run, "failed"))
            await journal.drop([API])
        assert len(journal.history.runs) == 3
        assert len(await journal.records()) <= 2


@pytest.mark.parametrize("lease", [0.0, -1.0, float("nan")])
async def test_a_lease_of_no_time_is_refused(lease: float) -> None:
    with pytest.raises(ConfigError, match="lease"):
        Journal(MemoryStore(), lease=lease)


async def test_a_journal_on_disk_remembers(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    async with await Journal.open(path) as journal:
        assert journal.name == str(path)
        await journal.hold([API])
        await journal.write(API, INTENT)
    async with await Journal.open(str(path)) as journal:
        assert journal.history.runs[RUN].scope == API


DRIVER = """
import asyncio, sys
from pathlib import Path
from tests.journal.test_journal import API, INTENT
from zadig_async.errors import LeaseLostError
from zadig_async.journal import drafts
from zadig_async.journal.journal import Journal

async def main():
    async with await Journal.open(Path(sys.argv[1]), lease=0.5) as journal:
        await journal.hold([API])
        await journal.write(API, INTENT)
        print("held", flush=True)
        sys.stdin.readline()  # stopped here, and woken much later
        try:
            journal.check(API)
        except LeaseLostError:
            print("check refuses", flush=True)
        try:
            await journal.write(API, drafts.not_sent("0193", "from the dead"))
        except LeaseLostError:
            print("stands down", flush=True)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
async def test_a_stopped_and_woken_driver_stands_down(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    root = Path(__file__).parents[2]
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        DRIVER,
        str(path),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert child.stdout is not None
    assert child.stdin is not None
    try:
        assert await child.stdout.readline() == b"held\n"
        child.send_signal(signal.SIGSTOP)
        async with await Journal.open(path, lease=5.0) as other:
            while True:  # until its lease, of half a second, has run out
                try:
                    await other.hold([API])
                    break
                except LeaseHeldError:
                    await asyncio.sleep(0.05)
            assert other.history.runs[RUN].state is RunState.INTENDED
            child.send_signal(signal.SIGCONT)
            child.stdin.write(b"\n")
            assert await child.stdout.readline() == b"check refuses\n"
            assert await child.stdout.readline() == b"stands down\n"
            other.check(API)
            assert len(await other.records()) == 1
        await child.wait()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
