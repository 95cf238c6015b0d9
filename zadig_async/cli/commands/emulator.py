"""`zadig-async emulator`: serve a small Zadig on this machine until Ctrl-C."""

import asyncio

import attrs
import click

from zadig_async.cli import output
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.render.words import shell_word
from zadig_async.cli.session import FILE, Session, complete, output_options, pass_session
from zadig_async.cli.signals import Ladder
from zadig_async.emulator import Emulator, Script, ScriptError
from zadig_async.errors import ConfigError
from zadig_async.sinks.terminal import safe

_HELP = """\
Serve a small Zadig on this machine, to try commands and to test your own code.

It speaks the HTTP of Zadig 4.1, listens on 127.0.0.1 only, and forgets everything when it ends. The first
line it prints is its URL. What it made of your requests is at URL/_emulator/ledger.

\b
Examples:
    zadig-async emulator --port 8700
    zadig-async emulator --scenario my-world.yaml --speed 10
"""


@click.command(help=_HELP)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port to listen on; a free one by default."
)
@click.option(
    "--scenario",
    type=FILE,
    metavar="FILE",
    help="YAML file that describes its world; the demo's world by default.",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="How many seconds pass in it in one real second.",
)
@click.option("--token", help="Token it accepts for its first user. It is a toy: never a real one.")
@output_options
@pass_session
def command(session: Session, *, port: int, scenario: str | None, speed: float, token: str | None) -> int:
    """Serve the emulator."""
    try:
        script = Script.load(scenario)
    except ScriptError as error:
        raise ConfigError(str(error)) from None
    if token is not None:
        first, *others = script.users
        script = attrs.evolve(script, users=(attrs.evolve(first, tokens=(token,)), *others))
    return complete(_serve(session, Emulator(script, speed=speed, port=port), port))


async def _serve(session: Session, emulator: Emulator, port: int) -> ExitCode:
    stopped = asyncio.Event()
    with Ladder(stopped.set, lambda: ("The emulator was ended by force.", ExitCode.DETACHED)):
        try:
            await emulator.start()
        except OSError as error:
            raise ConfigError(
                f"--port {port}: {error.strerror}", hint="Take another port, or leave --port out."
            ) from None
        try:
            _introduce(session, emulator)
            await stopped.wait()
        finally:
            await emulator.close()
    return ExitCode.SUCCEEDED


def _introduce(session: Session, emulator: Emulator) -> None:
    """Say where it listens, first of all, and how to speak with it."""
    if session.json:
        output.say_record({"url": emulator.url, "token": emulator.token})
        return
    output.say_lines(
        [
            emulator.url,
            f"Token: {safe(emulator.token)}   (a toy, good for this emulator only)",
            "In another terminal:",
            f"  export ZADIG_URL={emulator.url} ZADIG_TOKEN={shell_word(emulator.token)}",
            *(
                f"  zadig-async workflows list {shell_word(project.key)}"
                for project in emulator.script.projects[:1]
            ),
            "Ctrl-C ends it.",
        ]
    )
