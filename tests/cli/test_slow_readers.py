"""Whoever reads what is printed may be slow, or never read at all: nothing else waits for them."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import POLL, WORLD, Cli, Zadig
from tests.cli.test_processes import process
from tests.support.canary import CANARY
from zadig_async.cli.render.renderer import PlainRenderer
from zadig_async.orchestrator import events, watch

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes, signals and terminals of POSIX")

LINES = 20_000
"""Of 100 characters: more than a pipe and the room of a writer hold together."""

COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

DETAIL = "/openapi/workflows/custom/task"

ENDLESS: dict[str, Any] = {
    "key": "endless",
    "stages": [
        {
            "name": "build",
            "jobs": [
                {
                    "name": "build",
                    "outcome": "never",
                    "log": [{"text": f"tick {second}", "at": second} for second in range(3600)],
                }
            ],
        }
    ],
}


LOUD: dict[str, Any] = {
    **WORLD,
    "projects": [
        {
            "key": "shop",
            "name": "shop",
            "workflows": [
                ENDLESS,
                {
                    "key": "loud",
                    "stages": [
                        {
                            "name": "build",
                            "jobs": [
                                {
                                    "name": "build",
                                    "duration": 2,
                                    "log": [
                                        {"text": f"{number:05} ".ljust(100, "x"), "at": 0}
                                        for number in range(LINES)
                                    ],
                                }
                            ],
                        },
                        {
                            "name": "gate",
                            "jobs": [{"name": "gate", "approval": {"users": ["bot"], "timeout": 600}}],
                        },
                        {"name": "deploy", "jobs": [{"name": "deploy", "duration": 1}]},
                    ],
                },
            ],
        }
    ],
}

RUN = ["run", "shop/loud", "--all-jobs", POLL, "--logs", "--approve", "shop/loud:gate", "--approve-own"]


@pytest.fixture
def loud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Zadig]:
    server = Zadig(LOUD, speed=40)
    monkeypatch.setenv("ZADIG_URL", server.url)
    monkeypatch.setenv("ZADIG_TOKEN", CANARY)
    monkeypatch.setenv("TERM", "xterm-256color")
    yield server
    server.close()


def wait_until(done: Callable[[], object], what: str) -> None:
    give_up = time.monotonic() + 40
    while not done():
        assert time.monotonic() < give_up, f"{what}: it never came"
        threading.Event().wait(0.02)


def polls(server: Zadig) -> int:
    return sum(seen.path.startswith(DETAIL) for seen in server.emulator.ledger.requests)


def status(server: Zadig) -> str:
    """Return the status of the task, by the emulator's own books; empty before there is one."""

    async def look() -> str:
        task = server.emulator.world.task("loud", 1)
        return "" if task is None else str(task.status)

    return str(server._call(look()))


def see_that_all_goes_on(server: Zadig) -> None:
    """Nobody reads; see that the gate is approved, that the task ends, and that polls come to that end."""
    wait_until(lambda: server.emulator.ledger.approvals, "an approval")
    wait_until(lambda: status(server) == "passed", "the end of the task")
    before = polls(server)
    wait_until(lambda: polls(server) > before, "a poll that sees the end")


def numbers(text: str, prefix: str) -> list[int]:
    """Return the numbers of the lines of the log, in the order in which they were printed."""
    found = [line.removeprefix(prefix) for line in text.splitlines() if line.startswith(prefix)]
    return [int(line[:5]) for line in found if line[:5].isdigit()]


def test_a_pipe_that_nobody_reads_stops_neither_polls_nor_approvals_and_loses_nothing(loud: Zadig) -> None:
    with process(RUN) as child:
        see_that_all_goes_on(loud)
        out, err = child.communicate()
    assert (child.returncode, err) == (0, "")
    assert numbers(out, "loud/build | ") == list(range(LINES))
    assert "1 of 1 succeeded." in out
    assert "~~~" not in out


def test_a_pipe_of_json_that_nobody_reads_stops_neither_polls_nor_approvals(loud: Zadig) -> None:
    with process([*RUN, "-o", "json"]) as child:
        see_that_all_goes_on(loud)
        out, err = child.communicate()
    assert (child.returncode, err) == (0, "")
    assert out.splitlines()[-1].startswith('{"event": "outcomes"')
    assert f"{LINES - 1:05} x" in out


def test_a_terminal_that_was_stopped_stops_neither_polls_nor_approvals(loud: Zadig) -> None:
    leader, follower = os.openpty()
    written = b""
    with process(RUN, stdin=follower, stdout=follower, stderr=follower) as child:
        os.close(follower)
        see_that_all_goes_on(loud)
        with contextlib.suppress(OSError):  # Linux says EIO when the other side has gone
            while piece := os.read(leader, 65536):
                written += piece
        code = child.wait()
    os.close(leader)
    text = written.decode()
    assert code == 0
    assert numbers(COLOUR.sub("", text), "loud/build | ") == list(range(LINES))
    assert "1 of 1 succeeded." in text


def test_files_go_on_while_the_terminal_is_stopped(loud: Zadig, tmp_path: Path) -> None:
    """As far as the log is read: what is shown and what is kept is read once."""
    with process([*RUN, "--grep", "no such line", "--log-dir", str(tmp_path)]) as child:
        see_that_all_goes_on(loud)
        child.communicate()
    (file,) = tmp_path.rglob("*build.log")
    text = file.read_text(encoding="utf-8")
    assert numbers(text, "") == list(range(LINES))
    assert "complete: equal to the archive" in text


