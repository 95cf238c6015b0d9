"""What `docs/command-line.md` shows can be used as it stands."""

import re
from pathlib import Path

from tests.cli.conftest import Cli
from zadig_async.cli.exits import HELP, ExitCode
from zadig_async.cli.launchfile import parse_launch_file
from zadig_async.cli.settings import Flags, load
from zadig_async.model.launch import ALL_JOBS
from zadig_async.sinks import lines

PAGE = (Path(__file__).parent.parent.parent / "docs" / "command-line.md").read_text(encoding="utf-8")


def example(language: str) -> str:
    (text,) = re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)
    return str(text)


def section(title: str) -> str:
    (text,) = re.findall(rf"^## {title}$(.*?)^## ", PAGE, flags=re.DOTALL | re.MULTILINE)
    return str(text)


def test_the_profiles_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "zadig-async" / "config.toml"
    file.parent.mkdir()
    file.write_text(example("toml"), encoding="utf-8")
    token = tmp_path / "token"
    token.write_text("t", encoding="utf-8")
    token.chmod(0o600)
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    found = [load(Flags(profile=name, token_file=str(token)), environ).url for name in (None, "staging")]
    assert found == ["https://zadig.example.com", "https://zadig-staging.example.com"]


def test_the_launch_file_can_be_read() -> None:
    found = parse_launch_file(example("yaml"), "page.yaml")
    assert [launch.jobs for launch in found.launches] == [("build", "staging-gate", "deploy"), ALL_JOBS]
    assert [str(rule) for rule in found.policy.approvals.rules] == ["shop/deploy-* gate staging-gate"]
    assert (found.policy.concurrency, found.policy.deadlines.total) == (8, 7200.0)


def test_the_flags_are_those_of_the_program(alone: Cli) -> None:
    told = alone("--help").out
    flags = set(re.findall(r"\| `(--[a-z-]+)` \|", section("Which server, which token")))
    assert flags == {"--url", "--token-file", "--ca-file", "--proxy", "--profile"}
    assert all(flag in told for flag in flags)


def test_the_options_about_logs_are_those_of_the_program(alone: Cli) -> None:
    named = set(re.findall(r"--[a-z][a-z-]+", section("Logs")))
    assert {"--grep", "--timestamps", "--tail", "--color", "--log-dir", "--follow"} <= named
    told = {command: alone(command, "--help").out for command in ("logs", "run", "resume", "watch")}
    for option in named - {"--follow", "--all-jobs", "--logs", "--job", "--log-job"}:
        assert all(option in text for text in told.values()), option
    for command, option in (
        ("logs", "--all-jobs"),
        ("watch", "--job"),
        ("run", "--log-job"),
        ("run", "--logs"),
    ):
        assert option in told[command]


def test_the_lines_of_logs_look_as_the_program_shows_them() -> None:
    (block,) = re.findall(r"```\n(.*?)```", section("Logs"), flags=re.DOTALL)
    assert [line.strip() for line in block.splitlines()] == [
        line.strip() for line in (lines.__doc__ or "").splitlines() if line.startswith("    deploy-")
    ]


def test_the_exit_codes_are_those_of_the_program() -> None:
    told = [int(code) for code in re.findall(r"^\| ([0-9]+) \|", PAGE, flags=re.MULTILINE)]
    assert told == sorted(ExitCode)
    assert told == [int(code) for code in re.findall(r"^ +([0-9]+)  ", HELP, flags=re.MULTILINE)]
