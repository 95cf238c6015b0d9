"""`Means`: what one driver works with, and whether it may write at this moment."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs

from zadig_async.client.client import ZadigClient
from zadig_async.errors import ZadigError
from zadig_async.journal.audit import AuditTrail
from zadig_async.journal.journal import Journal
from zadig_async.journal.records import Draft, Scope
from zadig_async.model.ids import TaskRef, WorkflowRef
from zadig_async.orchestrator import events
from zadig_async.orchestrator.policy import RunPolicy
from zadig_async.orchestrator.switch import KillSwitch
from zadig_async.orchestrator.writes import DetachedError, HaltedError, Permit

READ_BACKS: Final = 10
"""How often a task is read after a write before the proof is given up."""

ARCHIVES: Final = 8
"""How many archived logs are read at once."""

_LOG: Final = logging.getLogger("zadig_async")

_NOTHING: Final[Mapping[str, Any]] = {}


@attrs.frozen(eq=False, kw_only=True)
class Means:
    """What everything that watches or writes for one driver has in common.

    Attributes:
        zadig: The server.
        voter: The same server by the account that votes.
        policy: What may be done, and how patiently.
        journal: What was meant and what became of it.
        audit: Where every write is written down for people.
        switch: Stops every write.
        emit: Receives what happens.
        stop: Set when we were told to stop.
        wall: What time it is here, in Unix seconds.
        on_log: Receives the events of logs beside `emit`, and may take its time; None if nobody wants them
            so.
        archives: Bounds how many archived logs are read at once.
        deciding: Held from a decision to vote until the vote is written down, so that what is counted for
            the next decision is complete.
    """

    zadig: ZadigClient
    voter: ZadigClient
    policy: RunPolicy
    journal: Journal
    audit: AuditTrail
    switch: KillSwitch
    emit: Callable[[events.Event], None]
    stop: asyncio.Event
    wall: Callable[[], float]
    on_log: Callable[[events.LogEvent], Awaitable[None]] | None = None
    archives: asyncio.Semaphore = attrs.field(factory=lambda: asyncio.Semaphore(ARCHIVES))
    deciding: asyncio.Lock = attrs.field(factory=asyncio.Lock)

    def scope(self, workflow: WorkflowRef) -> Scope:
        """Return what has to be held to write about a workflow."""
        return Scope(self.zadig.server, workflow)

    @asynccontextmanager
    async def holding(self, workflow: WorkflowRef) -> AsyncIterator[None]:
        """Hold a workflow's scope for as long as the context is open.

        Raises:
            LeaseHeldError: Another driver owns it.
            JournalError: The journal cannot be written.
        """
        scope = self.scope(workflow)
        await self.journal.hold([scope])
        try:
            yield
        finally:
            await self.journal.drop([scope])

    def halted(self) -> str | None:
        """Return why nothing is written at the moment although we go on watching, or None."""
        if self.policy.dry_run:
            return "this is a rehearsal"
        return self.switch.pulled()

    def halt(self, what: str) -> HaltedError | None:
        """Return the error to end with where nothing is written at the moment, or None.

        Args:
            what: What is not done because of it.
        """
        why = self.halted()
        if why is None:
            return None
        hint = "" if self.policy.dry_run else "Remove what pulled the switch, then go on."
        return HaltedError(f"{what}: {why}", hint=hint)

    def permit(self, workflow: WorkflowRef, *, until: float | None = None) -> Permit:
        """Return a permit for one write about a workflow.

        Args:
            workflow: The workflow.
            until: Time of the event loop after which the decision must be made anew, or None.
        """
        scope = self.scope(workflow)

        def guard() -> None:
            if self.stop.is_set():
                raise DetachedError("told to stop before it was sent")
            halt = self.halt("not sent")
            if halt is not None:
                raise halt
            self.journal.check(scope)

        return Permit(guard, until=until)

    async def record(self, what: str, ref: TaskRef | WorkflowRef, details: Mapping[str, Any]) -> None:
        """Write an audit line.

        Args:
            what: What happens, such as `approve.sending`.
            ref: The task or workflow it happens to.
            details: The rest, as JSON values; never a secret.

        Raises:
            JournalError: It could not be written; what it was to precede must not happen.
        """
        subject: Mapping[str, Any] = (
            {"project": ref.project, "workflow": ref.workflow, "task": ref.task_id}
            if isinstance(ref, TaskRef)
            else {"project": ref.project, "workflow": ref.workflow}
        )
        await self.audit.write(what, {"server": self.zadig.server, **subject, **details})

    async def remember(
        self,
        ref: TaskRef | WorkflowRef,
        draft: Draft,
        what: str | None = None,
        details: Mapping[str, Any] = _NOTHING,
    ) -> None:
        """Write down what has happened already; that this fails is told, and does not undo it.

        Args:
            ref: The task or workflow it has happened to.
            draft: What the journal keeps.
            what: What the audit line says, see `record`, or None for no line.
            details: What the line holds beside the draft's data.
        """
        try:
            await self.journal.write(self.scope(ref.of if isinstance(ref, TaskRef) else ref), draft)
            if what is not None:
                await self.record(what, ref, {**draft.data, **details})
        except ZadigError as error:
            self.tell_unwritten(ref, error)

    def tell_unwritten(self, ref: TaskRef | WorkflowRef, error: ZadigError) -> None:
        """Tell that something which has happened could not be written down."""
        if isinstance(ref, TaskRef):
            self.emit(events.JournalFailed(workflow=ref.of, ref=ref, error=error))
        else:
            self.emit(events.JournalFailed(workflow=ref, error=error))

    async def tell_log(self, event: events.LogEvent) -> None:
        """Tell what happened to a log; returns when whoever reads it has taken it."""
        self.emit(event)
        if self.on_log is None:
            return
        try:
            await self.on_log(event)
        except Exception:  # noqa: BLE001 - a reader's fault must not end the log for others
            _LOG.exception("the reader of logs failed on %s", type(event).__name__)

    async def pause(self, seconds: float) -> None:
        """Wait, but not for longer than until we are told to stop.

        Raises:
            DetachedError: We were told to stop.
        """
        try:
            await asyncio.wait_for(self.stop.wait(), seconds)
        except TimeoutError:
            return
        raise DetachedError("told to stop")

    @property
    def between_read_backs(self) -> float:
        """Seconds between two reads that look for the effect of a write."""
        return self.policy.read_back / READ_BACKS

    def now(self) -> float:
        """Return the event loop's time in seconds."""
        return asyncio.get_running_loop().time()


def kept_of(error: Exception) -> dict[str, Any]:
    """Return what a journal or an audit trail keeps of an error.

    Not its text, which may hold a value that a server has repeated. Findings are our own words, and name
    jobs, variables and choices.
    """
    kept: dict[str, Any] = {"type": type(error).__name__}
    for name in ("status", "code", "call"):
        value = getattr(error, name, None)
        if value not in (None, ""):
            kept[name] = value
    findings = getattr(error, "findings", ())
    if findings:
        kept["findings"] = list(findings)
    return kept
