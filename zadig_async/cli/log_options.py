"""The options that say which logs are shown, how, and where else they go."""

import re
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

import attrs
import click

from zadig_async.cli.given import Given, option
from zadig_async.orchestrator.policy import LogPolicy, RunPolicy

F = TypeVar("F", bound=Callable[..., Any])

JOB: Final = "--job"
LOG_JOB: Final = "--log-job"
"""What `--job` is called where that says which jobs run."""


@attrs.frozen(kw_only=True)
class LogChoice:
    """Which logs are shown, and how.

    Attributes:
        shown: Whether lines are shown at all; they may only go into files.
        grep: Only lines it is found in are shown, or None for all. Files have every line.
        timestamps: Whether each line bears the time at which it came.
        colour: Whether the colours a log itself holds are kept.
        directory: Where files are written, or None.
        policy: Which jobs' logs are read, and from where on.
    """

    shown: bool = True
    grep: re.Pattern[str] | None = None
    timestamps: bool = False
    colour: bool = False
    directory: Path | None = None
    policy: LogPolicy = attrs.field(factory=LogPolicy)

    def asked_of(self, policy: RunPolicy) -> RunPolicy:
        """Return a policy that reads these logs."""
        return attrs.evolve(
            policy, follow_logs=policy.follow_logs or self.directory is not None, logs=self.policy
        )


def log_options(command: F) -> F:
    """Add the options to a command whose `--job` says which logs are meant; `choice` reads what was given."""
    return _options(command, JOB)


def run_log_options(command: F) -> F:
    """Add the options to a command that runs jobs; `choice` reads what was given."""
    return _options(command, LOG_JOB)


def _options(command: F, job: str) -> F:
    command = option(
        command,
        "--log-dir",
        type=_directory,
        metavar="DIR",
        text="Also write each log into a file of its own below this directory.",
    )
    command = option(
        command, "--since-start", is_flag=True, text="Begin logs with their first line [default]."
    )
    command = option(
        command,
        "--tail",
        type=click.IntRange(min=1),
        metavar="N",
        text="Begin logs that are already under way with their last N lines.",
    )
    command = option(
        command,
        "--color",
        type=click.Choice(["strip", "keep"]),
        text="Drop the colours a log itself holds [default], or keep them.",
    )
    command = option(
        command,
        "--timestamps",
        is_flag=True,
        text="Show before each line of a log when it came, by our clock.",
    )
    command = option(
        command,
        "--grep",
        type=_pattern,
        metavar="REGEX",
        text="Show only lines of logs in which this is found (Python's regular expressions).",
    )
    return option(
        command,
        job,
        "log_jobs",
        multiple=True,
        metavar="NAME",
        text="Only logs of this job. Repeat for more.",
    )


def choice(options: Given, *, shown: bool) -> LogChoice:
    """Return what was given as one value.

    Args:
        options: What was given.
        shown: Whether lines are shown.

    Raises:
        click.UsageError: Options contradict each other.
    """
    if options.get("tail") is not None and options.get("since_start"):
        raise click.UsageError("--tail and --since-start are both given: keep one.")
    grep, directory = options.get("grep"), options.get("log_dir")
    return LogChoice(
        shown=shown,
        grep=None if grep is None else re.compile(grep),
        timestamps=bool(options.get("timestamps")),
        colour=options.get("color") == "keep",
        directory=None if directory is None else Path(directory),
        policy=LogPolicy(jobs=tuple(options.get("log_jobs", ())), tail=options.get("tail")),
    )


def check_use(options: Given, job: str) -> None:
    """Refuse options about logs where none are shown, or none are read.

    Args:
        options: What was given.
        job: What the option is called that says which logs are meant.

    Raises:
        click.UsageError: There are such options.
    """
    if options.get("logs"):
        return
    given = [(name, word) for name, word in (FLAGS | VALUES | {"log_jobs": job}).items() if options.get(name)]
    for name, word in given:
        if name in _SHOWN:
            raise click.UsageError(f"{word} says how logs are shown: add --logs to see them.")
        if not options.get("log_dir"):
            raise click.UsageError(f"{word} is about logs: add --logs to see them, or --log-dir.")


_SHOWN: Final = frozenset({"grep", "timestamps", "color"})
"""The options that make no difference to files."""

FLAGS: Final = MappingProxyType({"timestamps": "--timestamps", "since_start": "--since-start"})
VALUES: Final = MappingProxyType(
    {"grep": "--grep", "color": "--color", "tail": "--tail", "log_dir": "--log-dir"}
)


def _pattern(text: str) -> str:
    """Check a regular expression; kept as text, so that it can be printed again."""
    try:
        re.compile(text)
    except re.error as error:
        raise click.BadParameter(f"{text!r} is no regular expression: {error}.") from None
    return text


def _directory(text: str) -> str:
    """Name a directory so that the same is meant from everywhere."""
    return str(Path(text).absolute())
