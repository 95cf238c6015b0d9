"""Approving one gate: read, decide, write down, vote once, read back until it shows."""

import secrets
from datetime import UTC, datetime
from typing import Final

import attrs

from zadig_async.errors import (
    ConflictError,
    JournalError,
    OutcomeUnknownError,
    RateLimitedError,
    TransportError,
    ZadigError,
)
from zadig_async.journal import drafts
from zadig_async.journal.history import Vote
from zadig_async.journal.records import Act, Draft
from zadig_async.model.gate import Gate, Opening
from zadig_async.model.ids import TaskRef
from zadig_async.model.task import Task, TaskStatus
from zadig_async.orchestrator import events
from zadig_async.orchestrator.approval import Circumstances, Permission
from zadig_async.orchestrator.cadence import back_off
from zadig_async.orchestrator.means import READ_BACKS, Means, kept_of
from zadig_async.orchestrator.writes import NEVER_SENT, finish
from zadig_async.wire.content import content_digest, explain_change
from zadig_async.wire.detail import status_of
from zadig_async.wire.gates import voters

_VOTES: Final = 2
"""A gate shows as open a moment before it takes votes (Zadig v4.1.0 .../job_approval.go:72-121), and a
vote can be lost with a success answer (.../approval/approval.go:78): one more try, after a fresh read."""

_FRESH: Final = 5.0
"""Seconds after the read it rests on in which a vote may be sent: later the gate may be another one of the
same name, which a retry has opened."""

_HOUR: Final = 3600.0

_CLOCKS_AGREE: Final = 60.0
"""Most seconds by which our clock and the server's may differ before a calendar is not believed."""

_NOT_TAKEN: Final = (*NEVER_SENT, RateLimitedError)
"""By these a vote never reached Zadig; it is cast at the next sight of the open gate, if there is one."""