@pytest.mark.usefixtures("loud")
def test_logs_are_read_to_their_end_however_long_after_that_of_their_task(
    alone: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watch waits for its logs for a while only; what is read slowly goes on by itself."""
    monkeypatch.setattr(watch, "_LOG_GRACE", 0.0)
    ended = asyncio.Event()
    show, tell = PlainRenderer.log, PlainRenderer.event

    async def slowly(renderer: PlainRenderer, event: events.LogEvent) -> None:
        await ended.wait()
        await show(renderer, event)

    def telling(renderer: PlainRenderer, event: events.Event) -> None:
        tell(renderer, event)
        if isinstance(event, events.Ended):
            ended.set()

    monkeypatch.setattr(PlainRenderer, "log", slowly)
    monkeypatch.setattr(PlainRenderer, "event", telling)
    result = alone(*RUN, "--log-job", "build")
    assert result.code == 0
    assert numbers(result.out, "loud/build | ") == list(range(LINES))
    assert "no longer read" not in result.out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_results_that_cannot_be_written_are_missed_aloud(loud: Zadig) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        argv = [word for word in RUN if word != "--logs"]
        with process(argv, stdout=full) as child:
            _, err = child.communicate()
    assert err == "standard output: No space left on device. What was to be printed is lost.\n"
    assert child.returncode == 0
    assert len(loud.emulator.ledger.approvals) == 1


@pytest.mark.usefixtures("loud")
@pytest.mark.parametrize("more", [(), ("-o", "json")], ids=["text", "json"])
def test_logs_are_followed_no_further_when_their_reader_has_gone(
    tmp_path: Path, more: tuple[str, ...]
) -> None:
    """As in `logs --follow | head`; with files, somebody may read those."""
    with process(["run", "shop/endless", "--all-jobs", POLL, "--run-timeout", "0.1"]) as child:
        child.communicate()
    with process(["logs", "shop/endless#1", "--follow", *more]) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.stdout.close()
        assert child.stderr is not None
        err = child.stderr.read()
        assert (child.wait(), err) == (0, "")
    with process(["logs", "shop/endless#1", "--follow", "--log-dir", str(tmp_path), *more]) as child:
        assert child.stdout is not None
        child.stdout.close()
        wait_until(lambda: kept(tmp_path), "lines in a file")
        before = kept(tmp_path)
        wait_until(lambda: kept(tmp_path) > before + 100, "more lines in that file")
        assert child.poll() is None


def kept(directory: Path) -> int:
    """Return how many lines there are in all files."""
    return sum(file.read_text(encoding="utf-8").count("\n") for file in directory.rglob("*.log"))


def interrupt_until_it_ends(child: "subprocess.Popen[str]") -> None:
    assert child.stderr is not None
    child.send_signal(signal.SIGINT)
    assert "Stopping to watch." in child.stderr.readline()
    child.send_signal(signal.SIGINT)


def test_ctrl_c_is_answered_while_nobody_reads(loud: Zadig) -> None:
    with process([word for word in RUN if "approve" not in word and word != "shop/loud:gate"]) as child:
        wait_until(lambda: status(loud) == "running", "the task")
        before = polls(loud)
        wait_until(lambda: polls(loud) > before + 3, "polls")
        interrupt_until_it_ends(child)
        code = child.wait()
        assert child.stderr is not None
        err = child.stderr.read()
    assert code == 130
    assert "Going on without us: shop/loud#1" in err
    assert "Traceback" not in err
    assert "Fatal" not in err


@pytest.mark.parametrize("ci", ["", "1"], ids=["table", "lines"])
def test_a_second_ctrl_c_ends_it_though_the_terminal_was_stopped(
    loud: Zadig, ci: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    leader, follower = os.openpty()
    argv = ["run", "shop/loud", "--all-jobs", POLL, "--logs"]
    with process(argv, stdin=follower, stdout=follower, stderr=follower) as child:
        os.close(follower)
        wait_until(lambda: polls(loud) > 8, "polls")
        child.send_signal(signal.SIGINT)
        wait_until(lambda: is_quiet(loud), "the end of the polls")
        child.send_signal(signal.SIGINT)
        code = child.wait(10)  # 20 seconds after the first it would be ended by force
    os.close(leader)
    assert code == 130


def is_quiet(server: Zadig) -> bool:
    """Whether nothing is sent for the time of some polls."""
    before = len(server.emulator.ledger.requests)
    threading.Event().wait(0.5)
    return len(server.emulator.ledger.requests) == before


def test_logs_wait_for_their_reader_and_lose_nothing(loud: Zadig) -> None:
    with process(RUN) as child:
        child.communicate()
    before = len(loud.emulator.ledger.requests)
    with process(["logs", "shop/loud#1", "--job", "build"]) as child:
        wait_until(lambda: len(loud.emulator.ledger.requests) == before + 2, "the reading of the archive")
        out, err = child.communicate()
    assert (child.returncode, err) == (0, "")
    assert numbers(out, "") == list(range(LINES))
