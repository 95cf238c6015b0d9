"""Going on under the same rules: what `resume`, printed commands and `approve` keep to."""

import asyncio
import io
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import POLL, WORLD, Cli, Result, Zadig
from zadig_async.emulator import Fault

DETAIL = "/openapi/workflows/custom/task"
APPROVE = ("--approve", "shop/gated:gate", "--approve-own")
AT_ONCE = ("--gate-timeout", "0")
FREEZE = """
launches: [{ref: shop/gated, all_jobs: true}]
approvals: [{project: shop, workflow: gated, gate: gate, own_tasks: true}]
freezes: ["2020-01-01 .. 2090-01-01 UTC: year's end"]
policy: {poll_every: 0.1, concurrency: 1, deadlines: {gate: 0}}
"""


@pytest.fixture
def journal(tmp_path: Path) -> str:
    return str(tmp_path / "release.journal")


def blocked(cli: Cli, *more: str) -> Result:
    """Run to a gate that nobody may approve."""
    result = cli("run", "shop/gated", "--all-jobs", POLL, *AT_ONCE, *more)
    assert result.code == 4, result.err
    return result


def printed(result: Result) -> list[str]:
    """Return the words of the command that goes on, without the program's name."""
    (line,) = [
        line for line in result.err.splitlines() if line.startswith(("To go on: ", "To watch again: "))
    ]
    program, *words = shlex.split(line.partition(": ")[2])
    assert program == "zadig-async"
    return words


def value_of(words: list[str], option: str) -> str:
    return words[words.index(option) + 1]


class Typing(io.StringIO):
    """A terminal at which somebody says yes, after something has happened meanwhile."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    def isatty(self) -> bool:
        return True

    def readline(self, _size: int | None = -1, /) -> str:  # type: ignore[override]  # typeshed: as StringIO has it
        self._meanwhile()
        return "y\n"


def typed(text: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")


def in_its_world(zadig: Zadig, act: Callable[[], None]) -> None:
    """Do something to the server's world, in the thread it lives in."""

    async def acting() -> None:
        act()

    zadig._call(acting())


def change_content(zadig: Zadig) -> None:
    def act() -> None:
        task = zadig.emulator.world.task("gated", 1)
        assert task is not None
        task.params.append({"name": "branch", "type": "string", "value": "evil"})

    in_its_world(zadig, act)


# What `resume` keeps, and what the commands say that are printed.


def test_a_resume_keeps_stop_file_and_audit(cli: Cli, zadig: Zadig, tmp_path: Path, journal: str) -> None:
    stop, audit = tmp_path / "STOP", tmp_path / "a.jsonl"
    first = blocked(cli, "--journal", journal, "--stop-file", str(stop), "--audit", str(audit))
    assert value_of(printed(first), "--stop-file") == str(stop)
    assert value_of(printed(first), "--audit") == str(audit)
    before = audit.read_text().count("\n")
    stop.touch()
    result = cli("resume", journal, *APPROVE, "--gate-timeout", "60")
    assert result.code == 4
    assert zadig.emulator.ledger.approvals == []
    assert audit.read_text().count("\n") > before
    assert not Path(f"{journal}.audit.jsonl").exists()


