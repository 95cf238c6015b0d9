"""The program as a process of its own: `demo`, `emulator`, Ctrl-C, a terminal."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import POLL, Cli, Zadig
from tests.support.canary import CANARY
from zadig_async.cli.commands.demo import differences, untrue
from zadig_async.emulator import Ledger
from zadig_async.model.ids import TaskRef
from zadig_async.model.outcome import Outcome, Verdict

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals of POSIX")

PATIENCE = 40
"""Seconds until a process that should have ended is killed."""


@contextmanager
def process(argv: Sequence[str], **options: object) -> Iterator["subprocess.Popen[str]"]:
    """Start the program; kill it if it is still there at the end."""
    command = [sys.executable, "-W", "error", "-m", "zadig_async", *argv]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    with subprocess.Popen(command, text=True, encoding="utf-8", **pipes) as child:  # type: ignore[call-overload]  # options vary
        watchdog = threading.Timer(PATIENCE, child.kill)
        watchdog.start()
        try:
            yield child
        finally:
            watchdog.cancel()
            child.kill()


def squeezed(text: str) -> str:
    """Return a text without the blanks that align it."""
    return re.sub(" +", " ", text)


def wait_for(child: "subprocess.Popen[str]", text: str) -> str:
    """Read lines until one holds a text; return all that was read, without what aligns it."""
    assert child.stdout is not None
    read = ""
    for line in child.stdout:
        read += squeezed(line)
        if text in squeezed(line):
            return read
    raise AssertionError(f"{text!r} never came:\n{read}")


def test_the_demo_goes_as_scripted() -> None:
    with process(["demo", "--speed", "30"]) as child:
        out, err = child.communicate()
    assert (child.returncode, err) == (0, "")
    assert "No real server is touched." in out
    assert "The rule 'shop/deploy-*:staging-gate' lets us approve that gate alone." in out
    summary = [line.split()[:2] for line in out.splitlines() if line.startswith("shop/deploy-")]
    assert summary == [
        ["shop/deploy-api#3", "succeeded"],
        ["shop/deploy-web#1", "succeeded"],
        ["shop/deploy-search#1", "failed"],
        ["shop/deploy-mobile#1", "succeeded"],
    ]
    assert "deploy-search/build | error[E0308]: mismatched types" in squeezed(out)
    assert "All as scripted: deploy-search had to fail." in out


def test_the_demo_in_json_ends_with_the_code_it_exits_with() -> None:
    with process(["demo", "--speed", "30", "--output", "json"]) as child:
        out, err = child.communicate()
    records = [json.loads(line) for line in out.splitlines()]
    assert (child.returncode, err) == (0, "")
    assert (records[-1]["event"], records[-1]["exit_code"]) == ("outcomes", 0)
    assert [outcome["verdict"] for outcome in records[-1]["outcomes"]].count("succeeded") == 3


def test_the_demo_tells_in_what_it_differs_from_its_script() -> None:
    ref = TaskRef("shop", "deploy-api", 3)
    outcomes = [
        Outcome(workflow=ref.of, ref=ref, verdict=Verdict.FAILED),
        *(
            Outcome(workflow=TaskRef("shop", name, 1).of, verdict=Verdict.SUCCEEDED)
            for name in ("deploy-web", "deploy-search")
        ),
    ]
    assert differences(outcomes) == [
        "deploy-api was to end as succeeded, and ended as failed",
        "deploy-search was to end as failed, and ended as succeeded",
        "deploy-mobile was to end as succeeded, and ended as nothing",
        "deploy-api was to fail at build",
    ]
    assert untrue(outcomes, Ledger()) == [
        "the server made [], and we know of [('deploy-api', 3)]",
        "the server took approvals of [], and ['deploy-api', 'deploy-web'] were due",
    ]


@posix_only
def test_the_emulator_prints_its_url_serves_and_ends_with_ctrl_c(
    alone: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    with process(["emulator", "--token", CANARY]) as child:
        assert child.stdout is not None
        url = child.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        wait_for(child, "Ctrl-C ends it.")
        monkeypatch.setenv("ZADIG_URL", url)
        monkeypatch.setenv("ZADIG_TOKEN", CANARY)
        assert "deploy-api" in alone("workflows", "list", "shop").out
        with urllib.request.urlopen(f"{url}/_emulator/ledger", timeout=10) as reply:
            assert json.load(reply)[0]["path"].startswith("/openapi/workflows?")
        child.send_signal(signal.SIGINT)
        _, err = child.communicate()
    assert (child.returncode, err) == (0, "")


@posix_only
def test_the_emulator_tells_programs_where_it_listens() -> None:
    with process(["emulator", "--token", "toy", "--output", "json"]) as child:
        told = json.loads(wait_for(child, "url"))
        child.send_signal(signal.SIGINT)
        out, err = child.communicate()
    assert told["url"].startswith("http://127.0.0.1:")
    assert told["token"] == "toy"
    assert (child.returncode, out, err) == (0, "", "")


def test_an_emulator_that_cannot_be_started_says_why(alone: Cli, zadig: Zadig, tmp_path: Path) -> None:
    port = zadig.url.rpartition(":")[2]
    result = alone("emulator", "--port", port)
    assert result.code == 2
    assert result.err.startswith(f"Error: --port {port}: ")
    scenario = tmp_path / "world.yaml"
    scenario.write_text("projekts: []", encoding="utf-8")
    result = alone("emulator", "--scenario", str(scenario))
    assert result.code == 2
    assert f"{scenario}:1: projekts: unknown key; did you mean 'projects'?" in result.err


@posix_only
def test_the_words_of_a_scenario_are_safe_to_look_at_and_to_copy(tmp_path: Path) -> None:
    world = {"users": [{"name": "bot", "tokens": ["\x1b]0;x\x07x;touch y"]}], "projects": [{"key": "a;b"}]}
    scenario = tmp_path / "world.yaml"
    scenario.write_text(json.dumps(world), encoding="utf-8")
    with process(["emulator", "--scenario", str(scenario)]) as child:
        read = wait_for(child, "workflows list")
        child.send_signal(signal.SIGINT)
        child.communicate()
    assert "\x1b" not in read
    assert "ZADIG_TOKEN='x;touch y'\n" in read
    assert "zadig-async workflows list 'a;b'" in read


@pytest.fixture
def shell(zadig: Zadig, monkeypatch: pytest.MonkeyPatch) -> Zadig:
    """Make the environment of processes point to the emulator."""
    monkeypatch.setenv("ZADIG_URL", zadig.url)
    monkeypatch.setenv("ZADIG_TOKEN", CANARY)
    return zadig


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminate"])
def test_a_signal_stops_the_watching_and_never_the_tasks(shell: Zadig, number: signal.Signals) -> None:
    argv = ["run", "shop/slow", "shop/gated", "shop/good", "--all-jobs", POLL, "--concurrency", "2"]
    with process([*argv, "--approve", "shop/g*:other", "--logs"]) as child:
        read = wait_for(child, "going on")
        if "gated > waits at gate" not in read:
            read += wait_for(child, "gated > waits at gate")
        child.send_signal(number)
        out, err = child.communicate()
    assert child.returncode == 130
    assert "Stopping to watch. Nothing more is sent, and tasks on the server go on." in err
    assert "Going on without us: shop/slow#1, shop/gated#1" in err
    assert (
        "To watch again: zadig-async watch 'shop/slow#1' 'shop/gated#1' --approve 'shop/g*:other' --logs"
        in err
    )
    assert "Not started: shop/good" in err
    assert "0 of 3 succeeded." in out
    assert CANARY not in read + out + err
    assert "Traceback" not in err
    assert shell.emulator.ledger.cancels == []
    assert [task.workflow for task in shell.emulator.ledger.tasks] == ["slow", "gated"]


@posix_only
def test_a_third_signal_waits_for_nothing_and_says_what_is_in_doubt(shell: Zadig) -> None:
    shell.fault("hang", path="/openapi/workflows/custom/task", method="POST", after=True)
    with process(["run", "shop/slow", "--all-jobs", POLL]) as child:
        wait_for(child, "launching: build")
        while not shell.struck():
            threading.Event().wait(0.02)
        assert child.stderr is not None
        child.send_signal(signal.SIGINT)
        assert "Stopping to watch." in child.stderr.readline()
        while child.poll() is None:  # two that come too close together are one to the system
            child.send_signal(signal.SIGINT)
            threading.Event().wait(0.05)
        err = child.stderr.read()
    assert child.returncode == 3
    assert "It may have been started: shop/slow. Look: zadig-async tasks list shop/slow" in err
    assert [task.workflow for task in shell.emulator.ledger.tasks] == ["slow"]


@posix_only
def test_ctrl_c_ends_a_plain_command_without_a_traceback(shell: Zadig) -> None:
    shell.fault("hang", times=None)
    with process(["workflows", "list", "shop"]) as child:
        while not shell.struck():
            threading.Event().wait(0.02)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate()
    assert child.returncode == 130
    assert "Interrupted." in err
    assert "Traceback" not in err


def on_a_terminal(argv: Sequence[str], typed: bytes = b"") -> tuple[int, str]:
    """Run the program on a terminal, with something typed ahead; return its code and what it wrote."""
    leader, follower = os.openpty()
    written = b""
    with process(argv, stdin=follower, stdout=follower, stderr=follower) as child:
        os.close(follower)
        os.write(leader, typed)
        with contextlib.suppress(OSError):  # Linux says EIO when the other side has gone
            while piece := os.read(leader, 65536):
                written += piece
        code = child.wait()
    os.close(leader)
    return code, written.decode()


@posix_only
def test_on_a_terminal_there_is_a_table_and_the_summary_stays(
    shell: Zadig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    code, text = on_a_terminal(["run", "shop/good", "--all-jobs", POLL])
    assert code == 0
    assert "\x1b[" in text
    assert "TASK" in text
    assert "1 of 1 succeeded." in text.splitlines()[-1]
    assert shell.emulator.ledger.tasks[0].workflow == "good"


@posix_only
@pytest.mark.parametrize(("typed", "code", "writes"), [(b"n\n", 4, 0), (b"y\n", 0, 1)])
def test_on_a_terminal_a_person_is_asked(shell: Zadig, typed: bytes, code: int, writes: int) -> None:
    found, text = on_a_terminal(["workflows", "delete", "shop/good"], typed)
    assert "Delete shop/good (好的) and the list of its tasks for ever? [y/N]" in text
    assert found == code
    assert len(shell.writes()) == writes
    assert ("Nothing was sent." in text) == (writes == 0)


@posix_only
def test_a_closed_pipe_does_not_end_the_watching(shell: Zadig) -> None:
    with process(
        ["run", "shop/gated", "--all-jobs", POLL, "--approve", "shop/gated:gate", "--approve-own"]
    ) as child:
        wait_for(child, "launching")
        assert child.stdout is not None
        child.stdout.close()
        assert child.stderr is not None
        err = child.stderr.read()
        child.wait()
    assert (child.returncode, err) == (0, "")
    assert len(shell.emulator.ledger.approvals) == 1
