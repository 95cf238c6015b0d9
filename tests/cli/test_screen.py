"""Standard output and standard error in the background."""

import asyncio
import io
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from zadig_async.cli import screen as screen_module
from zadig_async.cli.screen import Ink, Screen, last_words
from zadig_async.sinks import writer as writer_module


class Stuck(io.StringIO):
    """A stream that takes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.done = threading.Event()

    def write(self, text: str, /) -> int:
        self.go.wait(20)
        self.done.set()
        return super().write(text)


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Stuck, Stuck]]:
    """Standard output and standard error, both stuck."""
    out, err = Stuck(), Stuck()
    # The module's own view: pytest itself puts something else in the place of the real ones.
    monkeypatch.setattr(screen_module, "sys", SimpleNamespace(stdout=out, stderr=err))
    monkeypatch.setattr(writer_module, "_LAST", 0.01)
    monkeypatch.setattr(screen_module, "_LAST", 0.01)
    monkeypatch.setattr(screen_module, "_IN_ORDER", 0.01)
    yield out, err
    out.go.set()
    err.go.set()


async def test_results_and_remarks_go_where_they_belong(capsys: pytest.CaptureFixture[str]) -> None:
    async with Screen() as screen:
        screen.say("one")
        screen.say_lines(["two", "three"])
        await screen.write("four\n")
        screen.remark("aside")
        print("five", end="\n", file=Ink(screen))
    await last_words("the end")
    out, err = capsys.readouterr()
    assert out == "one\ntwo\nthree\nfour\nfive\n"
    assert err == "aside\nthe end\n"


async def test_remarks_do_not_wait_for_results_that_are_stuck(stuck: tuple[Stuck, Stuck]) -> None:
    out, err = stuck
    err.go.set()
    async with Screen() as screen:
        screen.say("result")
        await screen.in_order()
        screen.remark("aside")
        assert await asyncio.to_thread(err.done.wait, 20)
        assert screen.behind
        assert out.getvalue() == ""
        out.go.set()
    assert (out.getvalue(), err.getvalue()) == ("result\n", "aside\n")


async def test_what_is_ordered_comes_in_order(
    stuck: tuple[Stuck, Stuck], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen_module, "_IN_ORDER", 20.0)
    out, err = stuck
    err.go.set()
    async with Screen() as screen:
        screen.say("result")
        waiting = asyncio.create_task(screen.in_order())
        await asyncio.sleep(0)
        assert not waiting.done()
        out.go.set()
        await waiting
        assert not screen.behind
        assert out.getvalue() == "result\n"


@pytest.mark.parametrize("in_the_end", [False, True], ids=["while it works", "while it ends"])
async def test_who_is_cancelled_waits_for_neither(stuck: tuple[Stuck, Stuck], in_the_end: bool) -> None:
    async def work() -> None:
        async with Screen() as screen:
            screen.say("result")
            screen.remark("aside")
            if not in_the_end:
                await asyncio.Event().wait()

    task = asyncio.create_task(work())
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=10)
    assert done
    assert task.cancelled()
    assert stuck[0].getvalue() == ""


async def test_last_words_wait_for_nobody(stuck: tuple[Stuck, Stuck]) -> None:
    async with asyncio.timeout(10):
        await last_words("the end")
    assert stuck[1].getvalue() == ""
