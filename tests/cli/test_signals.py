"""The ladder of signals within one process; the last rung is in `test_processes`."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from zadig_async.cli.exits import ExitCode
from zadig_async.cli.signals import Ladder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def never() -> tuple[str, ExitCode]:
    raise AssertionError("nobody is to be ended by force here")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_first_signal_detaches_and_the_second_cancels(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    detached = asyncio.Event()

    async def climb() -> None:
        with Ladder(detached.set, never):
            os.kill(os.getpid(), number)
            await asyncio.wait_for(detached.wait(), 5)
            os.kill(os.getpid(), number)
            await asyncio.sleep(5)

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(climb())
    assert signal.getsignal(number) is not before  # one that comes while the program ends is still ours


async def test_without_a_signal_all_is_as_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Ladder(lambda: None, never):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


async def test_nothing_is_left_behind() -> None:
    threads = set(threading.enumerate())
    detached = asyncio.Event()
    with Ladder(detached.set, never):
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.wait_for(detached.wait(), 5)
    for thread in set(threading.enumerate()) - threads:
        thread.join(5)
        assert not thread.is_alive()


async def test_elsewhere_than_in_the_main_thread_it_does_nothing() -> None:
    before = signal.getsignal(signal.SIGINT)

    async def enter() -> object:
        with Ladder(lambda: None, never):
            return signal.getsignal(signal.SIGINT)

    assert await asyncio.to_thread(lambda: asyncio.run(enter())) is before
