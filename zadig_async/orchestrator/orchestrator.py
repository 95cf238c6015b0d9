"""`Orchestrator`: many launches and tasks at once, each to its own outcome."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

import attrs

from zadig_async.client.client import ZadigClient
from zadig_async.errors import ConfigError, JournalError, OutcomeUnknownError, ZadigError
from zadig_async.journal import drafts
from zadig_async.journal.audit import AuditTrail, NoAudit
from zadig_async.journal.digest import new_run_id
from zadig_async.journal.history import RunEntry, RunState
from zadig_async.journal.journal import Journal
from zadig_async.model.ids import TaskRef
from zadig_async.model.launch import Launch
from zadig_async.model.outcome import Outcome, Verdict, ends_run
from zadig_async.model.status import NOT_STARTED
from zadig_async.orchestrator import events
from zadig_async.orchestrator.control import Control
from zadig_async.orchestrator.duplicates import Duplicates
from zadig_async.orchestrator.launcher import Launcher
from zadig_async.orchestrator.means import Means
from zadig_async.orchestrator.policy import RunPolicy
from zadig_async.orchestrator.recipe import rebuilt
from zadig_async.orchestrator.run import Readers, Run
from zadig_async.orchestrator.switch import KillSwitch
from zadig_async.orchestrator.watch import Ending, Watch
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
            journal: Remembers what was meant and what became of it over a crash; stays open when the
                orchestrator is left. By default it is remembered for as long as this orchestrator lives.
            audit: Where every write and every decision about a gate is written down; nowhere by default.
            switch: Stops every write at once when it is pulled.
            voter: A client of the same server by the account that approves; by default the one that launches.
            wall: What time it is, in Unix seconds; only calendars, rate caps and resuming go by it.
        """
        self._stop = asyncio.Event()
        self._on_event = on_event
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
        )
        self._launcher = Launcher(self._means)
        self._slots = asyncio.Semaphore(self._means.policy.concurrency)
        self._watching: set[asyncio.Task[Outcome]] = set()
        self._guards: set[asyncio.Task[None]] = set()

    async def start(self, launch: Launch) -> Run:
        """Check a launch against the live definition, trigger it, and begin to watch it.

        A trigger whose answer is lost is not sent again: its task is looked for, for as long as
        `ReconcilePolicy.window` says.

        Raises:
            PreflightError: It does not fit the live definition; nothing was sent.
            OutcomeUnknownError: It was sent and nothing proves what became of it.
            JournalError: It could not be written down, another driver has the workflow, or what became of an
                earlier launch of it is not known; nothing was sent.
            ConfigError: The orchestrator was detached, or the kill switch is pulled; nothing was sent.
            ZadigError: The server could not be asked, or refused.
        """
        started = self._means.now()
        (entry,) = await self._launcher.intend([launch], origin=_NOTHING)
        if isinstance(entry, ZadigError):
            raise entry
        return await self._start(entry, launch, started)

    async def _start(self, entry: RunEntry, launch: Launch | None, started: float) -> Run:
        try:
            ref = await self._launcher.launch(entry, launch)
            return await self._begin(ref, launch, started, entry)
        finally:
            await self._means.journal.drop([entry.scope])

    def attach(self, ref: TaskRef, *, own: bool = False) -> Run:
        """Begin to watch a task that is already there, whoever started it.

        Args:
            ref: The task.
            own: Whether it counts as ours from now on: only such tasks are cancelled or retried by us.
        """
        return self._watch(ref, None, self._means.now(), own=own)

    async def run(self, launch: Launch) -> Outcome:
        """Start a launch and wait for its outcome. Whatever goes wrong with it is its outcome.

        Only cancellation passes through: then a trigger under way is waited for (at most 10 seconds)
        and told as a `Launched` event, and the task goes on without us. A task that is already being
        watched is watched on until the orchestrator is left or detached.
        """
        return (await self._run_batch([launch], _NOTHING, in_turn=False))[0]

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
        return await self._run_batch(list(launches), origin, in_turn=True)

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
        return self._watch(ref, None, self._means.now())

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

    async def _run_batch(
        self, launches: list[Launch], origin: Mapping[str, Any], *, in_turn: bool
    ) -> list[Outcome]:
        started = self._means.now()
        entries = await self._launcher.intend(launches, origin=origin)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._run_in_turn(entry, launch, started, in_turn=in_turn))
                for entry, launch in zip(entries, launches, strict=True)
            ]
        return [task.result() for task in tasks]

    async def _run_in_turn(
        self, entry: RunEntry | ZadigError, launch: Launch, started: float, *, in_turn: bool
    ) -> Outcome:
        if isinstance(entry, ZadigError):
            return self._not_started(launch, entry, started)
        if not in_turn:
            return await self._run(entry, launch, started)
        async with self._slots:
            return await self._run(entry, launch, self._means.now())

    async def _run(self, entry: RunEntry, launch: Launch | None, started: float) -> Outcome:
        try:
            run = await self._start(entry, launch, started)
        except ZadigError as failure:
            return self._not_started(launch or entry, failure, started)
        except Exception as fault:  # noqa: BLE001 - others are under way, and nothing was sent for this one
            error = _fault_of_ours(f"{entry.scope.workflow}: it was not launched", fault)
            return self._not_started(launch or entry, error, started)
        return await run.wait()

    def _not_started(self, what: Launch | RunEntry, error: ZadigError, started: float) -> Outcome:
        match error:
            case DetachedError():
                verdict = Verdict.DETACHED
            case HaltedError():
                verdict = Verdict.BLOCKED
            case OutcomeUnknownError():
                verdict = Verdict.UNKNOWN
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
        if not entry.open:
            return await self._as_before(entry)
        started = self._means.now() - max(0.0, self._means.wall() - entry.intended_at)
        workflow = entry.scope.workflow
        launch = rebuilt(workflow.project, workflow.workflow, entry.recipe, entry.run, offered)
        try:
            await self._means.journal.hold([entry.scope])
        except ZadigError as error:
            return self._left_alone(entry, launch, error, started)
        if entry.state is RunState.FINISHED:  # another driver has brought it to its end meanwhile
            await self._means.journal.drop([entry.scope])
            return await self._as_before(entry)
        if entry.state is not RunState.LAUNCHED or entry.task is None:
            async with self._slots:
                return await self._run(entry, launch, started)
        try:
            ref = TaskRef(workflow.project, workflow.workflow, entry.task)
            # A deadline counts from the launch, whichever process has made it.
            run = await self._begin(ref, launch, started, entry, since=started)
        finally:
            await self._means.journal.drop([entry.scope])
        return await run.wait()

    def _left_alone(
        self, entry: RunEntry, launch: Launch | None, error: ZadigError, started: float
    ) -> Outcome:
        """Return the outcome of a run that another driver has, or that could not be taken up."""
        workflow = entry.scope.workflow
        ref = None if entry.task is None else TaskRef(workflow.project, workflow.workflow, entry.task)
        outcome = Outcome(
            workflow=workflow,
            verdict=Verdict.LOST,
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
            ref = TaskRef(workflow.project, workflow.workflow, entry.task)
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
        ending = {*self._watching, *self._guards}
        if ending:
            await asyncio.wait(ending)

    async def _begin(
        self,
        ref: TaskRef,
        launch: Launch | None,
        started: float,
        entry: RunEntry,
        *,
        since: float | None = None,
    ) -> Run:
        """Watch a task whose scope is held by the caller, who may drop it as soon as this returns."""
        await self._means.journal.hold([entry.scope])
        run = self._watch(ref, launch, started, held=True, since=since)
        if entry.doubtful:
            guard = asyncio.create_task(self._guard(entry, run), name=f"duplicates of {ref}")
            self._guards.add(guard)
            guard.add_done_callback(self._guards.discard)
        return run

    def _watch(
        self,
        ref: TaskRef,
        launch: Launch | None,
        started: float,
        *,
        own: bool = False,
        held: bool = False,
        since: float | None = None,
    ) -> Run:
        readers = Readers()
        means = attrs.evolve(self._means, emit=partial(self._emit_to, readers))
        watch = Watch(means, ref, self._means.now() if since is None else since)
        work = self._watch_to_end(watch, launch, started, own=own, held=held)
        task = asyncio.create_task(work, name=f"watch {ref}")
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)
        return Run(ref, launch, watch, task, readers)

    async def _watch_to_end(
        self, watch: Watch, launch: Launch | None, started: float, *, own: bool, held: bool
    ) -> Outcome:
        scope = watch.means.scope(watch.ref.of)
        try:
            if not held:
                await self._means.journal.hold([scope])
                held = True
            if own:
                await self._own(watch.ref)
            ending = await self._launcher.until_stopped(watch.run())
        except DetachedError:
            ending = watch.ending or Ending(verdict=Verdict.DETACHED, seen=watch.seen)
        except JournalError as failure:
            ending = watch.ending or Ending(verdict=Verdict.LOST, seen=watch.seen, error=failure)
        except Exception as fault:  # noqa: BLE001 - one watch that breaks must not end those of others
            error = _fault_of_ours(f"{watch.ref}: it is no longer watched", fault)
            ending = watch.ending or Ending(verdict=Verdict.LOST, seen=watch.seen, error=error)
        outcome = _outcome(ending, watch, launch, self._means.now() - started)
        try:
            await self._remember_end(watch, outcome)
        finally:
            if held:
                await self._means.journal.drop([scope])
        watch.emit(events.Ended(workflow=outcome.workflow, ref=outcome.ref, outcome=outcome))
        return outcome

    async def _own(self, ref: TaskRef) -> None:
        scope = self._means.scope(ref.of)
        if self._means.journal.history.of_task(scope, ref.task_id) is None:
            draft = drafts.adopted(new_run_id(), ref.task_id, sure=True)
            await self._means.journal.write(scope, draft)

    async def _remember_end(self, watch: Watch, outcome: Outcome) -> None:
        scope = self._means.scope(watch.ref.of)
        entry = self._means.journal.history.of_task(scope, watch.ref.task_id)
        if entry is None or not entry.open or not ends_run(outcome.verdict):
            return
        try:
            await self._means.journal.write(scope, drafts.finished(entry.run, outcome.verdict))
        except ZadigError as error:
            watch.emit(events.JournalFailed(workflow=watch.ref.of, ref=watch.ref, error=error))

    async def _guard(self, entry: RunEntry, run: Run) -> None:
        """Look for second tasks of a run until none can come any more."""
        try:
            await self._means.journal.hold([entry.scope])
        except ZadigError:
            return
        watching = asyncio.create_task(Duplicates(self._means, entry).watch())
        try:
            await asyncio.wait(
                {watching, asyncio.ensure_future(run.wait())}, return_when=asyncio.FIRST_COMPLETED
            )
            await asyncio.wait({watching}, timeout=self._means.policy.reconcile.window)
        finally:
            watching.cancel()
            await asyncio.wait({watching})
            if not watching.cancelled() and not isinstance(watching.exception(), DetachedError | None):
                _fault_of_ours(f"{run.ref}: duplicates are no longer looked for", watching.exception())
            await self._means.journal.drop([entry.scope])

    def _emit_to(self, readers: Readers, event: events.Event) -> None:
        readers.tell(event)
        self._emit(event)

    def _emit(self, event: events.Event) -> None:
        if self._on_event is None:
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


def _fault_of_ours(what: str, fault: BaseException | None) -> ZadigError:
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
