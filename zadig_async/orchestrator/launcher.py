"""`Launcher`: from launches to their tasks, with the intent of each written down first."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from zadig_async.errors import (
    ApiError,
    ConfigError,
    JournalError,
    OutcomeUnknownError,
    PreflightError,
    RateLimitedError,
    ServerError,
    ZadigError,
)
from zadig_async.journal import drafts
from zadig_async.journal.digest import new_run_id
from zadig_async.journal.history import RunEntry
from zadig_async.journal.records import Draft, Scope
from zadig_async.model.ids import TaskRef
from zadig_async.model.launch import Launch
from zadig_async.orchestrator.means import Means, kept_of
from zadig_async.orchestrator.recipe import recipe
from zadig_async.orchestrator.trigger import Starter, prepare
from zadig_async.orchestrator.writes import GRACE, DetachedError, Permit

if TYPE_CHECKING:
    from zadig_async.orchestrator.preflight import Plan

T = TypeVar("T")

_LOG: Final = logging.getLogger("zadig_async")


class MissingValuesError(ConfigError):
    """A launch that was never sent needs its variables and inputs once more; nothing was sent."""


@attrs.frozen
class Launcher:
    """Starts launches.

    Attributes:
        means: What we work with.
    """

    means: Means
    _sending: "set[asyncio.Task[TaskRef]]" = attrs.field(init=False, factory=set)

    async def join(self) -> None:
        """Wait for the triggers under way; whoever calls it has told them to stop."""
        if self._sending:
            await asyncio.wait(self._sending)

    async def intend(
        self, launches: Sequence[Launch], *, origin: Mapping[str, Any]
    ) -> list[RunEntry | ZadigError]:
        """Hold the workflows and write down what is meant, all of it before anything is sent.

        The scope of each run that was written down is held, and the run taken up; whoever ends it calls
        `release`.

        Args:
            launches: What to run.
            origin: Where they came from, as JSON values without secrets.

        Returns:
            For each launch its run, or why it must not be started.
        """
        batch = new_run_id()
        runs: list[RunEntry | ZadigError | str] = []
        writes: list[tuple[Scope, Draft]] = []
        try:
            await self._hold_all(launches, batch, origin, runs, writes)
            await self.means.journal.write_all(writes)
        except ZadigError as error:
            await self._drop_all(writes)
            return [error if isinstance(run, str) else run for run in runs]
        except BaseException:
            await self._drop_all(writes)
            raise
        history = self.means.journal.history
        entries = [history.runs[run] if isinstance(run, str) else run for run in runs]
        for entry in entries:
            if isinstance(entry, RunEntry):
                self.means.journal.take_up(entry.run)
        return entries

    async def release(self, entry: RunEntry) -> None:
        """Lay a run down and drop its scope."""
        self.means.journal.lay_down(entry.run)
        await self.means.journal.drop([entry.scope])

    async def _drop_all(self, writes: Sequence[tuple[Scope, Draft]]) -> None:
        for scope, _ in writes:
            await self.means.journal.drop([scope])

    async def _hold_all(
        self,
        launches: Sequence[Launch],
        batch: str,
        origin: Mapping[str, Any],
        runs: list[RunEntry | ZadigError | str],
        writes: list[tuple[Scope, Draft]],
    ) -> None:
        """Hold the scope of each launch, and put together what is to be written."""
        for launch in launches:
            scope = self.means.scope(launch.ref)
            try:
                self._refuse_halted(launch)
                await self.means.journal.hold([scope])
            except ZadigError as error:
                runs.append(error)
                continue
            doubt = next((e for e in self.means.journal.history.of_scope(scope) if e.unresolved), None)
            if doubt is not None:
                await self.means.journal.drop([scope])
                runs.append(self._unresolved(doubt))
                continue
            run = new_run_id()
            runs.append(run)
            writes.append((scope, drafts.intent(run, recipe(launch, run), batch=batch, origin=origin)))

    def _refuse_halted(self, launch: Launch) -> None:
        halt = self.means.halt(f"{launch.ref}: not launched")
        if halt is not None:
            raise halt

    def _unresolved(self, entry: RunEntry) -> JournalError:
        return JournalError(
            f"{entry.scope.workflow}: what became of an earlier launch is not known (run {entry.run}), "
            "so this one could be a second deployment",
            hint="Resume the journal: the task is then looked for again. "
            "If you know what became of it, say so: zadig-async journal settle.",
        )

    async def launch(self, entry: RunEntry, launch: Launch | None) -> TaskRef:
        """Bring a run to its task.

        Args:
            entry: The run; its scope is held.
            launch: The launch, or None where its values are not to be had.

        Raises:
            PreflightError: It does not fit the live definition; nothing was sent.
            DetachedError: We were told to stop, and nothing was sent.
            OutcomeUnknownError: It was sent and nothing proves what became of it.
            ZadigError: The server could not be asked, or refused.
        """
        try:
            plan = await self._plan(entry, launch)
        except ZadigError as error:
            if _is_refusal(error):
                await self._refused(entry, error)
            raise
        permit = self.means.permit(entry.scope.workflow)
        starter = Starter(self.means, entry, permit, plan)
        return await self._answer(entry, permit, starter.start())

    async def _plan(self, entry: RunEntry, launch: Launch | None) -> "Plan | None":
        if launch is None:
            if entry.unresolved:
                return None
            raise MissingValuesError(
                f"{entry.scope.workflow}: the journal holds no values of variables and inputs",
                hint="Give them again: the same file, or the same --param and --input-file.",
            )
        if not entry.unresolved:
            return await self.until_stopped(prepare(self.means.zadig, launch))
        # Only needed if it has to be sent once more; where it no longer fits, it will not be.
        with suppress(ZadigError):
            return await self.until_stopped(prepare(self.means.zadig, launch))
        return None

    async def _refused(self, entry: RunEntry, error: ZadigError) -> None:
        await self.means.remember(entry.scope.workflow, drafts.refused(entry.run, kept_of(error)))

    async def until_stopped(self, work: Coroutine[Any, Any, T]) -> T:
        """Await work that is cut short when we are told to stop; a write in it is still waited for.

        Raises:
            DetachedError: It was cut short.
        """
        task = asyncio.create_task(work)
        stopped = asyncio.create_task(self.means.stop.wait())
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

    async def _answer(self, entry: RunEntry, permit: Permit, write: Coroutine[Any, Any, TaskRef]) -> TaskRef:
        """Await the answer of a trigger, after `stop` or a cancellation for 10 seconds at most.

        Raises:
            DetachedError: `stop` came before it was sent.
            OutcomeUnknownError: `stop` came and no answer within that time.
        """
        task = asyncio.create_task(write)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        stopped = asyncio.create_task(self.means.stop.wait())
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
            if not permit.granted and not entry.unresolved:
                raise DetachedError("told to stop before the trigger was sent")
            raise OutcomeUnknownError(
                f"{entry.scope.workflow}: no answer to the trigger within {GRACE:g} s of being told to stop"
            )
        error = task.exception()
        if error is not None and entry.unresolved and not isinstance(error, OutcomeUnknownError):
            # Whatever stopped the search: a trigger has left, and a task may exist.
            raise _unknown(entry, error)
        return task.result()


def _unknown(entry: RunEntry, error: BaseException) -> OutcomeUnknownError:
    if isinstance(error, ZadigError):
        why = str(error)
    else:
        _LOG.error("a fault of this package after a trigger of %s", entry.scope.workflow, exc_info=error)
        why = f"a fault of this package ({type(error).__name__})"
    return OutcomeUnknownError(f"{entry.scope.workflow}: a trigger has left and has no answer; then {why}")


def _is_refusal(error: ZadigError) -> bool:
    """Whether asking again later would bring the same answer."""
    if isinstance(error, PreflightError) or type(error) is ConfigError:
        return True
    return isinstance(error, ApiError) and not isinstance(error, ServerError | RateLimitedError)