def test_stop_file_and_audit_are_found_from_another_directory(
    cli: Cli, zadig: Zadig, tmp_path: Path, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blocked(cli, "--journal", journal, "--stop-file", "STOP", "--audit", "a.jsonl")
    (tmp_path / "STOP").touch()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert cli("resume", journal, *APPROVE, "--gate-timeout", "60").code == 4
    assert zadig.emulator.ledger.approvals == []
    assert list(elsewhere.iterdir()) == []


def test_zero_and_no_logs_count_as_given(cli: Cli, journal: str) -> None:
    first = cli(
        "run", "shop/gated", "--all-jobs", POLL, "--journal", journal, "--gate-timeout", "2s", "--logs"
    )
    assert first.code == 4
    assert "gated/build | built" in first.out
    again = cli("resume", journal, *AT_ONCE, "--no-logs")
    assert again.code == 4
    assert value_of(printed(again), "--gate-timeout") == "0"
    assert "--logs" not in printed(again)
    assert "| built" not in again.out


def test_a_printed_resume_says_no_logs_where_the_run_had_them(cli: Cli, journal: str) -> None:
    blocked(cli, "--journal", journal, "--logs")
    again = cli("resume", journal, "--no-logs")
    assert "--no-logs" in printed(again)
    assert "| built" not in cli(*printed(again)).out


def test_a_duration_of_days_can_be_read_again(cli: Cli, journal: str) -> None:
    first = blocked(cli, "--journal", journal, "--timeout", "14d")
    assert value_of(printed(first), "--timeout") == "1209600"
    assert cli("resume", journal).code == 4
    assert cli(*printed(first)).code == 4


def test_a_printed_resume_repeats_what_this_resume_was_given(cli: Cli, tmp_path: Path, journal: str) -> None:
    file, inputs, stop, audit = (tmp_path / name for name in ("l.yaml", "in.yaml", "STOP", "a.jsonl"))
    file.write_text(FREEZE, encoding="utf-8")
    inputs.write_text("build: {type: freestyle}\n", encoding="utf-8")
    given = {
        "--file": str(file),
        "--input-file": str(inputs),
        "--concurrency": "2",
        "--stop-file": str(stop),
        "--audit": str(audit),
    }
    blocked(cli, "--journal", journal)
    again = cli("resume", journal, *(word for pair in given.items() for word in pair))
    assert again.code == 4
    assert {option: value_of(printed(again), option) for option in given} == given
    assert cli(*printed(again)).code == 4


def test_a_printed_watch_has_only_options_of_watch(cli: Cli, tmp_path: Path) -> None:
    stop = str(tmp_path / "STOP")
    more = ("--marker", "run_id", "--reconcile-for", "5m", "--operation-log", "--retrigger")
    words = printed(blocked(cli, *more, "--stop-file", stop))
    assert words[0] == "watch"
    assert not {"--marker", "--reconcile-for", "--operation-log", "--retrigger"} & {*words}
    assert value_of(words, "--stop-file") == stop
    assert cli(*words).code == 4


def test_a_printed_watch_stays_a_rehearsal_under_the_rules_of_its_file(
    cli: Cli, zadig: Zadig, tmp_path: Path
) -> None:
    file, audit = tmp_path / "l.yaml", tmp_path / "a.jsonl"
    file.write_text(FREEZE, encoding="utf-8")
    blocked(cli)
    result = cli(
        "watch", "shop/gated#1", POLL, *APPROVE, "--dry-run", "--file", str(file), "--audit", str(audit)
    )
    words = printed(result)
    assert "--dry-run" in words
    assert value_of(words, "--file") == str(file)
    assert value_of(words, "--audit") == str(audit)
    assert cli(*words).code == 4
    assert zadig.emulator.ledger.approvals == []


def test_a_printed_watch_of_a_rehearsal_votes_for_nothing(cli: Cli, zadig: Zadig) -> None:
    blocked(cli)
    result = cli("watch", "shop/gated#1", POLL, *APPROVE, "--dry-run")
    assert cli(*printed(result)).code == 4
    assert zadig.emulator.ledger.approvals == []


def test_a_printed_watch_names_the_launch_file_of_its_run(cli: Cli, zadig: Zadig, tmp_path: Path) -> None:
    file = tmp_path / "l.yaml"
    file.write_text(FREEZE, encoding="utf-8")
    words = printed(cli("run", "--file", str(file), *APPROVE))
    assert value_of(words, "--file") == str(file)
    assert cli(*words).code == 4
    assert zadig.emulator.ledger.approvals == []


def test_a_launch_file_from_standard_input_has_to_be_given_again(
    cli: Cli, zadig: Zadig, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", typed(FREEZE))
    first = cli("run", "--file", "-", *APPROVE, "--journal", journal)
    assert first.code == 4
    lost = cli("resume", journal)
    assert lost.code == 2
    assert "came from standard input" in lost.err
    assert "--file" in lost.err
    monkeypatch.setattr(sys, "stdin", typed(FREEZE))
    assert value_of(printed(first), "--file") == "-"
    again = cli(*printed(first))
    assert again.code == 4
    assert "year's end" in again.out
    assert zadig.emulator.ledger.approvals == []


@pytest.mark.parametrize(("workflow", "code"), [("shop/bad", 1), ("shop/good", 0)])
def test_a_resume_of_what_has_ended_tells_how_it_ended(
    cli: Cli, journal: str, workflow: str, code: int
) -> None:
    assert cli("run", workflow, "--all-jobs", POLL, "--journal", journal).code == code
    again = cli("resume", journal)
    assert again.code == code
    assert "everything in it has come to its end" in again.out


def test_a_resume_of_what_has_ended_tells_of_the_last_batch_only(cli: Cli, journal: str) -> None:
    assert cli("run", "shop/bad", "--all-jobs", POLL, "--journal", journal).code == 1
    assert cli("run", "shop/good", "--all-jobs", POLL, "--journal", journal).code == 0
    assert cli("resume", journal).code == 0


def test_a_resume_does_without_an_input_file_it_does_not_need(cli: Cli, tmp_path: Path, journal: str) -> None:
    file = tmp_path / "in.yaml"
    file.write_text("build: {type: freestyle}\n", encoding="utf-8")
    argv = ("run", "shop/slow", "--input-file", str(file), POLL, "--journal", journal, "--timeout", "0.3s")
    assert cli(*argv).code == 75
    file.unlink()
    assert cli("resume", journal).code == 75


def test_a_resume_says_when_it_needs_an_input_file_that_is_gone(
    cli: Cli, zadig: Zadig, tmp_path: Path, journal: str
) -> None:
    file = tmp_path / "in.yaml"
    file.write_text("build: {type: freestyle}\n", encoding="utf-8")
    zadig.fault("status", method="GET", path="/openapi/workflows/custom/good/detail", status=502, times=4)
    assert cli("run", "shop/good", "--input-file", str(file), POLL, "--journal", journal).code == 75
    file.unlink()
    result = cli("resume", journal)
    assert result.code == 2
    assert str(file) in result.err
    assert zadig.emulator.ledger.tasks == []


# `approve` by hand: for what was shown, and true words about what was sent.


@pytest.mark.parametrize("how", [(), ("--reject",)])
def test_a_hand_decides_only_about_the_content_that_was_shown(
    cli: Cli, zadig: Zadig, monkeypatch: pytest.MonkeyPatch, how: tuple[str, ...]
) -> None:
    blocked(cli)
    monkeypatch.setattr(sys, "stdin", Typing(lambda: change_content(zadig)))
    result = cli("approve", "shop/gated#1", *how)
    assert result.code == 4
    assert "No vote was sent: " in result.err
    assert "branch" in result.err
    assert "evil" not in result.err
    assert zadig.emulator.ledger.approvals == []


@pytest.mark.parametrize("how", [(), ("--reject",)])
def test_a_hand_decides_nothing_new_where_the_task_cannot_be_read_again_in_between(
    cli: Cli, zadig: Zadig, monkeypatch: pytest.MonkeyPatch, how: tuple[str, ...]
) -> None:
    blocked(cli)
    # What was shown is from the first read; the next one, whatever it is for, fails.
    zadig.fault("status", method="GET", path=DETAIL, status=403, skip=1)
    monkeypatch.setattr(sys, "stdin", Typing(lambda: change_content(zadig)))
    result = cli("approve", "shop/gated#1", *how)
    assert zadig.emulator.ledger.approvals == []
    assert result.code != 0


@pytest.mark.parametrize("how", [(), ("--reject",)])
def test_a_hand_decides_only_about_the_opening_that_was_shown(
    cli: Cli, zadig: Zadig, monkeypatch: pytest.MonkeyPatch, how: tuple[str, ...]
) -> None:
    blocked(cli)

    def task() -> Any:
        return zadig.emulator.world.task("gated", 1)

    def waits() -> bool:
        return any(job.status == "wait_for_approval" for stage in task().stages for job in stage.jobs)

    async def opened_anew() -> None:
        world = zadig.emulator.world
        world.approve("gated", "job-1-0-0-gate", 1, world.script.users[1], approve=False, comment="no")
        while task().status != "reject":  # noqa: ASYNC110 - the world tells nobody
            await asyncio.sleep(0.01)
        zadig.emulator.world.retry("gated", 1, "alice")
        while not waits():  # noqa: ASYNC110 - the world tells nobody
            await asyncio.sleep(0.01)

    monkeypatch.setattr(sys, "stdin", Typing(lambda: zadig._call(opened_anew())))
    result = cli("approve", "shop/gated#1", *how)
    assert "was opened anew meanwhile" in result.err
    assert result.code == 4
    assert [vote.user for vote in zadig.emulator.ledger.approvals] == ["alice"]


def test_a_hand_that_hesitates_is_no_reason_to_refuse(
    cli: Cli, zadig: Zadig, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked(cli)
    monkeypatch.setattr(sys, "stdin", Typing(lambda: None))
    assert cli("approve", "shop/gated#1").code == 0
    assert len(zadig.emulator.ledger.approvals) == 1


def test_a_refused_approval_does_not_say_that_a_vote_was_sent(
    alone: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names that run together are refused after the question, and before any vote."""
    gates = {
        "name": "gate",
        "jobs": [{"name": "job-2-0-0-go", "approval": {"users": ["bot"], "timeout": 600}}],
    }
    deploy = {"name": "deploy", "jobs": [{"name": "deploy"}]}
    shop = {"key": "shop", "name": "shop", "workflows": [{"key": "pay", "stages": [gates, deploy]}]}
    zadig = Zadig({**WORLD, "projects": [shop]}, speed=40)
    try:
        monkeypatch.setenv("ZADIG_URL", zadig.url)
        monkeypatch.setenv("ZADIG_TOKEN", WORLD["users"][0]["tokens"][0])
        inputs: list[dict[str, Any]] = [
            {"job_name": name, "job_type": "", "parameters": {}} for name in ("job-2-0-0-go", "deploy")
        ]

        def start() -> None:
            world = zadig.emulator.world
            world.execute("pay", [], inputs, world.script.users[1])

        in_its_world(zadig, start)
        assert alone("watch", "shop/pay#1", POLL, *AT_ONCE).code == 4
        result = alone("approve", "shop/pay#1", "--yes")
        assert zadig.emulator.ledger.approvals == []
    finally:
        zadig.close()
    assert result.err.startswith("No vote was sent: ")
    assert "run together" in result.err
    assert "The vote was sent" not in result.err
    assert result.code == 4


def test_a_failed_read_after_a_rejection_is_not_taken_for_a_failed_rejection(cli: Cli, zadig: Zadig) -> None:
    blocked(cli)

    async def fail_the_next_read() -> None:
        while not zadig.emulator.ledger.approvals:  # noqa: ASYNC110 - the ledger tells nobody
            await asyncio.sleep(0)
        zadig.emulator.faults.add(Fault(kind="status", status=403, method="GET", path=DETAIL))

    failing = asyncio.run_coroutine_threadsafe(fail_the_next_read(), zadig._loop)
    result = cli("approve", "shop/gated#1", "--reject", "--yes")
    failing.result(10)
    assert zadig.struck() == ["status"]
    assert result.code == 0
    assert "The vote was sent, and the task cannot be read" in result.err
    assert "Rejected: our vote against gate shows in Zadig." in result.err
