"""`Orchestrator`: many launches and tasks at once, each to its own outcome."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from zadig_async.client.client import ZadigClient
from zadig_async.errors import OutcomeUnknownError, ZadigError
from zadig_async.model.ids import TaskRef
from zadig_async.model.launch import Launch
from zadig_async.model.outcome import Outcome, Verdict
from zadig_async.model.status import NOT_STARTED
from zadig_async.orchestrator import events
from zadig_async.orchestrator.policy import RunPolicy
from zadig_async.orchestrator.run import Readers, Run
from zadig_async.orchestrator.trigger import prepare, trigger
from zadig_async.orchestrator.watch import Ending, Watch
from zadig_async.orchestrator.writes import GRACE, DetachedError, Permit

T = TypeVar("T")

_LOG: Final = logging.getLogger("zadig_async")


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
    ) -> None:
        """Prepare to watch.

        Args:
            zadig: The server; stays open when the orchestrator is left.
            policy: What may be done, and how patiently. By default nothing is approved.
            on_event: Receives every event of every run, in the event loop; it must not block. What it
                raises is logged and goes no further: an observer must not end a watch.
        """
        self._zadig = zadig
        self._policy = policy or RunPolicy()
        self._on_event = on_event
        self._stop = asyncio.Event()
        self._slots = asyncio.Semaphore(self._policy.concurrency)
        self._watching: set[asyncio.Task[Outcome]] = set()

    async def start(self, launch: Launch) -> Run:
        """Check a launch against the live definition, trigger it, and begin to watch it.

        Raises:
            PreflightError: It does not fit the live definition; nothing was sent.
            OutcomeUnknownError: It was sent and nothing proves what became of it.
            ConfigError: The orchestrator was detached; nothing was sent.
            ZadigError: The server could not be asked, or refused.
        """
        started = self._now()
        plan = await self._until_stopped(prepare(self._zadig, launch))
        permit = Permit(self._may_write)
        ref = await self._answer(launch, permit, trigger(self._zadig, plan, self._emit, permit))
        return self._begin(ref, launch, started)

    def attach(self, ref: TaskRef) -> Run:
        """Begin to watch a task that is already there, whoever started it."""
        return self._begin(ref, None, self._now())

    async def run(self, launch: Launch) -> Outcome:
        """Start a launch and wait for its outcome. Whatever goes wrong with it is its outcome.

        Only cancellation passes through: then a trigger under way is waited for (at most 10 seconds)
        and told as a `Launched` event, and the task goes on without us. A task that is already being
        watched is watched on until the orchestrator is left or detached.
        """
        started = self._now()
        error: ZadigError | None
        try:
            run = await self.start(launch)
        except DetachedError:
            verdict, error = Verdict.DETACHED, None
        except OutcomeUnknownError as failure:
            verdict, error = Verdict.UNKNOWN, failure
        except ZadigError as failure:
            verdict, error = Verdict.REFUSED, failure
        except Exception as fault:  # noqa: BLE001 - others are under way, and nothing was sent for this one
            verdict, error = Verdict.REFUSED, _fault_of_ours(f"{launch.ref}: it was not launched", fault)
        else:
            return await run.wait()
        outcome = Outcome(
            workflow=launch.ref, verdict=verdict, launch=launch, error=error, seconds=self._now() - started
        )
        self._emit(events.Ended(workflow=outcome.workflow, outcome=outcome))
        return outcome

    async def run_all(self, launches: Iterable[Launch]) -> list[Outcome]:
        """Run many launches, as many at once as the policy allows, and return their outcomes in order.

        One launch's error is its outcome and never touches another, not even a fault of this package.
        """
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._run_in_turn(launch)) for launch in launches]
        return [task.result() for task in tasks]

    async def _run_in_turn(self, launch: Launch) -> Outcome:
        async with self._slots:
            return await self.run(launch)

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
        if self._watching:
            await asyncio.wait(self._watching)

    def _begin(self, ref: TaskRef, launch: Launch | None, started: float) -> Run:
        readers = Readers()
        emit = partial(self._emit_to, readers)
        watch = Watch(self._zadig, ref, self._policy, emit, self._stop, self._now())
        task = asyncio.create_task(self._watch_to_end(watch, launch, started), name=f"watch {ref}")
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)
        return Run(ref, launch, watch, task, readers)

    async def _watch_to_end(self, watch: Watch, launch: Launch | None, started: float) -> Outcome:
        try:
            ending = await self._until_stopped(watch.run())
        except DetachedError:
            ending = watch.ending or Ending(verdict=Verdict.DETACHED, seen=watch.seen)
        except Exception as fault:  # noqa: BLE001 - one watch that breaks must not end those of others
            error = _fault_of_ours(f"{watch.ref}: it is no longer watched", fault)
            ending = watch.ending or Ending(verdict=Verdict.LOST, seen=watch.seen, error=error)
        outcome = _outcome(ending, watch, launch, self._now() - started)
        watch.emit(events.Ended(workflow=outcome.workflow, ref=outcome.ref, outcome=outcome))
        return outcome

    async def _until_stopped(self, work: Coroutine[Any, Any, T]) -> T:
        """Await work that `detach` cuts short; a write in it is still waited for, see `writes.finish`.

        Raises:
            DetachedError: It was cut short.
        """
        task = asyncio.create_task(work)
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        if task.cancelled():
            raise DetachedError("the orchestrator was detached")
        return task.result()

    async def _answer(self, launch: Launch, permit: Permit, write: Coroutine[Any, Any, T]) -> T:
        """Await the answer of a trigger, after `detach` or a cancellation for 10 seconds at most.

        Raises:
            DetachedError: `detach` came before it was sent.
            OutcomeUnknownError: `detach` came and no answer within that time.
        """
        task = asyncio.create_task(write)
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            permit.withdrawn = True
            if not task.done() and permit.granted:
                await asyncio.wait({task}, timeout=GRACE)
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
            if not task.cancelled():
                task.exception()  # if we are cancelled, nobody else will ask for it
        if task.cancelled():
            if not permit.granted:
                raise DetachedError("told to stop before the trigger was sent")
            raise OutcomeUnknownError(
                f"{launch.ref}: no answer to the trigger within {GRACE:g} s of being told to stop"
            )
        return task.result()

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

    def _may_write(self) -> bool:
        return not self._stop.is_set()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _fault_of_ours(what: str, fault: Exception) -> ZadigError:
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
