"""`--help` of everything, and what it costs."""

import subprocess
import sys

import click
import pytest

from tests.cli.conftest import Cli
from zadig_async.cli.app import cli as root
from zadig_async.cli.app import run


def commands() -> list[tuple[str, ...]]:
    """Return the path of every command and group."""
    found: list[tuple[str, ...]] = []
    waiting: list[tuple[tuple[str, ...], click.Command]] = [((), root)]
    while waiting:
        path, command = waiting.pop()
        found.append(path)
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                child = command.get_command(context, name)
                assert child is not None
                waiting.append(((*path, name), child))
    return found


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_every_command_has_help_that_fits_a_terminal(alone: Cli, path: tuple[str, ...]) -> None:
    result = alone(*path, "--help")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"Usage: {' '.join(('zadig-async', *path))} ")
    assert max(len(line) for line in result.out.splitlines()) <= 110


def test_the_first_page_tells_commands_settings_and_exit_codes(alone: Cli) -> None:
    text = alone("--help").out
    for word in ("zadig-async demo", "ZADIG_TOKEN_FILE", "Exit codes:", "130  stopped by Ctrl-C", "doctor"):
        assert word in text


def test_the_first_page_is_quick_because_it_imports_little() -> None:
    code = (
        "import sys\nfrom zadig_async.cli.app import run\nassert run(['--help']) == 0\n"
        "heavy = {'aiohttp', 'rich', 'ruamel', 'tenacity', 'zadig_async.emulator'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_ask_this_program(alone: Cli, shell: str) -> None:
    result = alone("completion", shell)
    assert result.code == 0
    assert "_ZADIG_ASYNC_COMPLETE" in result.out


def test_completion_completes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("_ZADIG_ASYNC_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "zadig-async wo")
    monkeypatch.setenv("COMP_CWORD", "1")
    with pytest.raises(SystemExit):
        run([])
    assert capsys.readouterr().out == "plain,workflows\n"


@pytest.mark.parametrize(
    "typed", ["run --file ", "watch -f ", "doctor --token-file ", "emulator --scenario ", "workflows create "]
)
def test_completion_completes_files(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str
) -> None:
    monkeypatch.setenv("_ZADIG_ASYNC_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"zadig-async {typed}")
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split()) + 1))
    with pytest.raises(SystemExit):
        run([])
    assert capsys.readouterr().out == "file,\n"


@pytest.mark.parametrize(
    "argv", [("nonsense",), ("run", "--nonsense"), ("tasks", "nonsense"), ("completion", "tcsh")]
)
def test_wrong_usage_exits_2(alone: Cli, argv: tuple[str, ...]) -> None:
    result = alone(*argv)
    assert result.code == 2
    assert "Usage: zadig-async" in result.err
