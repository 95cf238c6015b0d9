"""Writing to standard output and standard error, so that neither a closed pipe nor a code page ends us."""

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

import click

from zadig_async.sinks.terminal import escape_json


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
    say(escape_json(json.dumps(value, ensure_ascii=False)))


def mute(stream: TextIO) -> None:
    """Send what is still to come nowhere: whoever read it has gone.

    The file descriptor itself is turned, so that what is buffered already does not fail at exit either.
    """
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
