"""`Session`: what the flags of one command line said, and the way from there to a client."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs
import click

from zadig_async.cli import output
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.settings import Flags, Settings, load
from zadig_async.errors import ConfigError
from zadig_async.model.secret import MASK

if TYPE_CHECKING:
    from zadig_async.client.client import ZadigClient

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Final = MappingProxyType(
    {  # in the reverse order of their appearance in --help
        "proxy": ("URL", "HTTP proxy, such as http://proxy:3128."),
        "ca_file": ("FILE", "PEM file of certificate authorities to trust."),
        "token_file": ("FILE", "File that holds the API token alone; - for standard input."),
        "profile": ("NAME", "Profile of the configuration file to use."),
        "url": ("URL", "Address under which the Zadig portal opens."),
    }
)


FILE: Final = click.Path(readable=False)
"""The type of options and arguments that name a file: shells complete it, and whoever opens it checks it."""


@attrs.define(eq=False)
class Session:
    """One command line.

    Attributes:
        flags: The connection flags given, by name.
        output: `text` or `json`.
        debug: Whether our own errors are shown with their traceback.
    """

    flags: dict[str, str] = attrs.field(factory=dict)
    output: str = "text"
    debug: bool = False
    _settings: Settings | None = attrs.field(init=False, default=None)

    @property
    def json(self) -> bool:
        """Whether results are written as JSON."""
        return self.output == "json"

    def settings(self) -> Settings:
        """Find out which server and token to use, once: standard input can only be read once.

        Raises:
            ConfigError: Something is missing or cannot be used.
        """
        if self._settings is None:
            self._settings = load(Flags(**self.flags))
        return self._settings

    @asynccontextmanager
    async def connect(self) -> "AsyncIterator[ZadigClient]":
        """Open a client for the server that flags, environment and profile name.

        Raises:
            ConfigError: The settings cannot be used.
        """
        from zadig_async.client.client import ZadigClient  # noqa: PLC0415 - keeps --help quick

        settings = self.settings()
        async with ZadigClient.connect(
            settings.url, token=settings.token, ca_file=settings.ca_file, proxy=settings.proxy
        ) as zadig:
            yield zadig

    def scrub(self, text: str) -> str:
        """Mask the token wherever it stands in a text: the last net under a traceback."""
        value = self._settings.token.reveal() if self._settings is not None else ""
        return text.replace(value, MASK) if value else text

    def again(self) -> list[str]:
        """Return the connection flags as words, for a command to copy."""
        return [
            word
            for name in reversed(_OPTIONS)
            if name in self.flags
            for word in (_option(name), self.flags[name])
        ]


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


pass_session = click.make_pass_decorator(Session, ensure=True)
"""Gives a command its `Session` as the first argument."""


def _keep(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None and param.name is not None:
        ctx.ensure_object(Session).flags[param.name] = value


def _keep_output(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.ensure_object(Session).output = value


def _keep_debug(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(Session).debug = True


def output_options(command: F) -> F:
    """Add `--output` and `--debug`, which stand before or after the command's name alike."""
    command = click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        callback=_keep_debug,
        help="Show where an error came from, in Python's words.",
    )(command)
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["text", "json"]),
        expose_value=False,
        callback=_keep_output,
        help="Text for people (default), or JSON for programs.",
    )(command)


def connection_options(command: F) -> F:
    """Add the options that say which server, with `output_options`. There is none for the token itself."""
    command = output_options(command)
    for name, (metavar, text) in _OPTIONS.items():
        kind = FILE if metavar == "FILE" else str
        command = click.option(
            _option(name), metavar=metavar, type=kind, expose_value=False, callback=_keep, help=text
        )(command)
    return command


def complete(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine to its end in an event loop of its own."""
    return asyncio.run(work)


def confirm(question: str, *, yes: bool) -> bool:
    """Ask before something that cannot be undone.

    Args:
        question: What will happen, as a question.
        yes: Whether `--yes` was given.

    Raises:
        ConfigError: Nobody can be asked.
    """
    if yes:
        return True
    if sys.stdin is None or not sys.stdin.isatty():
        raise ConfigError(f"{question} Nobody can be asked here.", hint="Add --yes if that is meant.")
    return click.confirm(question, err=True)


def declined() -> ExitCode:
    """Say that the answer was no, and return the exit code for it."""
    output.remark("Nothing was sent.")
    return ExitCode.BLOCKED


def coloured() -> bool:
    """Whether our own lines are coloured: a terminal, and nobody asked for none."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def interactive() -> bool:
    """Whether a person watches a terminal that can redraw: no pipe, no CI, no dumb terminal."""
    return sys.stdout.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"
