"""The writer: what is slow or broken on the other side never reaches the event loop, and nothing is lost."""

import asyncio
import errno
import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import attrs
import pytest

from zadig_async.errors import ConfigError
from zadig_async.sinks import writer as writer_module
from zadig_async.sinks.writer import BackgroundWriter, UnwritableError, mute

PATIENCE = 20
"""Seconds until something that should have happened is given up."""


@attrs.define(eq=False)
class Slow:
    """A target that takes nothing while its gate is shut."""

    name: str = "slow"
    texts: list[str] = attrs.field(factory=list)
    gate: threading.Event = attrs.field(factory=threading.Event)
    reached: threading.Event = attrs.field(factory=threading.Event)
    closed: bool = False

    def write(self, text: str, /) -> None:
        assert not self.closed
        self.reached.set()
        if not self.gate.wait(PATIENCE):
            raise AssertionError("the gate was never opened")
        self.texts.append(text)

    def flush(self) -> None:
        return

    def close(self) -> None:
        self.closed = True


@attrs.define(eq=False)
class Broken:
    """A target that cannot be written."""

    error: Exception
    name: str = "/logs/x.log"
    tries: int = 0
    closings: int = 0

    def write(self, text: str, /) -> None:
        self.tries += 1
        raise self.error

    def flush(self) -> None:
        return

    def close(self) -> None:
        self.closings += 1
        raise self.error


class Pipe:
    """A pipe that nobody reads until it is told to."""

    def __init__(self) -> None:
        self._read, write = os.pipe()
        self.end = os.fdopen(write, "w", encoding="utf-8", newline="")

    def leave(self) -> None:
        os.close(self._read)

    def reading(self) -> "asyncio.Task[str]":
        """Begin to read, until the other end is closed."""

        def read() -> str:
            with os.fdopen(self._read, encoding="utf-8", newline="") as left:
                return left.read()

        return asyncio.create_task(asyncio.to_thread(read))


@pytest.fixture
def shut() -> Iterator[Slow]:
    target = Slow()
    yield target
    target.gate.set()


@pytest.fixture
def full() -> TextIO:
    """A device that is always full."""
    return Path("/dev/full").open("w", encoding="utf-8")


async def reached(target: Slow) -> None:
    assert await asyncio.to_thread(target.reached.wait, PATIENCE)


async def pending(work: "asyncio.Task[None]") -> bool:
    """Whether a task still waits after everything that could go on has gone on."""
    for _ in range(10):
        await asyncio.sleep(0)
    return not work.done()


async def test_texts_come_in_order_and_whole() -> None:
    stream = io.StringIO()
    async with BackgroundWriter() as writer:
        for number in range(1000):
            await writer.write(stream, f"{number}\n")
        await writer.flush()
        assert stream.getvalue().split() == [str(number) for number in range(1000)]


async def test_what_waits_for_one_target_is_written_at_once(shut: Slow) -> None:
    async with BackgroundWriter() as writer:
        writer.put(shut, "first")
        await reached(shut)
        for text in "abc":
            await writer.write(shut, text)
        shut.gate.set()
    assert shut.texts == ["first", "abc"]


async def test_a_writer_waits_for_room_and_for_nothing_else(shut: Slow) -> None:
    async with BackgroundWriter(room=3) as writer:
        await writer.write(shut, "四")  # 3 bytes: there is room until there are more
        await writer.write(shut, "5")
        waits = asyncio.create_task(writer.write(shut, "6"))
        assert await pending(waits)
        writer.put(shut, "a note that never waits")
        assert writer.waiting == 27
        shut.gate.set()
        await waits
    assert "".join(shut.texts) == "四5a note that never waits6"
    assert writer.waiting == 0


async def test_who_waits_for_room_can_be_cancelled_and_nobody_else_is(shut: Slow) -> None:
    async with BackgroundWriter(room=0) as writer:
        await writer.write(shut, "a")
        given_up = asyncio.create_task(writer.write(shut, "b"))
        waits = asyncio.create_task(writer.write(shut, "c"))
        assert await pending(waits)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        faults: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context))
        shut.gate.set()
        await waits
    assert faults == []
    assert "".join(shut.texts) == "ac"


