"""`logs` against the emulator: what is printed, of what, and what is said of the rest."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import POLL, WORLD, Cli, Zadig
from tests.support.canary import CANARY
from zadig_async.emulator import Script
from zadig_async.orchestrator.logs import archive, tail

SSE = "/openapi/logs/sse/*"
ARCHIVE = "/openapi/logs/log/*"


def records(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def steps(out: str) -> list[str]:
    return [line for line in out.splitlines() if "step" in line]


@pytest.fixture
def ended(cli: Cli) -> str:
    """A task that has ended, with its archive."""
    assert cli("run", "shop/good", "--all-jobs", POLL, "--logs").code == 0
    return "shop/good#8"


@pytest.fixture
def slow(cli: Cli) -> str:
    """A task whose job never ends."""
    assert cli("run", "shop/slow", "--all-jobs", POLL, "--run-timeout", "0.5").code == 75
    return "shop/slow#1"


@pytest.fixture
def steady(cli: Cli) -> str:
    """A task that runs for a while yet."""
    assert cli("run", "shop/steady", "--all-jobs", POLL, "--run-timeout", "0.01").code == 75
    return "shop/steady#1"


def test_an_archived_log_is_printed(cli: Cli, ended: str) -> None:
    result = cli("logs", ended)
    assert (result.code, result.err) == (0, "")
    assert "第一行\nline two\n" in result.out
    assert "|" not in result.out
    assert "~~~" not in result.out


def test_an_archived_log_is_told_to_programs_with_its_end(cli: Cli, ended: str) -> None:
    opened, lines, closed = records(cli("logs", ended, "-o", "json").out)
    assert (opened["event"], lines["event"], closed["event"]) == ("log_opened", "log_lines", "log_closed")
    assert {(each["task"], each["job"]) for each in (opened, lines, closed)} == {(ended, "job-0-0-0-build")}
    assert "第一行" in lines["lines"]
    assert closed["report"]["complete"] is True
    assert closed["report"]["lines"] == len(lines["lines"])


def test_the_end_of_an_archived_log_is_printed(cli: Cli, ended: str) -> None:
    whole = cli("logs", ended).out.splitlines()
    assert cli("logs", ended, "--tail", "3").out.splitlines() == whole[-3:]
    assert cli("logs", ended, "--tail", "300").out.splitlines() == whole
    assert cli("logs", ended, "--since-start").out.splitlines() == whole


def test_only_lines_that_match_are_printed(cli: Cli, ended: str) -> None:
    assert cli("logs", ended, "--grep", "^line|一").out == "第一行\nline two\n"


def test_lines_bear_the_time_at_which_they_came(cli: Cli, ended: str) -> None:
    (line,) = cli("logs", ended, "--grep", "line two", "--timestamps").out.splitlines()
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d line two", line)


def test_logs_go_into_files_too(cli: Cli, ended: str, tmp_path: Path) -> None:
    directory = tmp_path / "logs"
    result = cli("logs", ended, "--log-dir", str(directory), "--grep", "line two")
    assert (result.code, result.out) == (0, "line two\n")
    (file,) = directory.rglob("*.log")
    assert file.relative_to(directory) == Path("shop", "good-8", "job-0-0-0-build.log")
    text = file.read_text(encoding="utf-8")
    assert "第一行\nline two\n" in text
    assert "##[zadig-async] end: 6 lines, complete: the archive\n" in text


def test_a_file_that_cannot_be_written_is_told_and_exits_75(cli: Cli, ended: str, tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("in the way", encoding="utf-8")
    result = cli("logs", ended, "--log-dir", str(tmp_path))
    assert result.code == 75
    assert "line two" in result.out
    assert "job-0-0-0-build.log: " in result.err
    assert "Make room there, or name another place." in result.err
    assert result.err.count("job-0-0-0-build.log") == 1


def test_a_log_zadig_no_longer_has_is_said_to_be_missing(cli: Cli, zadig: Zadig) -> None:
    zadig.fault("status", status=200, path=ARCHIVE, times=None)
    result = cli("logs", "shop/good#7")
    assert (result.code, result.out) == (0, "")
    assert "build: Zadig has no archived log." in result.err
    (record,) = records(cli("logs", "shop/good#7", "-o", "json").out)
    assert (record["event"], record["job"]) == ("log_unavailable", "job-0-0-0-build")
    assert record["reason"].startswith("Zadig has no archived log.")


def test_an_archive_that_breaks_ends_no_other_and_exits_75(cli: Cli, zadig: Zadig, ended: str) -> None:
    zadig.fault("truncate", path="/openapi/logs/log/v4/workflow/good/8/*", size=70)
    assert cli("run", "shop/good", "--all-jobs", POLL, "--logs").code == 0
    result = cli("logs", ended, "shop/good#9")
    assert result.code == 75
    assert "good#8/build > ~~~ 1 line, lines are or may be missing: connection lost" in result.out
    assert "good#9/build | line two" in result.out
    assert result.err == "Lines are or may be missing: shop/good#8 build.\n"


def test_an_unknown_job_is_told_with_those_there_are(cli: Cli) -> None:
    result = cli("logs", "shop/good#7", "--job", "biuld")
    assert result.code == 2
    assert "there is no job 'biuld'" in result.err
    assert "Did you mean 'build'?" in result.err
    assert "There are: build." in cli("logs", "shop/good#7", "--job", "x").err


def test_a_job_that_only_one_task_has_is_enough(cli: Cli, ended: str) -> None:
    assert cli("run", "shop/gated", "--all-jobs", POLL, "--gate-timeout", "0").code == 4
    result = cli("logs", ended, "shop/gated#1", "--job", "gate")
    assert result.code == 0
    assert result.err == "shop/gated#1 gate: a job of type approval has no log of its own.\n"


def test_a_job_without_a_log_of_its_own_is_told_where_it_is_asked_for(cli: Cli) -> None:
    assert cli("run", "shop/gated", "--all-jobs", POLL, "--gate-timeout", "0").code == 4
    named = cli("logs", "shop/gated#1", "--job", "gate", "--job", "deploy")
    assert "gate: a job of type approval has no log of its own." in named.err
    assert "deploy: it is not started." in named.err
    assert "approval" not in cli("logs", "shop/gated#1").err
    every = cli("logs", "shop/gated#1", "--all-jobs")
    assert "gate: a job of type approval has no log of its own." in every.err
    assert "gated/build | built" in re.sub(" +", " ", every.out)


def test_several_tasks_are_told_apart(cli: Cli, ended: str) -> None:
    assert cli("run", "shop/good", "shop/bad", "--all-jobs", POLL, "--logs").code == 5
    out = cli("logs", ended, "shop/good#9", "shop/bad#1").out
    labels = list(dict.fromkeys(line.split(" | ")[0].rstrip() for line in out.splitlines()))
    assert labels == ["good#8/build", "good#9/build", "bad/build"]


def test_a_running_jobs_log_is_printed_as_far_as_it_goes(cli: Cli, slow: str) -> None:
    result = cli("logs", slow)
    assert result.code == 0
    assert "begun\ngoing on\n" in result.out
    assert result.err == "build: still running; --follow goes on.\n"


def test_the_end_of_a_running_jobs_log_is_printed(cli: Cli, slow: str) -> None:
    assert cli("logs", slow, "--tail", "1").out == "going on\n"


def test_a_log_that_breaks_is_followed_on_to_its_end(
    cli: Cli, zadig: Zadig, steady: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "_FIRST_LINE", 0.1)
    zadig.fault("drop_stream", path=SSE, lines=5)
    result = cli("logs", steady, "--follow", "--job", "build")
    assert (result.code, result.err) == (0, "")
    assert steps(result.out) == [f"step {n}" for n in range(40)]
    assert zadig.struck() == ["drop_stream"]


def test_several_tasks_are_followed_until_each_has_ended(cli: Cli, steady: str, ended: str) -> None:
    assert cli("run", "shop/steady", "--all-jobs", POLL, "--run-timeout", "0.01").code == 75
    result = cli("logs", steady, "shop/steady#2", ended, "--follow")
    assert (result.code, result.err) == (0, "")
    for number in (1, 2):
        assert [
            line.partition(" | ")[2] for line in steps(result.out) if line.startswith(f"steady#{number}/")
        ] == [f"step {n}" for n in range(40)]
    assert "good/build | line two" in re.sub(" +", " ", result.out)


def test_a_log_that_is_asked_for_by_name_is_enough_to_have_ended(cli: Cli) -> None:
    """The task waits at its gate for ever."""
    assert cli("run", "shop/gated", "--all-jobs", POLL, "--gate-timeout", "0").code == 4
    result = cli("logs", "shop/gated#1", "--follow", "--job", "build")
    assert result.code == 0
    assert "built" in result.out


def test_a_log_that_stays_incomplete_is_named_and_exits_75(
    cli: Cli, zadig: Zadig, steady: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_PAUSES", (0.0,))
    zadig.fault("status", status=200, path=ARCHIVE, body="another log\n" * 90, times=None)
    result = cli("logs", steady, "--follow")
    assert result.code == 75
    assert "lines are or may be missing" in result.out
    assert result.err == "Lines are or may be missing: shop/steady#1 build.\n"


def test_a_log_that_breaks_while_it_is_only_looked_at_exits_75(cli: Cli, zadig: Zadig, slow: str) -> None:
    zadig.fault("drop_stream", path=SSE, lines=1)
    result = cli("logs", slow)
    assert result.code == 75
    assert "lines are or may be missing: connection lost" in result.out
    assert result.err == "Lines are or may be missing: shop/slow#1 build.\n"


def test_a_task_that_cannot_be_read_any_more_is_told_and_exits_75(cli: Cli, zadig: Zadig, slow: str) -> None:
    path = "/openapi/workflows/custom/task"
    zadig.fault("status", status=500, body='{"code":6004,"description":"mongo: no documents in result"}',
                path=path, method="GET", skip=1, times=None)  # fmt: skip
    result = cli("logs", slow, "--follow")
    assert result.code == 75
    assert "shop/slow#1: lost after" in result.err


LEAKY: dict[str, Any] = {
    **WORLD,
    "projects": [
        {
            "key": "shop",
            "name": "shop",
            "workflows": [
                {
                    "key": "leaky",
                    "params": [{"name": "password", "value": "hunter2-hunter2", "is_credential": True}],
                    "stages": [
                        {
                            "name": "build",
                            "jobs": [
                                {
                                    "name": "build",
                                    "duration": 30,
                                    "log": [
                                        {"text": f"token={CANARY}", "at": 0},
                                        {"text": "password=hunter2-hunter2", "at": 0},
                                        {"text": "harmless", "at": 1},
                                    ],
                                }
                            ],
                        }
                    ],
                },
                {
                    "key": "torn",
                    "params": [{"name": "password", "value": "hunter2-hunter2", "is_credential": True}],
                    "stages": [
                        {
                            "name": "build",
                            "jobs": [
                                {"name": "build", "duration": 1, "log": ["it is hunter2\x1b(B-hunter2"]}
                            ],
                        }
                    ],
                },
                {
                    "key": "halting",
                    "stages": [
                        {
                            "name": "build",
                            "jobs": [
                                {
                                    "name": "build",
                                    "duration": 40,
                                    "log": [{"text": f"step {second}", "at": second} for second in range(40)],
                                },
                            ],
                        },
                        {
                            "name": "gate",
                            "jobs": [{"name": "gate", "approval": {"users": ["bot"], "timeout": 600}}],
                        },
                    ],
                },
            ],
        }
    ],
}


@pytest.fixture
def leaky(alone: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    server = Zadig(LEAKY, speed=40)
    monkeypatch.setenv("ZADIG_URL", server.url)
    monkeypatch.setenv("ZADIG_TOKEN", CANARY)
    yield alone
    server.close()


def test_a_running_log_that_is_asked_for_by_name_is_enough_to_end(leaky: Cli) -> None:
    assert leaky("run", "shop/halting", "--all-jobs", POLL, "--run-timeout", "0.01").code == 75
    result = leaky("logs", "shop/halting#1", "--follow", "--job", "build")
    assert (result.code, result.err) == (0, "")
    assert steps(result.out) == [f"step {n}" for n in range(40)]


def test_a_job_that_only_newer_servers_have_a_log_of_is_named_where_that_is_asked_for(
    alone: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Zadig(Script.default(), speed=40)
    try:
        monkeypatch.setenv("ZADIG_URL", server.url)
        monkeypatch.setenv("ZADIG_TOKEN", server.emulator.token)
        argv = ("--all-jobs", POLL, "--approve", "shop/*:staging-gate", "--approve-own")
        assert alone("run", "shop/deploy-api", *argv).code == 0
        quiet = alone("logs", "shop/deploy-api#3")
        every = alone("logs", "shop/deploy-api#3", "--all-jobs")
    finally:
        server.close()
    assert "deploy:" not in quiet.err
    assert "deploy: Zadig has no archived log." in every.err


def test_credentials_are_masked_wherever_a_log_comes_from(leaky: Cli, tmp_path: Path) -> None:
    """`alone` sees to it that the token is in none of what is printed."""
    argv = ("--all-jobs", POLL, "--log-dir", str(tmp_path))
    assert leaky("run", "shop/leaky", *argv, "--run-timeout", "0.2").code == 75
    so_far = leaky("logs", "shop/leaky#1", "--log-dir", str(tmp_path))
    followed = leaky("logs", "shop/leaky#1", "--follow", "--log-dir", str(tmp_path))
    archived = leaky("logs", "shop/leaky#1", "--log-dir", str(tmp_path))
    told = leaky("logs", "shop/leaky#1", "-o", "json", "--log-dir", str(tmp_path))
    assert [each.code for each in (so_far, followed, archived, told)] == [0, 0, 0, 0]
    for each in (so_far, followed, archived, told):
        assert "harmless" in each.out
        assert each.out.count("******") == 2
        assert "hunter2-hunter2" not in each.out + each.err
    files = [path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.log")]
    assert len(files) == 5
    assert not any(CANARY in text or "hunter2-hunter2" in text for text in files)
    assert all(text.count("******") == 2 for text in files)


def test_a_credential_with_a_control_sequence_inside_is_masked_in_an_archive(leaky: Cli) -> None:
    assert leaky("run", "shop/torn", "--all-jobs", POLL).code == 0
    archived = leaky("logs", "shop/torn#1")
    assert "it is ******" in archived.out
    assert "hunter2" not in archived.out
