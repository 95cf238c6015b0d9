"""`zadig-async audit`: prove that an audit file is as it was written."""

from pathlib import Path

import click

from zadig_async.cli import output
from zadig_async.cli.session import FILE, Session, output_options, pass_session
from zadig_async.journal.audit import verify as verify_file
from zadig_async.sinks.terminal import safe


@click.group(help="Verify an audit file.")
def command() -> None:
    """Hold the subcommands."""


_VERIFY = """\
Check every line of an audit file against the one before it.

A line that was changed, removed or put in breaks the chain and is named. Keep the last hash somewhere else to
prove that nothing was cut off at the end.
"""


@command.command(help=_VERIFY)
@click.argument("file", type=FILE)
@output_options
@pass_session
def verify(session: Session, *, file: str) -> None:
    """Verify a file."""
    summary = verify_file(Path(file))
    if session.json:
        output.say_document(
            {
                "file": file,
                "records": summary.records,
                "last_hash": summary.last_hash,
                "torn": summary.torn,
            }
        )
        return
    output.say(f"{safe(file)}: {summary.records} records, unbroken")
    output.say(f"last hash: {summary.last_hash}")
    if summary.torn:
        output.say(f"{summary.torn} times a crash cut a line short; the chain says so and goes on")
