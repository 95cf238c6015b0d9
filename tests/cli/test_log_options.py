"""The options about logs: refused where they make no sense, and given again by commands that are printed."""

import json
import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import POLL, Cli, Result

USAGE = [
    (("logs", "shop/good#7", "--grep", "(["), "'([' is no regular expression: "),
    (("logs", "shop/good#7", "--tail", "0"), "0 is not in the range"),
    (("logs", "shop/good#7", "--tail", "3", "--since-start"), "--tail and --since-start are both given"),
    (("logs", "shop/good#7", "--color", "red"), "'red' is not one of 'strip', 'keep'"),
    (("logs",), "Missing argument"),
    (("run", "shop/good", "--all-jobs", "--grep", "x"), "--grep says how logs are shown: add --logs"),
    (("run", "shop/good", "--all-jobs", "--log-job", "x"), "--log-job is about logs: add --logs"),
    (("watch", "shop/good#7", "--job", "x"), "--job is about logs: add --logs"),
    (
        ("watch", "shop/good#7", "--timestamps", "--no-logs"),
        "--timestamps says how logs are shown: add --logs",
    ),
    (("watch", "shop/good#7", "--grep", "x", "--log-dir", "d"), "--grep says how logs are shown: add --logs"),
    (("watch", "shop/good#7", "--tail", "3"), "--tail is about logs: add --logs to see them, or --log-dir."),
    (("watch", "shop/good#7", "--log-job", "x"), "No such option"),
]


@pytest.mark.parametrize(("argv", "mend"), USAGE)
def test_wrong_usage_exits_2_and_says_how_to_mend_it(alone: Cli, argv: tuple[str, ...], mend: str) -> None:
    result = alone(*argv)
    assert result.code == 2
    assert mend in " ".join(result.err.split())
    assert "Traceback" not in result.err


def printed(result: Result) -> list[str]:
    """Return the words of the command that goes on, without the program's name."""
    (line,) = [
        line for line in result.err.splitlines() if line.startswith(("To go on: ", "To watch again: "))
    ]
    return shlex.split(line.partition(": ")[2])[1:]


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.rglob("*.log"))


def test_logs_are_shown_as_asked_for(cli: Cli) -> None:
    result = cli("run", "shop/good", "shop/bad", "--all-jobs", POLL, "--logs", "--grep", "line|boom")
    logs = [" ".join(line.split()) for line in result.out.splitlines() if " | " in line]
    assert sorted(logs) == ["bad/build | boom", "good/build | line two"]


def test_programs_are_told_each_event_of_a_log_once(cli: Cli) -> None:
    result = cli("run", "shop/good", "--all-jobs", POLL, "--logs", "--output", "json")
    told = [json.loads(line)["event"] for line in result.out.splitlines()]
    assert (told.count("log_opened"), told.count("log_closed"), told[-1]) == (1, 1, "outcomes")
    silent = cli("run", "shop/good", "--all-jobs", POLL, "--output", "json")
    assert "log_" not in silent.out


def test_only_logs_of_the_jobs_named_are_read(cli: Cli) -> None:
    result = cli("run", "shop/good", "--all-jobs", POLL, "--logs", "--log-job", "other")
    assert result.code == 0
    assert " | " not in result.out


def test_logs_may_go_into_files_alone(cli: Cli, tmp_path: Path) -> None:
    result = cli("run", "shop/good", "--all-jobs", POLL, "--log-dir", str(tmp_path / "logs"), "--tail", "99")
    assert result.code == 0
    assert "line two" not in result.out
    (file,) = (tmp_path / "logs").rglob("*.log")
    assert "complete: equal to the archive from where it was begun" in file.read_text(encoding="utf-8")


def test_a_directory_that_cannot_be_used_is_told_before_anything_is_started(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = cli("run", "shop/good", "--all-jobs", POLL, "--log-dir", str(tmp_path / "file" / "logs"))
    assert result.code == 2
    assert f"{tmp_path / 'file' / 'logs'}: it cannot be made" in result.err
    assert "launching" not in result.out


def test_a_printed_watch_shows_the_same_logs(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    argv = ["--logs", "--log-job", "build", "--grep", "going", "--tail", "9", "--color", "keep"]
    argv += ["--log-dir", "logs", "--run-timeout", "0.5"]
    first = cli("run", "shop/slow", "--all-jobs", POLL, *argv)
    assert first.code == 75
    words = printed(first)
    assert words[:2] == ["watch", "shop/slow#1"]
    assert words[words.index("--job") + 1] == "build"
    assert words[words.index("--log-dir") + 1] == str(tmp_path / "logs")
    monkeypatch.chdir("/")
    again = cli(*words)
    assert again.code == 75
    assert [line for line in again.out.splitlines() if " | " in line] == ["slow/build | going on"]
    assert files(tmp_path / "logs") == ["job-0-0-0-build.log", "job-0-0-0-build~2.log"]


def test_a_resume_shows_the_same_logs(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    argv = ["--journal", "j", "--logs", "--log-job", "build", "--grep", "going", "--log-dir", "logs"]
    first = cli("run", "shop/slow", "--all-jobs", POLL, *argv, "--run-timeout", "0.5")
    assert first.code == 75
    words = printed(first)
    assert words[words.index("--log-job") + 1] == "build"
    monkeypatch.chdir("/")
    resumed = cli("resume", str(tmp_path / "j"))
    assert resumed.code == 75
    assert [line for line in resumed.out.splitlines() if " | " in line] == ["slow/build | going on"]
    assert files(tmp_path / "logs") == ["job-0-0-0-build.log", "job-0-0-0-build~2.log"]
    other = cli("resume", str(tmp_path / "j"), "--grep", "begun", "--no-logs")
    assert " | " not in other.out
