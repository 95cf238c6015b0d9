"""What a command line gave: options kept by name, so that another command can be given the same."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_META: Final = "zadig_async.cli.given"

Given = dict[str, Any]
"""What was given, by the option's own name; None, False or empty where it was not."""


def _put(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    ctx.meta.setdefault(_META, {})[param.name] = value


def option(command: F, *names: str, text: str, **settings: Any) -> F:
    """Add an option whose value is kept for `given`, and not passed to the command."""
    return click.option(*names, expose_value=False, callback=_put, help=text, **settings)(command)


def given(ctx: click.Context) -> Given:
    """Return what the command line of a context gave."""
    return dict(ctx.meta.get(_META, {}))


def parse(words: Sequence[str], options: Sequence[Callable[[click.Command], click.Command]]) -> Given:
    """Read words as a command line with these options would be read.

    Args:
        words: The words.
        options: What adds the options.

    Raises:
        click.UsageError: They are not such words.
    """
    command = click.Command("again")
    for add in options:
        command = add(command)
    with command.make_context("again", list(words)) as ctx:
        return given(ctx)