async def test_a_pipe_that_nobody_reads_stops_nobody_and_loses_nothing() -> None:
    pipe = Pipe()
    text = "x" * 1023 + "\n"
    async with BackgroundWriter(room=1 << 16) as writer:
        for _ in range(64):  # what the pipe holds, at most
            await writer.write(pipe.end, text)
        told = 64

        async def tell() -> None:
            nonlocal told
            while True:
                await writer.write(pipe.end, text)
                told += 1

        telling = asyncio.create_task(tell())
        before = -1
        while told != before:  # the loop lives; it only waits for room
            before = told
            await asyncio.to_thread(threading.Event().wait, 0.05)
        telling.cancel()
        assert told < 200
        reading = pipe.reading()
        await writer.flush()
    pipe.end.close()
    assert await reading == text * told


async def test_targets_take_turns(shut: Slow) -> None:
    other = Slow("other")
    other.gate.set()
    async with BackgroundWriter() as writer:
        writer.put(shut, "a")
        await reached(shut)
        for _ in range(3):
            writer.put(shut, "b" * (1 << 16))
        writer.put(other, "c")
        shut.texts = other.texts  # one list shows the order
        shut.gate.set()
    assert [text[0] for text in other.texts] == ["a", "b", "c", "b", "b"]


async def test_a_reader_that_has_gone_is_no_error_and_the_others_go_on() -> None:
    pipe, other = Pipe(), io.StringIO()
    pipe.leave()
    async with BackgroundWriter() as writer:
        for _ in range(3):
            await writer.write(pipe.end, "nobody reads this\n")
            await writer.flush()
            assert writer.is_gone(pipe.end)
        assert not writer.is_gone(other)
        await writer.write(other, "and this is read\n")
    with pipe.end:  # what it turned into takes everything
        assert pipe.end.write("nor this") == 8
    assert other.getvalue() == "and this is read\n"


async def test_a_reader_that_has_gone_is_tried_once_where_there_is_no_descriptor() -> None:
    gone = Broken(BrokenPipeError())
    async with BackgroundWriter() as writer:
        for _ in range(3):
            await writer.write(gone, "x")
            await writer.flush()
    assert gone.tries == 1
    assert writer.waiting == 0


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "/logs/x.log: No space left on device"),
        (ValueError("I/O operation on closed file"), "/logs/x.log: it cannot be written (ValueError)"),
    ],
)
async def test_what_cannot_be_written_is_told_to_the_next_who_writes_there(
    error: Exception, words: str
) -> None:
    broken, other = Broken(error), io.StringIO()
    async with BackgroundWriter() as writer:
        await writer.write(broken, "lost")
        await writer.flush()
        for _ in range(2):
            with pytest.raises(UnwritableError) as caught:
                await writer.write(broken, "more")
            assert str(caught.value) == words
            assert isinstance(caught.value, ConfigError)
            assert caught.value.hint
        writer.put(broken, "a note")
        await writer.write(other, "goes on")
        writer.close(broken)
    assert (other.getvalue(), broken.tries, writer.waiting) == ("goes on", 1, 0)
    assert writer.failures == (words,)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
async def test_a_full_disk_is_named(full: TextIO) -> None:
    with full:
        async with BackgroundWriter() as writer:
            await writer.write(full, "x\n")
            await writer.flush()
            with pytest.raises(UnwritableError, match="/dev/full: No space left on device"):
                await writer.write(full, "y\n")


async def test_a_target_is_closed_when_its_last_text_is_written(shut: Slow) -> None:
    async with BackgroundWriter() as writer:
        writer.put(shut, "a")
        await reached(shut)
        for _ in range(3):
            writer.put(shut, "b" * (1 << 16))
        writer.close(shut)
        assert not shut.closed
        shut.gate.set()
        await writer.flush()
        assert (len("".join(shut.texts)), shut.closed) == (1 + 3 * (1 << 16), True)


async def test_a_target_that_fails_is_closed_too_and_what_was_to_come_is_forgotten() -> None:
    broken = Broken(OSError(errno.EIO, "Input/output error"))
    async with BackgroundWriter() as writer:
        for _ in range(3):
            writer.put(broken, "b" * (1 << 16))
        writer.close(broken)
    assert (broken.tries, broken.closings, writer.waiting) == (1, 1, 0)


async def test_a_flush_is_over_when_nothing_waits_for_anybody(shut: Slow) -> None:
    async with BackgroundWriter() as writer:
        writer.put(shut, "a")
        await reached(shut)
        other = Slow("other")
        writer.put(other, "b")
        flushing = asyncio.create_task(writer.flush())
        assert await pending(flushing)
        shut.gate.set()
        await reached(other)
        assert await pending(flushing)
        other.gate.set()
        await flushing
        assert other.texts == ["b"]