@attrs.define(eq=False)
class Approver:
    """Votes for the gates of one task as far as the policy allows.

    Attributes:
        means: What we work with; the scope of the task's workflow is held.
        ref: The task.
    """

    means: Means
    ref: TaskRef
    _first_seen: dict[Opening, tuple[float, str, Task | None]] = attrs.field(init=False, factory=dict)
    _waited_for: set[str] = attrs.field(init=False, factory=set)
    _refusals: dict[Opening, str] = attrs.field(init=False, factory=dict)
    _not_taken: dict[Opening, int] = attrs.field(init=False, factory=dict)
    _not_before: dict[Opening, float] = attrs.field(init=False, factory=dict)

    async def opened(self, gate: Gate, task: Task | None = None) -> None:
        """Remember what a gate lets through, as it is when it is first seen open.

        What an earlier process has remembered of the same opening holds. Where it cannot be read or written
        down now, the first read before a vote does it.

        Args:
            gate: The gate.
            task: The read in which it was seen, where that was a full one; otherwise the task is read.
        """
        if not self.means.policy.approvals.speaks_of(self.ref, gate):
            self._first_seen[gate.opening] = (self.means.now(), "", None)
            return
        await self._first_sight(gate, task if task is not None else await self._read())

    async def _first_sight(self, gate: Gate, task: Task | None) -> None:
        began = self._first_seen.get(gate.opening, (self.means.now(), "", None))[0]
        opened = gate.opening[1]
        history, scope = self.means.journal.history, self.means.scope(self.ref.of)
        kept = history.content(scope, self.ref.task_id, gate.key, opened)
        known = kept or ("" if task is None else self._digest(task))
        if known and not kept:
            draft = drafts.gate_seen(self._run, self.ref.task_id, gate.key, opened, known)
            await self.means.remember(self.ref, draft)
        self._first_seen[gate.opening] = (began, known, task)

    async def changed_since_opened(self, gate: Gate) -> str:
        """Read the task, and say in what a gate is not as `opened` saw it; empty where it is.

        Raises:
            ZadigError: The task could not be read.
        """
        task = await self.means.zadig.tasks.get(self.ref)
        now = _open_gate(task, gate.key)
        if now is None:
            return "it is no longer open"
        if now.opening != gate.opening:
            return "it was opened anew meanwhile"
        _, known, first = self._first_seen.get(gate.opening, (0.0, "", None))
        changed = self._changed(known, first, task)
        return changed and f"what it lets through has changed since it was shown: {changed}"

    def closed(self, gate: Gate) -> None:
        """Forget a gate that no longer waits."""
        self._first_seen.pop(gate.opening, None)
        self._refusals.pop(gate.opening, None)
        self._not_taken.pop(gate.opening, None)
        self._not_before.pop(gate.opening, None)

    def permission(self, gate: Gate, seen: TaskStatus, task: Task | None = None) -> Permission:
        """Decide about an open gate.

        Args:
            gate: The gate.
            seen: The task as last read.
            task: The same read in full, where what the gate lets through is to be compared too.
        """
        return self.means.policy.approvals.permission(self.ref, gate, seen, self._circumstances(gate, task))

    def _circumstances(self, gate: Gate, task: Task | None) -> Circumstances:
        began, known, first = self._first_seen.get(gate.opening, (self.means.now(), "", None))
        changed = "" if task is None else self._changed(known, first, task)
        now, clock = self._time()
        history, scope = self.means.journal.history, self.means.scope(self.ref.of)
        return Circumstances(
            now=now,
            clock=clock,
            open_for=self.means.now() - began,
            account=self.means.voter.account,
            ours=self.means.voter is self.means.zadig and self._sent_by_us,
            changed=changed,
            votes_last_hour=history.votes_since(self.means.wall() - _HOUR),
            duplicate=history.of_duplicate(scope, self.ref.task_id) is not None,
        )

    def _changed(self, known: str, first: Task | None, task: Task) -> str:
        """Say what is not as it was, or an empty string; what cannot be read counts as changed."""
        now = self._digest(task)
        if not known or not now:
            return "it cannot be read"
        if now == known:
            return ""
        return (explain_change(first, task) if first is not None else "") or "its content"

    def _time(self) -> tuple[datetime | None, str]:
        """Return the time, or why it is not known well enough to go by a calendar."""
        here, there = self.means.wall(), self.means.zadig.server_time()
        if there is None:
            return None, "the server does not say what time it is, so no calendar is believed"
        if abs(here - there) > _CLOCKS_AGREE:
            return None, "our clock and the server's differ by more than a minute, so no calendar is believed"
        return datetime.fromtimestamp(here, UTC), ""

    async def approve(self, key: str, opening: Opening | None = None) -> bool:
        """Vote for a gate if, read anew, it is still open and a rule still allows it.

        Args:
            key: `Gate.key` of the gate.
            opening: `Gate.opening` that is meant, or None for whichever is open.

        Returns:
            Whether this gate is done with for us: our vote shows, the gate is no longer open, or voting
            was refused for good. False asks to be called again at the next sight of the open gate.
        """
        while True:
            task = await self._read()
            read_at = self.means.now()
            gate = _open_gate(task, key)
            if task is None or gate is None:
                return task is not None
            if opening not in (None, gate.opening):
                self._tell_failure(gate, None, "it was opened anew meanwhile")
                return True
            if self._not_before.get(gate.opening, 0.0) > read_at:
                return False
            before = self._cast(gate)
            waited = await self._one_shows(gate, before)
            if waited is not None:
                if waited:
                    return True
                continue  # what was read before that wait is too old to vote on
            if len(before) >= _VOTES:
                self._tell_failure(gate, None, "the vote does not show in the task")
                return True
            done = await self._decide_and_vote(gate, task, read_at)
            if done is not None:
                return done
            await self.means.pause(self.means.between_read_backs)

    async def _decide_and_vote(self, gate: Gate, task: Task, read_at: float) -> bool | None:
        """Decide on a fresh read; vote if allowed. None where the caller is to look again."""
        if not self._first_seen.get(gate.opening, (0.0, "", None))[1]:
            await self._first_sight(gate, task)
        mark = f"zadig-async {secrets.token_hex(8)}"
        async with self.means.deciding:
            permission = self.permission(gate, status_of(task), task)
            if permission.rule is None:
                await self._tell_refusal(gate, permission.reason)
                return False
            try:
                await self._intend(gate, mark, permission)
            except JournalError as error:
                await self._tell_refusal(gate, str(error), error)
                self._back_off(gate, error)  # each try leaves an intent in the journal
                return False
        self._refusals.pop(gate.opening, None)
        return await self._vote(gate, permission, mark, read_at)

    async def _vote(self, gate: Gate, permission: Permission, mark: str, read_at: float) -> bool | None:
        """Cast a vote; return whether the gate is done with, or None where the caller is to look again."""
        rule = permission.rule
        comment = f"{mark} {rule.comment if rule is not None else ''}".strip()
        permit = self.means.permit(self.ref.of, until=read_at + _FRESH)
        self.means.emit(
            events.GateApproving(workflow=self.ref.of, ref=self.ref, gate=gate, reason=permission.reason)
        )

        async def sending() -> ZadigError | None:
            try:
                await self.means.voter.tasks.approve(self.ref, gate, comment, before_send=permit)
            except OutcomeUnknownError as error:
                await self._remember(drafts.write_unknown(Act.APPROVE, self._run, self.ref.task_id, mark))
                return error
            except ZadigError as error:
                outcome = drafts.NOT_SENT if isinstance(error, _NOT_TAKEN) else drafts.REFUSED
                await self._result(outcome, mark, kept_of(error))
                return error
            await self._result(drafts.ACCEPTED, mark, {})
            return None

        failure = await finish(sending(), permit)
        if failure is None or isinstance(failure, OutcomeUnknownError):
            return await self._shows(gate, [mark]) or None
        if isinstance(failure, _NOT_TAKEN):
            self._back_off(gate, failure)
            return False
        again = isinstance(failure, ConflictError | TransportError) and len(self._cast(gate)) < _VOTES
        if not again:
            self._tell_failure(gate, failure, str(failure))
            return True
        return None

    def _back_off(self, gate: Gate, failure: ZadigError) -> None:
        """Wait longer with each vote in a row that did not get through."""
        self._not_taken[gate.opening] = tries = self._not_taken.get(gate.opening, 0) + 1
        asked = getattr(failure, "retry_after", None)
        wait = back_off(tries, every=self.means.policy.poll_every) if asked is None else asked
        self._not_before[gate.opening] = self.means.now() + wait

    async def _intend(self, gate: Gate, mark: str, permission: Permission) -> None:
        """Write down that we are about to vote.

        Raises:
            JournalError: It could not be written down, so there will be no vote.
        """
        scope, task = self.means.scope(self.ref.of), self.ref.task_id
        await self.means.journal.renew(scope)
        _, content, _ = self._first_seen.get(gate.opening, (0.0, "", None))
        details = {
            "run": self._run,
            "gate": gate.name,
            "job": gate.key,
            "rule": str(permission.rule),
            "reason": permission.reason,
            "content": content,
            "account": self.means.voter.account,
            "mark": mark,
        }
        # The audit line between the two: it is not written where the journal fails, and no vote counts as
        # sent where it fails itself.
        intent = drafts.vote_intent(
            self._run, task, gate.key, gate.opening[1], rule=str(permission.rule), mark=mark
        )
        await self.means.journal.write(scope, intent)
        await self.means.record("approve.sending", self.ref, details)
        await self.means.journal.write(scope, drafts.write_sent(Act.APPROVE, self._run, task, mark))

    def _cast(self, gate: Gate) -> list[Vote]:
        """Return our votes for this very opening of a gate that may have reached Zadig."""
        votes = self.means.journal.history.votes(self.means.scope(self.ref.of), self.ref.task_id)
        return [
            vote
            for vote in votes
            if (vote.gate, vote.opened) == gate.opening
            and vote.sent_at is not None
            and vote.outcome != drafts.NOT_SENT
        ]

    async def _one_shows(self, gate: Gate, votes: list[Vote]) -> bool | None:
        """Whether one of our earlier votes shows in the time it takes; None where that is known already."""
        marks = [
            vote.mark
            for vote in votes
            if vote.outcome != drafts.REFUSED and vote.mark not in self._waited_for
        ]
        return await self._shows(gate, marks) if marks else None

    async def _shows(self, gate: Gate, marks: list[str]) -> bool:
        """Whether a vote can be read back from the task, or somebody else has closed the gate."""
        self._waited_for.update(marks)
        for _ in range(READ_BACKS):
            await self.means.pause(self.means.between_read_backs)
            task = await self._read()
            if task is None:
                continue
            try:
                shown = [
                    mark
                    for mark in marks
                    for user in voters(task, gate.key)
                    if user.decision == "approve" and user.comment.startswith(mark)
                ]
                if shown:
                    await self._remember(drafts.approved(self._run, self.ref.task_id, shown[0]))
                    self.means.emit(events.GateApproved(workflow=self.ref.of, ref=self.ref, gate=gate))
                    return True
                if _open_gate(task, gate.key) is None:
                    return True
            except ZadigError:
                continue
        return False

    async def _result(self, outcome: str, mark: str, error: dict[str, object]) -> None:
        draft = drafts.write_result(Act.APPROVE, self._run, self.ref.task_id, outcome, mark)
        await self._remember(draft, error)

    async def _remember(self, draft: Draft, more: dict[str, object] | None = None) -> None:
        await self.means.remember(self.ref, draft, f"approve.{draft.kind}", more or {})

    async def _read(self) -> Task | None:
        try:
            return await self.means.zadig.tasks.get(self.ref)
        except ZadigError:
            return None

    @property
    def _sent_by_us(self) -> bool:
        """Whether a trigger of ours made the task, and it was not only taken over."""
        entry = self.means.journal.history.of_task(self.means.scope(self.ref.of), self.ref.task_id)
        return entry is not None and bool(entry.sent)

    @property
    def _run(self) -> str:
        entry = self.means.journal.history.of_task(self.means.scope(self.ref.of), self.ref.task_id)
        return entry.run if entry is not None else ""

    def _digest(self, task: Task) -> str:
        """Return the digest of what a task lets through, or an empty string where it cannot be read."""
        # A task that is not ours has no run id: its digest is only as hard to guess as its content.
        key = self._run or f"a task of somebody else: {self.ref}"
        try:
            return content_digest(task, key=key.encode())
        except ZadigError:
            return ""

    async def _tell_refusal(self, gate: Gate, reason: str, error: ZadigError | None = None) -> None:
        """Tell, once, that a closer look says no, or that nothing can be written down."""
        if self._refusals.get(gate.opening) == reason:
            return
        self._refusals[gate.opening] = reason
        self._tell_failure(gate, error, reason)
        details = {"gate": gate.name, "job": gate.key, "allowed": False, "rule": None, "reason": reason}
        try:
            await self.means.record("gate.judged", self.ref, details)
        except JournalError as error:
            self.means.tell_unwritten(self.ref, error)

    def _tell_failure(self, gate: Gate, error: ZadigError | None, reason: str) -> None:
        self.means.emit(
            events.GateNotApproved(workflow=self.ref.of, ref=self.ref, gate=gate, error=error, reason=reason)
        )


def _open_gate(task: Task | None, key: str) -> Gate | None:
    if task is None:
        return None
    try:
        return next((gate for gate in task.gates if gate.key == key), None)
    except ZadigError:
        return None
