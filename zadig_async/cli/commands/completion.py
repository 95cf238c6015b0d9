"""`zadig-async completion`: the script that lets a shell complete our commands."""

import click
from click.shell_completion import get_completion_class

from zadig_async.cli import output

_PROGRAM = "zadig-async"
_VARIABLE = "_ZADIG_ASYNC_COMPLETE"

_HELP = """\
Print a script that lets your shell complete commands and options with the Tab key.

\b
Examples:
    zadig-async completion bash >> ~/.bashrc
    zadig-async completion zsh >> ~/.zshrc        # below the line that calls compinit
    zadig-async completion fish > ~/.config/fish/completions/zadig-async.fish
"""


@click.command(help=_HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, *, shell: str) -> None:
    """Print a completion script."""
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"click cannot complete for {shell}.")
    output.say(kind(ctx.find_root().command, {}, _PROGRAM, _VARIABLE).source())
