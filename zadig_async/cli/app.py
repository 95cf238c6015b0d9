"""`run`: the command line as a whole, and the one border at which errors become words and exit codes.

A command's module is imported when that command is used, so that `--help` and completion are quick.
"""

import importlib
import sys
import traceback
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, Final

import click

from zadig_async.cli import exits, output
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.session import Session, connection_options
from zadig_async.errors import DecodeError, PreflightError, ZadigError
from zadig_async.sinks.terminal import safe_block

_COMMANDS: Final = MappingProxyType(
    {
        "demo": "Watch four releases run against a small Zadig on this machine.",
        "run": "Start one workflow or many, and watch them to their end.",
        "resume": "Go on with what a journal says is not at its end.",
        "watch": "Watch tasks that are already running.",
        "logs": "Print the logs of a task.",
        "approve": "Approve or reject a gate of a task.",
        "workflows": "List, read, create, update and delete workflows.",
        "tasks": "List, read, cancel and retry tasks.",
        "views": "List, create, update and delete views.",
        "tickets": "Create pre-approval tickets.",
        "journal": "Show what a journal holds, and settle what it cannot know.",
        "audit": "Verify an audit file.",
        "doctor": "Check URL, network, token and server, and say how to mend them.",
        "emulator": "Serve a small Zadig on this machine to try things on.",
        "completion": "Print a script that completes commands with the Tab key.",
    }
)
"""Every command with its line in `--help`; its module in `zadig_async.cli.commands` has the same name."""


class _Lazy(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"zadig_async.cli.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


_HELP: Final = """\
Run, watch, approve and read Zadig workflows, many at once.

Try it without any server:

\b
    zadig-async demo

With a server, say which one and put the API token of your Zadig account page where only you can read it:

\b
    export ZADIG_URL=https://zadig.example.com
    export ZADIG_TOKEN_FILE=~/.zadig-token          # chmod 600
    zadig-async doctor
    zadig-async workflows list shop
    zadig-async run shop/deploy-api --all-jobs --logs

Settings come from flags, then from ZADIG_URL, ZADIG_TOKEN, ZADIG_TOKEN_FILE and ZADIG_PROFILE, then from
a profile in ~/.config/zadig-async/config.toml. The token itself is never an argument, because every
process on a machine can read those.
"""


def _version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from zadig_async import __version__  # noqa: PLC0415 - the package's root is loaded by then

        click.echo(f"zadig-async {__version__}")
        ctx.exit()


@click.group(
    cls=_Lazy,
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=exits.HELP,
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version."
)
@connection_options
def cli() -> None:
    """Hold the commands."""


def run(argv: Sequence[str]) -> int:
    """Run one command line.

    Args:
        argv: The arguments, without the program's name.

    Returns:
        The exit code, see `zadig_async.cli.exits`.
    """
    output.prepare()
    session = Session()
    try:
        result = cli.main(list(argv), prog_name="zadig-async", standalone_mode=False, obj=session)
        sys.stdout.flush()
    except ZadigError as error:
        _report(error, session)
        return exits.of_error(error)
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        output.remark("Interrupted. What was sent before may have taken effect.")
        return ExitCode.DETACHED
    except BrokenPipeError:
        output.mute(sys.stdout)
        return ExitCode.SUCCEEDED
    except Exception as error:  # noqa: BLE001 - the outermost border: told in full, without the token
        _show_trace(error, session)
        output.remark("This is a fault of zadig-async. Please report it with the lines above.")
        return ExitCode.FAULT
    return int(result) if isinstance(result, int) else ExitCode.SUCCEEDED


def _report(error: ZadigError, session: Session) -> None:
    """Say what went wrong and what to do about it, on standard error."""
    from zadig_async.cli.render.words import error_lines  # noqa: PLC0415 - keeps --help quick

    if session.debug:
        _show_trace(error, session)
    first, *rest = error_lines(error)
    output.remark(session.scrub(f"Error: {first}"))
    for line in (*rest, *_details(error)):
        output.remark(session.scrub(line))
    if error.hint:
        output.remark(f"Hint: {session.scrub(' '.join(safe_block(error.hint)))}")


def _details(error: ZadigError) -> list[str]:
    """Return what else an error knows: all findings or problems where there are several, and its notes."""
    details: list[Any] = []
    match error:
        case PreflightError() if len(error.findings) > 1:
            details += [f"  - {finding}" for finding in error.findings]
        case DecodeError():
            details += [f"  {problem}" for problem in error.problems]
    details += getattr(error, "__notes__", ())
    return [line for detail in details for line in safe_block(str(detail))]


def _show_trace(error: BaseException, session: Session) -> None:
    text = "".join(traceback.format_exception(error))
    for line in safe_block(session.scrub(text)):
        output.remark(line)
