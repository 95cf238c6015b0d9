"""Look-ups can be walked away from, and are shared."""

import asyncio
import gc
import socket
import threading
from typing import Any

import pytest

from zadig_async.transport.dns import Lookups

ROW = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))


class Directory:
    """A stand-in for `getaddrinfo` that answers when it is let go."""

    def __init__(self, answer: list[Any] | Exception) -> None:
        self.answer = answer
        self.asked = threading.Event()
        self.gate = threading.Event()
        self.threads: list[threading.Thread] = []

    def __call__(self, host: str, port: int, *_rest: int) -> list[Any]:
        self.threads.append(threading.current_thread())
        self.asked.set()
        assert self.gate.wait(5)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def begun(directory: Directory) -> None:
    await asyncio.to_thread(directory.asked.wait, 5)
    assert directory.threads


async def test_callers_at_the_same_time_share_one_look_up() -> None:
    directory = Directory([ROW])
    lookups = Lookups(directory)
    waiting = [asyncio.create_task(lookups.find("zadig", 80, socket.AF_INET)) for _ in range(5)]
    await begun(directory)
    waiting.pop().cancel()
    directory.gate.set()
    assert await asyncio.gather(*waiting) == [[ROW]] * 4
    assert len(directory.threads) == 1
    await lookups.find("zadig", 80, socket.AF_INET)
    assert len(directory.threads) == 2


async def test_a_stuck_look_up_keeps_nobody() -> None:
    directory = Directory([ROW])
    lookups = Lookups(directory)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await lookups.find("zadig", 80, socket.AF_INET)
    assert directory.threads[0].daemon
    assert directory.threads[0].is_alive()
    directory.gate.set()
    directory.threads[0].join(5)


@pytest.mark.parametrize("error", [socket.gaierror(-2, "Name or service not known"), OSError(24, "files")])
async def test_failures_reach_every_caller(error: OSError) -> None:
    directory = Directory(error)
    directory.gate.set()
    lookups = Lookups(directory)
    failed = await asyncio.gather(
        *(lookups.find("zadig", 80, socket.AF_INET) for _ in range(2)), return_exceptions=True
    )
    assert [type(each) for each in failed] == [type(error)] * 2


async def test_a_failure_nobody_waits_for_is_silent() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    directory = Directory(socket.gaierror(-2, "Name or service not known"))
    asked = asyncio.create_task(Lookups(directory).find("zadig", 80, socket.AF_INET))
    await begun(directory)
    asked.cancel()
    await asyncio.wait([asked])
    del asked
    directory.gate.set()
    await asyncio.to_thread(directory.threads[0].join, 5)
    await asyncio.sleep(0)
    del directory  # it holds the error, whose traceback holds the future
    gc.collect()  # which complains, when it is deleted, of an error that was never read
    assert complaints == []


async def test_a_name_that_cannot_be_encoded_is_an_os_error() -> None:
    with pytest.raises(OSError, match="cannot be encoded"):
        await Lookups().find("a" * 64, 80, socket.AF_INET)


def test_an_answer_after_the_loop_is_gone_is_dropped() -> None:
    directory = Directory([ROW])

    async def leave() -> None:
        asked = asyncio.create_task(Lookups(directory).find("zadig", 80, socket.AF_INET))
        await begun(directory)
        asked.cancel()

    # With a factory, because otherwise the loop that pytest-asyncio keeps for this thread is replaced.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(leave())
    directory.gate.set()
    directory.threads[0].join(5)  # an exception in a thread is a warning, hence an error
    assert not directory.threads[0].is_alive()
