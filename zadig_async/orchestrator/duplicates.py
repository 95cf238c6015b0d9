"""Second tasks of one run: found, told, cancelled while they wait, and never approved."""

from typing import Final

import attrs

from zadig_async.errors import ZadigError
from zadig_async.journal import drafts
from zadig_async.journal.history import RunEntry
from zadig_async.model.ids import TaskRef
from zadig_async.model.status import Phase
from zadig_async.orchestrator import events
from zadig_async.orchestrator.control import Control
from zadig_async.orchestrator.means import Means
from zadig_async.orchestrator.reconcile import Trigger, candidates
from zadig_async.orchestrator.search import Search, tasks_of, trigger_of

LOOK_EVERY: Final = 15.0
"""Seconds between two looks for a late task."""


@attrs.define(eq=False)
class Duplicates:
    """Watches over one run of which more than one task may come.

    Attributes:
        means: What we work with; the workflow's scope is held.
        entry: The run.
    """

    means: Means
    entry: RunEntry

    async def watch(self) -> None:
        """Look for further tasks of the run, for ever if they can be told; whoever starts it ends it.

        Raises:
            DetachedError: We were told to stop.
        """
        search = Search(self.means.zadig, self.entry, self._trigger())
        # Without a marker nothing tells a second task from one that somebody else has started.
        while search.trigger.marker:
            await self.means.pause(LOOK_EVERY)
            search.trigger = self._trigger()
            await self._look(search)

    async def _look(self, search: Search) -> None:
        trigger, evidence = search.trigger, await search.look()
        first = self.entry.task
        for task in candidates(trigger, evidence.tasks):
            facts = evidence.facts.get(task)
            if facts is not None and facts.marked == self.entry.run:
                of = None if first is None else self.entry.ref_of(first)
                await self.found(
                    self.entry.ref_of(task), of=of, sure=True, reason="it came late, with the same run id"
                )

    def _trigger(self) -> Trigger:
        taken = tasks_of(self.means.journal.history.of_scope(self.entry.scope))
        return trigger_of(self.entry, taken=taken, rivals=0)

    async def found(self, ref: TaskRef, *, of: TaskRef | None, sure: bool, reason: str) -> None:
        """Remember and tell a second task, and cancel it if it still waits.

        Args:
            ref: The task.
            of: The run's first task, or None.
            sure: Whether it carries the run's id; one that only may be ours is left alone.
            reason: In words.
        """
        try:
            await self.means.journal.write(self.entry.scope, drafts.duplicate(self.entry.run, ref.task_id))
            cancelled = sure and await self._cancel(ref)
        except ZadigError as error:
            cancelled = False
            reason = f"{reason}; it could not be cancelled: {error}"
        self.means.emit(
            events.DuplicateFound(workflow=ref.of, ref=of, duplicate=ref, cancelled=cancelled, reason=reason)
        )

    async def _cancel(self, ref: TaskRef) -> bool:
        if (await self.means.zadig.tasks.status(ref)).phase is not Phase.QUEUED:
            return False
        return await Control(self.means).cancel(ref, "a second task of the same run")