async def test_closing_waits_for_what_others_still_write(shut: Slow) -> None:
    writer = BackgroundWriter()
    writer.put(shut, "a")
    closing = asyncio.create_task(writer.aclose())
    assert await pending(closing)
    writer.put(shut, "b")
    shut.gate.set()
    await closing
    writer.put(shut, "c")
    with pytest.raises(RuntimeError, match="closed"):
        await writer.write(shut, "d")
    assert "".join(shut.texts) == "ab"


async def test_closing_does_not_wait_with_the_loop_standing_still(shut: Slow) -> None:
    class Late(BackgroundWriter):
        """Somebody writes once more right after the closing has seen that all is written."""

        late = True

        async def flush(self) -> None:
            await super().flush()
            if self.late:
                self.late = False
                self.put(shut, "b")

    writer = Late()
    writer.put(io.StringIO(), "a")
    closing = asyncio.create_task(writer.aclose())
    await reached(shut)
    shut.gate.set()
    await closing
    assert shut.texts == ["b"]


async def test_no_thread_is_left_and_none_is_begun_for_nothing() -> None:
    before = set(threading.enumerate())
    async with BackgroundWriter():
        assert set(threading.enumerate()) == before
    async with BackgroundWriter() as writer:
        writer.put(io.StringIO(), "x")
    assert set(threading.enumerate()) == before


async def test_who_is_cancelled_waits_only_a_moment_for_a_stopped_terminal(
    shut: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "_LAST", 0.01)

    async def work() -> None:
        async with BackgroundWriter() as writer:
            writer.put(shut, "never read")
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await reached(shut)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert shut.texts == []


async def test_who_is_cancelled_still_writes_to_a_terminal_that_takes_it() -> None:
    stream = io.StringIO()

    async def work() -> None:
        async with BackgroundWriter() as writer:
            writer.put(stream, "last words")
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stream.getvalue() == "last words"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
async def test_a_stream_that_does_not_block_is_written_whole() -> None:
    pipe = Pipe()
    os.set_blocking(pipe.end.fileno(), False)
    text = "y" * (1 << 20)
    async with BackgroundWriter() as writer:
        await writer.write(pipe.end, text)
        reading = pipe.reading()
        await writer.flush()
    pipe.end.close()
    assert await reading == text


async def test_a_stream_gets_its_own_encoding_with_what_it_lacks_escaped(tmp_path: Path) -> None:
    with (tmp_path / "x").open("w", encoding="latin-1", errors="backslashreplace", newline="") as stream:
        async with BackgroundWriter() as writer:
            await writer.write(stream, "é部")
    assert (tmp_path / "x").read_bytes() == b"\xe9\\u90e8"


BLOCKED = """\
import asyncio, sys
from zadig_async.sinks.writer import BackgroundWriter

async def main():
    writer = BackgroundWriter()
    for _ in range(64):
        writer.put(sys.stdout, "x" * 65536)
    while writer.waiting > 63 * 65536:
        await asyncio.sleep(0.01)
    sys.stderr.write("the pipe is full\\n")

asyncio.run(main())
"""

WHOLE = """\
import asyncio, sys
from zadig_async.sinks.writer import BackgroundWriter

async def main():
    async with BackgroundWriter() as writer:
        for number in range(20000):
            await writer.write(sys.stdout, f"{number} " + "z" * 100 + "\\n")

asyncio.run(main())
"""


def test_a_stopped_terminal_does_not_keep_the_process_alive() -> None:
    """Nor does the interpreter end with a fatal error about a lock, as it would past Python's own buffer."""
    child = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", BLOCKED], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with child:
        try:
            code = child.wait(PATIENCE)
        finally:
            child.kill()
        assert child.stderr is not None
        assert (code, child.stderr.read()) == (0, b"the pipe is full\n")


@pytest.mark.parametrize("flags", [(), ("-u",)], ids=["buffered", "unbuffered"])
def test_a_normal_end_writes_everything(flags: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, *flags, "-c", WHOLE], capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    assert done.stderr == ""
    assert done.stdout == "".join(f"{number} {'z' * 100}\n" for number in range(20000))


def test_a_muted_stream_takes_everything(tmp_path: Path) -> None:
    with (tmp_path / "x").open("w", encoding="utf-8") as stream:
        mute(stream)
        stream.write("nowhere")
    assert (tmp_path / "x").read_text(encoding="utf-8") == ""
