"""Cancelling and retrying: only tasks of this journal, only where it changes what is true now."""

from collections.abc import Awaitable, Callable
from typing import Final

import attrs

from zadig_async.errors import (
    ConfigError,
    ConflictError,
    OutcomeUnknownError,
    RateLimitedError,
    ZadigError,
)
from zadig_async.journal import drafts
from zadig_async.journal.history import RunEntry
from zadig_async.journal.records import Act, Draft
from zadig_async.model.ids import TaskRef
from zadig_async.model.status import Phase
from zadig_async.model.task import TaskStatus
from zadig_async.orchestrator import events
from zadig_async.orchestrator.means import READ_BACKS, Means
from zadig_async.orchestrator.writes import NEVER_SENT, Permit, finish

_FRESH: Final = 2.0
"""Seconds after the read it rests on in which a cancellation or retry may leave: Zadig rewrites a task that
has failed meanwhile to cancelled."""

_RETRYABLE: Final = frozenset({Phase.FAILED, Phase.TIMED_OUT, Phase.CANCELLED, Phase.REJECTED})


@attrs.frozen
class Control:
    """Cancels and retries tasks.

    Attributes:
        means: What we work with.
    """

    means: Means

    async def cancel(self, ref: TaskRef, reason: str) -> bool:
        """Cancel a task, unless it has ended. What really becomes of it shows some seconds later.

        Args:
            ref: The task.
            reason: Why, in words of ours.

        Returns:
            Whether Zadig took it; False where the task has ended.

        Raises:
            ConfigError: The task is not of this journal.
            OutcomeUnknownError: It was sent, and the task does not show what became of it.
            ZadigError: It could not be read or written down, or Zadig refused.
        """
        async with self.means.holding(ref.of):
            return await self._cancel(ref, reason)

    async def _cancel(self, ref: TaskRef, reason: str) -> bool:
        entry = self._owned(ref)
        seen = await self.means.zadig.tasks.status(ref)
        permit = self.means.permit(ref.of, until=self.means.now() + _FRESH)
        if seen.status.final:
            return False
        self.means.emit(events.Cancelling(workflow=ref.of, ref=ref, reason=reason))
        await self._intend(Act.CANCEL, entry, ref, reason)

        async def write() -> None:
            await self.means.zadig.tasks.cancel(ref, before_send=permit)

        try:
            answered = await self._send(Act.CANCEL, entry, ref, permit, write)
        except ConflictError:
            return False  # it has passed meanwhile
        if not answered and not await self._shows(ref, lambda now: now.status.phase is Phase.CANCELLED):
            raise OutcomeUnknownError(f"{ref}: no clear answer to the cancellation, and it does not show")
        await self._remember(ref, drafts.cancelled(entry.run, ref.task_id))
        return True

    async def retry(self, ref: TaskRef, reason: str) -> None:
        """Run a failed, timed-out, cancelled or rejected task again, under its own number.

        Args:
            ref: The task.
            reason: Why, in words of ours.

        Raises:
            ConfigError: The task is not of this journal or in another state, or a vote of ours on it may
                still be under way: it could approve the gate that the retry opens anew.
            OutcomeUnknownError: It was sent, and the task does not show what became of it.
            ZadigError: It could not be read or written down, or Zadig refused.
        """
        async with self.means.holding(ref.of):
            await self._retry(ref, reason)

    async def _retry(self, ref: TaskRef, reason: str) -> None:
        entry = self._owned(ref)
        self._refuse_votes_under_way(ref)
        seen = await self.means.zadig.tasks.status(ref)
        permit = self.means.permit(ref.of, until=self.means.now() + _FRESH)
        if seen.status.phase not in _RETRYABLE:
            raise ConfigError(
                f"{ref}: it is {seen.status or 'not started'}; only a task that did not end well is retried"
            )
        self.means.emit(events.Retrying(workflow=ref.of, ref=ref, reason=reason))
        await self._intend(Act.RETRY, entry, ref, reason)

        async def write() -> None:
            await self.means.zadig.tasks.retry(ref, before_send=permit)

        def begun(now: TaskStatus) -> bool:
            return not now.status.final or now.started_at != seen.started_at

        if not await self._send(Act.RETRY, entry, ref, permit, write) and not await self._shows(ref, begun):
            raise OutcomeUnknownError(f"{ref}: no clear answer to the retry, and it does not show")

    def _owned(self, ref: TaskRef) -> RunEntry:
        scope = self.means.scope(ref.of)
        history = self.means.journal.history
        entry = history.of_task(scope, ref.task_id) or history.of_duplicate(scope, ref.task_id)
        if entry is None:
            raise ConfigError(
                f"{ref}: {self.means.journal.name} does not know this task, so it is not ours to change",
                hint="Attach to it with own=True first, or use zadig.tasks.",
            )
        return entry

    def _refuse_votes_under_way(self, ref: TaskRef) -> None:
        horizon = self.means.wall() - self.means.policy.reconcile.window
        for vote in self.means.journal.history.votes(self.means.scope(ref.of), ref.task_id):
            if vote.under_way and (vote.sent_at or 0.0) > horizon:
                raise ConfigError(
                    f"{ref}: a vote of ours may be under way, and would count for the gate of the retry",
                    hint=f"Try again {self.means.policy.reconcile.window:g} s after that vote.",
                )

    async def _intend(self, act: Act, entry: RunEntry, ref: TaskRef, reason: str) -> None:
        await self.means.journal.renew(entry.scope)
        await self.means.record(f"{act}.sending", ref, {"run": entry.run, "reason": reason})
        await self.means.journal.write(
            entry.scope,
            drafts.control_intent(act, entry.run, ref.task_id, reason),
            drafts.write_sent(act, entry.run, ref.task_id),
        )

    async def _send(
        self, act: Act, entry: RunEntry, ref: TaskRef, permit: Permit, write: Callable[[], Awaitable[None]]
    ) -> bool:
        """Send a write and remember what came back; return whether a clear answer did."""

        async def sending() -> bool:
            try:
                await write()
            except NEVER_SENT:
                await self._remember(ref, drafts.write_result(act, entry.run, ref.task_id, drafts.NOT_SENT))
                raise
            except OutcomeUnknownError:
                await self._remember(ref, drafts.write_unknown(act, entry.run, ref.task_id))
                return False
            except ZadigError:
                await self._remember(ref, drafts.write_result(act, entry.run, ref.task_id, drafts.REFUSED))
                raise
            await self._remember(ref, drafts.write_result(act, entry.run, ref.task_id, drafts.ACCEPTED))
            return True

        return await finish(sending(), permit)

    async def _shows(self, ref: TaskRef, there: Callable[[TaskStatus], bool]) -> bool:
        for _ in range(READ_BACKS):
            try:
                if there(await self.means.zadig.tasks.status(ref)):
                    return True
            except ZadigError as error:
                if isinstance(error, RateLimitedError):
                    await self.means.pause(error.retry_after or 0.0)
            await self.means.pause(self.means.between_read_backs)
        return False

    async def _remember(self, ref: TaskRef, draft: Draft) -> None:
        await self.means.remember(ref, draft, f"{draft.act}.{draft.kind}")
