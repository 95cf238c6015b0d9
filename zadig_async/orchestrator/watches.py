"""`Watches`: every watch of one orchestrator: begun, remembered at its end, guarded against second tasks."""

import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import Final

import attrs

from zadig_async.errors import JournalError, ZadigError
from zadig_async.journal import drafts
from zadig_async.journal.digest import new_run_id
from zadig_async.journal.history import RunEntry
from zadig_async.model.ids import TaskRef
from zadig_async.model.launch import Launch
from zadig_async.model.outcome import Outcome, Verdict, ends_run
from zadig_async.model.status import NOT_STARTED
from zadig_async.orchestrator import events
from zadig_async.orchestrator.duplicates import Duplicates
from zadig_async.orchestrator.launcher import Launcher
from zadig_async.orchestrator.logs.task_logs import TaskLogs
from zadig_async.orchestrator.means import Means
from zadig_async.orchestrator.run import Readers, Run
from zadig_async.orchestrator.watch import Ending, Watch
from zadig_async.orchestrator.writes import DetachedError

_LOG: Final = logging.getLogger("zadig_async")


@attrs.frozen(eq=False)
class Watches:
    """Watches tasks, each to its own outcome.

    Attributes:
        means: What we work with.
        launcher: Cuts watches short when we are told to stop.
    """

    means: Means
    launcher: Launcher
    _watching: "set[asyncio.Task[Outcome]]" = attrs.field(init=False, factory=set)
    _guards: "set[asyncio.Task[None]]" = attrs.field(init=False, factory=set)

    async def join(self) -> None:
        """Wait for every watch to end; whoever calls it has told them to stop."""
        ending = {*self._watching, *self._guards}
        if ending:
            await asyncio.wait(ending)

    def begin(
        self,
        ref: TaskRef,
        launch: Launch | None,
        started: float,
        entry: RunEntry,
        *,
        since: float | None = None,
    ) -> Run:
        """Watch the task of a run of ours, and look out for second tasks where there may be some.

        Args:
            ref: The task; its scope is held, and the watch drops it.
            launch: The launch it came from, or None.
            started: When its launch began, by the event loop's clock; the outcome counts from there.
            entry: The run.
            since: When its trigger was answered; deadlines count from there. Now, if None.
        """
        run = self.watch(ref, launch, started, held=True, since=since, of=entry.run)
        if entry.doubtful:
            guard = asyncio.create_task(self._guard(entry, run), name=f"duplicates of {ref}")
            self._guards.add(guard)
            guard.add_done_callback(self._guards.discard)
        return run

    def watch(
        self,
        ref: TaskRef,
        launch: Launch | None,
        started: float,
        *,
        own: bool = False,
        held: bool = False,
        since: float | None = None,
        of: str | None = None,
    ) -> Run:
        """Watch a task.

        Args:
            ref: The task.
            launch: The launch it came from, or None.
            started: When its launch began, by the event loop's clock; the outcome counts from there.
            own: Whether it counts as ours from now on.
            held: Whether its scope is held for it already.
            since: When its trigger was answered; deadlines count from there. Now, if None.
            of: Id of the run that was taken up and is laid down when the watch ends, or None.
        """
        readers = Readers()
        means = attrs.evolve(self.means, emit=partial(self._emit_to, readers))
        watch = Watch(means, ref, self.means.now() if since is None else since)
        work = self._watch_to_end(watch, launch, started, own=own, held=held, of=of)
        task = asyncio.create_task(work, name=f"watch {ref}")
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)
        return Run(ref, launch, watch, task, readers)

    async def _watch_to_end(
        self, watch: Watch, launch: Launch | None, started: float, *, own: bool, held: bool, of: str | None
    ) -> Outcome:
        scope = watch.means.scope(watch.ref.of)
        try:
            if not held:
                await self.means.journal.hold([scope])
                held = True
            if own:
                await self._own(watch.ref)
            ending = await self.launcher.until_stopped(watch.run())
        except DetachedError:
            ending = watch.ending or Ending(verdict=Verdict.DETACHED, seen=watch.seen)
        except JournalError as failure:
            ending = watch.ending or Ending(verdict=Verdict.LOST, seen=watch.seen, error=failure)
        except Exception as fault:  # noqa: BLE001 - one watch that breaks must not end those of others
            error = fault_of_ours(f"{watch.ref}: it is no longer watched", fault)
            ending = watch.ending or Ending(verdict=Verdict.LOST, seen=watch.seen, error=error)
        outcome = _outcome(ending, watch, launch, self.means.now() - started)
        if watch.logs.reading:
            self._guards.add(guard := asyncio.create_task(self._read_on(watch.logs)))
            guard.add_done_callback(self._guards.discard)
        try:
            await self._remember_end(watch, outcome)
        finally:
            if of is not None:
                self.means.journal.lay_down(of)
            if held:
                await self.means.journal.drop([scope])
        watch.emit(events.Ended(workflow=outcome.workflow, ref=outcome.ref, outcome=outcome))
        return outcome

    async def _own(self, ref: TaskRef) -> None:
        scope = self.means.scope(ref.of)
        if self.means.journal.history.of_task(scope, ref.task_id) is None:
            draft = drafts.adopted(new_run_id(), ref.task_id, sure=True)
            await self.means.journal.write(scope, draft)

    async def _remember_end(self, watch: Watch, outcome: Outcome) -> None:
        scope = self.means.scope(watch.ref.of)
        entry = self.means.journal.history.of_task(scope, watch.ref.task_id)
        if entry is None or not entry.open or not ends_run(outcome.verdict):
            return
        await watch.means.remember(watch.ref, drafts.finished(entry.run, outcome.verdict))

    async def _guard(self, entry: RunEntry, run: Run) -> None:
        """Look for second tasks of a run until none can come any more."""
        try:
            await self.means.journal.hold([entry.scope])
        except ZadigError:
            return
        watching = asyncio.create_task(Duplicates(self.means, entry).watch())
        try:
            await asyncio.wait(
                {watching, asyncio.ensure_future(run.wait())}, return_when=asyncio.FIRST_COMPLETED
            )
            await asyncio.wait({watching}, timeout=self.means.policy.reconcile.window)
        finally:
            watching.cancel()
            await asyncio.wait({watching})
            if not watching.cancelled() and not isinstance(watching.exception(), DetachedError | None):
                fault_of_ours(f"{run.ref}: duplicates are no longer looked for", watching.exception())
            await self.means.journal.drop([entry.scope])

    async def _read_on(self, logs: TaskLogs) -> None:
        """Let logs whose reader is slow go on after their task's watch has ended, until told to stop."""
        try:
            with suppress(DetachedError):
                await self.launcher.until_stopped(logs.finish())
        finally:
            await logs.cut()

    def _emit_to(self, readers: Readers, event: events.Event) -> None:
        readers.tell(event)
        self.means.emit(event)


def fault_of_ours(what: str, fault: BaseException | None) -> ZadigError:
    """Log a fault of this package, and return the error to tell it by; its text may hold anything."""
    _LOG.error("a fault of this package: %s", what, exc_info=fault)
    return ZadigError(
        f"{what}, because of a fault of this package ({type(fault).__name__})",
        hint="The log has its traceback: please report it.",
    )


def _outcome(ending: Ending, watch: Watch, launch: Launch | None, seconds: float) -> Outcome:
    status = (
        ending.task.status if ending.task is not None else ending.seen.status if ending.seen else NOT_STARTED
    )
    return Outcome(
        workflow=watch.ref.of,
        verdict=ending.verdict,
        ref=watch.ref,
        launch=launch,
        task=ending.task,
        status=status,
        gates=watch.gates if not status.final else (),
        error=ending.error,
        seconds=seconds,
    )
