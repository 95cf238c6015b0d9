"""Writing to standard output and standard error, so that neither a closed pipe nor a code page ends us."""

import json
import sys
from collections.abc import Iterable
from typing import Any

import click

from zadig_async.sinks.terminal import escape_json
from zadig_async.sinks.writer import mute

__all__ = ["mute", "prepare", "record_text", "remark", "say", "say_document", "say_lines", "say_record"]


def prepare() -> None:
    """Make characters the terminal's code page lacks show as escapes rather than end the program."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def say(text: str = "") -> None:
    """Write a line of result. A reader that has gone away is no reason to stop watching a deployment."""
    try:
        click.echo(text)
    except BrokenPipeError:
        mute(sys.stdout)


def say_lines(lines: Iterable[str]) -> None:
    """Write lines of result."""
    for line in lines:
        say(line)


def remark(text: str) -> None:
    """Write a line for the person watching, to standard error."""
    try:
        click.echo(text, err=True)
    except BrokenPipeError:
        mute(sys.stderr)


def say_document(value: Any) -> None:
    """Write one JSON document."""
    say(escape_json(json.dumps(value, ensure_ascii=False, indent=2)))


def say_record(value: Any) -> None:
    """Write one line of JSON."""
    say(record_text(value))


def record_text(value: Any) -> str:
    """Return a value as JSON in one line, safe to print."""
    return escape_json(json.dumps(value, ensure_ascii=False))
