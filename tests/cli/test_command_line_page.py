"""What `docs/command-line.md` shows can be used as it stands."""

import re
from pathlib import Path

from tests.cli.conftest import Cli
from zadig_async.cli.exits import HELP, ExitCode
from zadig_async.cli.launchfile import parse_launch_file
from zadig_async.cli.settings import Flags, load
from zadig_async.model.launch import ALL_JOBS

PAGE = (Path(__file__).parent.parent.parent / "docs" / "command-line.md").read_text(encoding="utf-8")


def example(language: str) -> str:
    (text,) = re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)
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
    flags = set(re.findall(r"\| `(--[a-z-]+)` \|", PAGE))
    assert flags == {"--url", "--token-file", "--ca-file", "--proxy", "--profile"}
    assert all(flag in told for flag in flags)


def test_the_exit_codes_are_those_of_the_program() -> None:
    told = [int(code) for code in re.findall(r"^\| ([0-9]+) \|", PAGE, flags=re.MULTILINE)]
    assert told == sorted(ExitCode)
    assert told == [int(code) for code in re.findall(r"^ +([0-9]+)  ", HELP, flags=re.MULTILINE)]
