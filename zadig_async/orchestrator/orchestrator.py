"""`Orchestrator`: many launches and tasks at once, each to its own outcome."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self

from zadig_async.client.client import ZadigClient
from zadig_async.errors import (
    ConfigError,
    JournalError,
    LeaseLostError,
    OutcomeUnknownError,
    ZadigError,
)
from zadig_async.journal import drafts
from zadig_async.journal.audit import AuditTrail, NoAudit
from zadig_async.journal.history import RunEntry, RunState
from zadig_async.journal.journal import Journal
from zadig_async.model.ids import TaskRef
from zadig_async.model.launch import Launch
from zadig_async.model.outcome import Outcome, Verdict
from zadig_async.model.status import NOT_STARTED
from zadig_async.orchestrator import events
from zadig_async.orchestrator.control import Control
from zadig_async.orchestrator.launcher import Launcher
from zadig_async.orchestrator.means import Means, kept_of
from zadig_async.orchestrator.policy import RunPolicy
from zadig_async.orchestrator.recipe import rebuilt
from zadig_async.orchestrator.run import Run
from zadig_async.orchestrator.switch import KillSwitch
from zadig_async.orchestrator.watches import Watches, fault_of_ours
from zadig_async.orchestrator.writes import DetachedError, HaltedError

_LOG: Final = logging.getLogger("zadig_async")

_NOTHING: Final[Mapping[str, Any]] = {}


class Orchestrator:
    """Starts launches, watches tasks, approves by rule and reads logs, as one policy says.

    Use it as `async with Orchestrator(zadig) as orchestrator`. Leaving the context stops all watching;
    tasks on the server are never stopped by that.
    """

    def __init__(
        self,
        zadig: ZadigClient,
        policy: RunPolicy | None = None,
        *,
        on_event: Callable[[events.Event], None] | None = None,
        on_log: Callable[[events.LogEvent], Awaitable[None]] | None = None,
        journal: Journal | None = None,
        audit: AuditTrail | None = None,
        switch: KillSwitch | None = None,
        voter: ZadigClient | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Prepare to watch.

        Args:
            zadig: The server; stays open when the orchestrator is left.
            policy: What may be done, and how patiently. By default nothing is approved.
            on_event: Receives every event of every run, in the event loop; it must not block. What it
                raises is logged and goes no further: an observer must not end a watch.
            on_log: Receives every event of every log, and may take its time: the log it belongs to is read no
                further meanwhile, and nothing else waits. Several logs call it at once, each in its own
                order. Where it is given, `on_event` does not get `LogLines`. What it raises is logged.
            journal: Remembers what was meant and what became of it over a crash; stays open when the
                orchestrator is left. By default it is remembered for as long as this orchestrator lives.
            audit: Where every write and every decision about a gate is written down; nowhere by default.
            switch: Stops every write at once when it is pulled.
            voter: A client of the same server by the account that approves; by default the one that launches.
            wall: What time it is, in Unix seconds; only calendars, rate caps and resuming go by it.
        """
        self._stop = asyncio.Event()
        self._on_event = on_event
        self._on_log = on_log
        self._means = Means(
            zadig=zadig,
            voter=voter or zadig,
            policy=policy or RunPolicy(),
            journal=journal or Journal.in_memory(),
            audit=audit or NoAudit(),
            switch=switch or KillSwitch(),
            emit=self._emit,
            stop=self._stop,
            wall=wall,
            on_log=on_log,
        )
        self._launcher = Launcher(self._means)
        self._slots = asyncio.Semaphore(self._means.policy.concurrency)
        self._watches = Watches(self._means, self._launcher)

    async def start(self, launch: Launch) -> Run:
        """Check a launch against the live definition, trigger it, and begin to watch it.

        A trigger whose answer is lost is not sent again: its task is looked for, for as long as
        `ReconcilePolicy.window` says.

        Raises:
            PreflightError: It does not fit the live definition; nothing was sent.
            OutcomeUnknownError: It was sent and nothing proves what became of it.
            LeaseLostError: Another driver has taken over, and may send it; we have not.
            JournalError: It could not be written down, another driver has the workflow, or what became of an
                earlier launch of it is not known; nothing was sent.
            ConfigError: The orchestrator was detached, or the kill switch is pulled; nothing was sent.
            ZadigError: The server could not be asked, or refused.
        """
        started = self._means.now()
        (entry,) = await self._launcher.intend([launch], origin=_NOTHING)
        if isinstance(entry, ZadigError):
            raise entry
        try:
            return await self._start(entry, launch, started)
        except Exception as error:
            await self._close(entry, error)
            raise

    async def _start(self, entry: RunEntry, launch: Launch | None, started: float) -> Run:
        """Bring a run that was taken up to its task, and watch it; the watch lays it down."""
        try:
            ref = await self._launcher.launch(entry, launch)
        except BaseException:
            await self._launcher.release(entry)
            raise
        return self._watches.begin(ref, launch, started, entry)

    def attach(self, ref: TaskRef, *, own: bool = False) -> Run:
        """Begin to watch a task that is already there, whoever started it.

        Args:
            ref: The task.
            own: Whether it counts as ours from now on: only such tasks are cancelled or retried by us.
        """
        return self._watches.watch(ref, None, self._means.now(), own=own)

    async def run(self, launch: Launch) -> Outcome:
        """Start a launch and wait for its outcome. Whatever goes wrong with it is its outcome.

        Only cancellation passes through: then a trigger under way is waited for (at most 10 seconds)
        and told as a `Launched` event, and the task goes on without us. A task that is already being
        watched is watched on until the orchestrator is left or detached.
        """
        started = self._means.now()
        (entry,) = await self._launcher.intend([launch], origin=_NOTHING)
        if isinstance(entry, ZadigError):
            return self._not_started(launch, entry, started)
        return await self._run(entry, launch, started, alone=True)

    async def run_all(
        self, launches: Iterable[Launch], *, origin: Mapping[str, Any] = _NOTHING
    ) -> list[Outcome]:
        """Run many launches, as many at once as the policy allows, and return their outcomes in order.

        One launch's error is its outcome and never touches another, not even a fault of this package. All of
        them are written into the journal before the first one is sent, so `resume` finishes the whole batch.

        Args:
            launches: What to run.
            origin: Where they came from, kept in the journal for `resume`: JSON values, never a secret.
        """
        given = list(launches)
        started = self._means.now()
        entries = await self._launcher.intend(given, origin=origin)
        waiting = {entry.run: entry for entry in entries if isinstance(entry, RunEntry)}
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._run_in_turn(entry, launch, started, waiting))
                    for entry, launch in zip(entries, given, strict=True)
                ]
        finally:
            for left in waiting.values():  # cancelled before their turn came
                await self._launcher.release(left)
        return [task.result() for task in tasks]

    async def resume(self, launches: Iterable[Launch] = ()) -> list[Outcome]:
        """Go on with every batch in the journal that has not come to its end on this server.

        Tasks that are known are watched on; those of triggers without an answer are looked for; launches that
        were never sent are sent. Nothing that may have been sent is sent again, unless the policy says so for
        triggers that provably came to nothing.

        Args:
            launches: Launches whose variables and inputs are not in the journal, which holds no values.

        Returns:
            The outcomes of all runs of those batches, the ones that had ended before included, in order.

        Raises:
            JournalError: The journal cannot be read.
        """
        await self._means.journal.refresh()
        history = self._means.journal.history
        batches = {entry.batch for entry in history.open_runs(self._means.zadig.server)}
        entries = [entry for entry in history.runs.values() if entry.batch in batches]
        offered = list(launches)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._resume(entry, offered)) for entry in entries]
        return [task.result() for task in tasks]

    async def retry(self, ref: TaskRef, reason: str = "asked to") -> Run:
        """Run a task that did not end well again, under its own number, and watch it.

        Args:
            ref: A task of this journal.
            reason: Why, in words of yours; they are written down.

        Raises:
            ConfigError: The task is not of this journal or in another state.
            ZadigError: It could not be read or written down, or Zadig refused.
        """
        await Control(self._means).retry(ref, reason)
        return self._watches.watch(ref, None, self._means.now())

    async def cancel(self, ref: TaskRef, reason: str = "asked to") -> bool:
        """Cancel a task of this journal, unless it has ended. What really becomes of it, its watch tells.

        Args:
            ref: A task of this journal.
            reason: Why, in words of yours; they are written down.

        Returns:
            Whether Zadig took it; False where the task has ended.

        Raises:
            ConfigError: The task is not of this journal.
            ZadigError: It could not be read or written down, or the server did not take the cancellation.
        """
        return await Control(self._means).cancel(ref, reason)

    async def _run_in_turn(
        self, entry: RunEntry | ZadigError, launch: Launch, started: float, waiting: dict[str, RunEntry]
    ) -> Outcome:
        if isinstance(entry, ZadigError):
            return self._not_started(launch, entry, started)
        async with self._slots:
            del waiting[entry.run]
            return await self._run(entry, launch, self._means.now())

    async def _run(
        self, entry: RunEntry, launch: Launch | None, started: float, *, alone: bool = False
    ) -> Outcome:
        """Bring a run that was taken up to its end. One that stands `alone` is not left for `resume`."""
        try:
            run = await self._start(entry, launch, started)
        except ZadigError as failure:
            if alone:
                await self._close(entry, failure)
            return self._not_started(launch or entry, failure, started)
        except Exception as fault:  # noqa: BLE001 - others are under way, and nothing was sent for this one
            error = fault_of_ours(f"{entry.scope.workflow}: it was not launched", fault)
            if alone:
                await self._close(entry, error)
            return self._not_started(launch or entry, error, started)
        return await run.wait()

    async def _close(self, entry: RunEntry, error: Exception) -> None:
        """Remember that whoever asked for one run was told that nothing was sent.

        What they were told must stay true: nobody is to send it later. Only a run that was cut short by
        `detach` is left for `resume`.
        """
        if entry.state is not RunState.INTENDED or isinstance(error, DetachedError):
            return
        try:
            async with self._means.holding(entry.scope.workflow):
                await self._means.journal.write(entry.scope, drafts.refused(entry.run, kept_of(error)))
        except ZadigError as failure:
            self._means.tell_unwritten(entry.scope.workflow, failure)

    def _not_started(self, what: Launch | RunEntry, error: ZadigError, started: float) -> Outcome:
        match error:
            case DetachedError():
                verdict = Verdict.DETACHED
            case HaltedError():
                verdict = Verdict.BLOCKED
            case OutcomeUnknownError():
                verdict = Verdict.UNKNOWN
            case LeaseLostError():
                verdict = Verdict.LOST  # whoever has it now may send it
            case _:
                verdict = Verdict.REFUSED
        launch = what if isinstance(what, Launch) else None
        outcome = Outcome(
            workflow=what.ref if isinstance(what, Launch) else what.scope.workflow,
            verdict=verdict,
            launch=launch,
            error=None if verdict is Verdict.DETACHED else error,
            seconds=self._means.now() - started,
        )
        self._emit(events.Ended(workflow=outcome.workflow, outcome=outcome))
        return outcome

    async def _resume(self, entry: RunEntry, offered: list[Launch]) -> Outcome:
        """Go on with one run. Whatever goes wrong with it is its outcome."""
        started = self._means.now() - max(0.0, self._means.wall() - entry.intended_at)
        workflow = entry.scope.workflow
        launch = rebuilt(workflow.project, workflow.workflow, entry.recipe, entry.run, offered)
        try:
            return await self._take_up(entry, launch, started)
        except ZadigError as failure:
            return self._left_alone(entry, launch, failure, started)
        except Exception as fault:  # noqa: BLE001 - one run that breaks must not end those of others
            error = fault_of_ours(f"{workflow}: it was not resumed", fault)
            return self._left_alone(entry, launch, error, started)

    async def _take_up(self, entry: RunEntry, launch: Launch | None, started: float) -> Outcome:
        if not entry.open:
            return await self._as_before(entry)
        if not self._means.journal.take_up(entry.run):
            raise JournalError(f"{entry.scope.workflow}: this very program is at work on the run {entry.run}")
        try:
            await self._means.journal.hold([entry.scope])
        except BaseException:
            self._means.journal.lay_down(entry.run)
            raise
        passed_on = False
        try:
            if entry.state is RunState.FINISHED:  # another driver has brought it to its end meanwhile
                return await self._as_before(entry)
            if entry.state is RunState.LAUNCHED and entry.task is not None:
                ref = entry.ref_of(entry.task)
                # A deadline counts from the launch, whichever process has made it.
                run = self._watches.begin(ref, launch, started, entry, since=started)
                passed_on = True
                return await run.wait()
            async with self._slots:
                await self._refuse_what_was_replaced(entry)
                passed_on = True
                return await self._run(entry, launch, started)
        finally:
            if not passed_on:
                await self._launcher.release(entry)

    async def _refuse_what_was_replaced(self, entry: RunEntry) -> None:
        """Refuse to send a run at last whose workflow was launched anew meanwhile.

        Raises:
            ConfigError: It was.
        """
        entries = self._means.journal.history.of_scope(entry.scope)
        later = entries[entries.index(entry) + 1 :]
        if entry.state is RunState.INTENDED and any(
            each.batch != entry.batch and (each.task is not None or each.unresolved) for each in later
        ):
            error = ConfigError(f"{entry.scope.workflow}: a later launch has taken the place of this one")
            await self._means.journal.write(entry.scope, drafts.refused(entry.run, kept_of(error)))
            raise error

    def _left_alone(
        self, entry: RunEntry, launch: Launch | None, error: ZadigError, started: float
    ) -> Outcome:
        """Return the outcome of a run that somebody else has, or that could not be taken up."""
        workflow = entry.scope.workflow
        ref = None if entry.task is None else entry.ref_of(entry.task)
        outcome = Outcome(
            workflow=workflow,
            verdict=Verdict.LOST if entry.open else Verdict.REFUSED,
            ref=ref,
            launch=launch,
            error=error,
            seconds=self._means.now() - started,
        )
        self._emit(events.Ended(workflow=workflow, ref=ref, outcome=outcome))
        return outcome

    async def _as_before(self, entry: RunEntry) -> Outcome:
        """Return the outcome of a run that had ended before, with its task as it is now."""
        workflow = entry.scope.workflow
        ref, task, error = None, None, None
        if entry.task is not None:
            ref = entry.ref_of(entry.task)
            try:
                task = await self._means.zadig.tasks.get(ref)
            except ZadigError as failure:
                error = failure
        if entry.error:
            error = ConfigError(f"{workflow}: refused earlier: {_kept_words(entry.error)}")
        outcome = Outcome(
            workflow=workflow,
            verdict=Verdict(entry.verdict),
            ref=ref,
            task=task,
            status=task.status if task is not None else NOT_STARTED,
            error=error,
            seconds=max(0.0, (entry.finished_at or entry.intended_at) - entry.intended_at),
        )
        self._emit(events.Ended(workflow=workflow, ref=ref, outcome=outcome))
        return outcome

    def detach(self) -> None:
        """Stop watching: nothing is written from now on, and every run ends as `Verdict.DETACHED`.

        A write under way is waited for. Tasks on the server go on.
        """
        self._stop.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.detach()
        await self._launcher.join()
        await self._watches.join()

    def _emit(self, event: events.Event) -> None:
        if self._on_event is None or (self._on_log is not None and isinstance(event, events.LogLines)):
            return
        try:
            self._on_event(event)
        except Exception:  # noqa: BLE001 - an observer's fault must not end the watch over a deployment
            _LOG.exception("the observer of events failed on %s", type(event).__name__)


def _kept_words(kept: Mapping[str, Any]) -> str:
    """Say what a journal has kept of an error."""
    findings = kept.get("findings")
    if findings:
        return "; ".join(findings)
    details = ", ".join(f"{name} {kept[name]}" for name in ("status", "code") if name in kept)
    return f"{kept.get('type', 'an error')}{f' ({details})' if details else ''}"
