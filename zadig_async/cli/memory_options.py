"""The options by which a run is remembered, audited and stopped: `--journal`, `--audit`, `--stop-file`."""

import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final, TypeVar

import attrs
import click

from zadig_async.cli.session import FILE
from zadig_async.errors import ConfigError
from zadig_async.journal.audit import Audit, AuditTrail, NoAudit
from zadig_async.journal.journal import Journal
from zadig_async.orchestrator.switch import KillSwitch

F = TypeVar("F", bound=Callable[..., Any])

AUDIT_SUFFIX: Final = ".audit.jsonl"
"""What the audit file of a journal is called, after the journal's own name."""


@attrs.frozen(kw_only=True)
class Memory:
    """What a run is remembered and stopped by.

    Attributes:
        journal: The journal, or None where nothing outlives this process.
        audit: Where every write and every decision about a gate is written down.
        switch: Stops every write.
    """

    journal: Journal | None = None
    audit: AuditTrail = attrs.field(factory=NoAudit)
    switch: KillSwitch = attrs.field(factory=KillSwitch)


def audit_options(command: F) -> F:
    """Add `--audit` and `--stop-file`."""
    command = click.option(
        "--stop-file",
        type=FILE,
        metavar="FILE",
        help="Send nothing more as soon as this file exists, and go on watching. SIGUSR1 does the same.",
    )(command)
    return click.option(
        "--audit",
        type=FILE,
        metavar="FILE",
        help=f"Append every write and every decision about a gate to this file [JOURNAL{AUDIT_SUFFIX}].",
    )(command)


def must_exist(journal: str) -> None:
    """Refuse a journal that is not there: opening it would begin a new one.

    Raises:
        ConfigError: There is no such file.
    """
    if not Path(journal).exists():
        raise ConfigError(
            f"{journal}: there is no such journal", hint="`zadig-async run --journal FILE` begins one."
        )


def again(audit: str | None, stop_file: str | None) -> list[str]:
    """Return the words by which another command is audited and stopped in the same way."""
    words = [] if audit is None else ["--audit", audit]
    return words if stop_file is None else [*words, "--stop-file", stop_file]


@asynccontextmanager
async def opened(journal: str | None, audit: str | None, stop_file: str | None) -> AsyncIterator[Memory]:
    """Open what the options name, for as long as the context is open.

    Raises:
        JournalError: A file cannot be used or trusted.
    """
    if audit is None and journal is not None:
        audit = journal + AUDIT_SUFFIX
    async with AsyncExitStack() as stack:
        kept = await stack.enter_async_context(await Journal.open(journal)) if journal is not None else None
        trail: AuditTrail = NoAudit()
        if audit is not None:
            trail = await Audit.open(Path(audit))
            stack.push_async_callback(trail.close)
        switch = KillSwitch(Path(stop_file) if stop_file is not None else None)
        stack.enter_context(_pulled_by_signal(switch))
        yield Memory(journal=kept, audit=trail, switch=switch)


@contextmanager
def _pulled_by_signal(switch: KillSwitch) -> Iterator[None]:
    """Let SIGUSR1 pull the switch, where there is such a signal."""
    number = getattr(signal, "SIGUSR1", None)
    if number is None:
        yield
        return

    def pull(_number: int, _frame: FrameType | None) -> None:
        switch.pull("SIGUSR1 came")

    before = signal.signal(number, pull)
    try:
        yield
    finally:
        signal.signal(number, before)
