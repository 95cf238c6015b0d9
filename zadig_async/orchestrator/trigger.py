"""Starting one launch: check it, write down that it is meant, send it once, find out what became of it."""

import asyncio
import logging
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

import attrs

from zadig_async.client.client import ZadigClient
from zadig_async.errors import (
    ApiError,
    ConnectError,
    JournalError,
    OutcomeUnknownError,
    RateLimitedError,
    RejectedError,
    ZadigError,
)
from zadig_async.journal import drafts
from zadig_async.journal.history import RunEntry
from zadig_async.journal.records import Draft
from zadig_async.model.ids import TaskRef, WorkflowRef
from zadig_async.model.launch import Launch
from zadig_async.model.status import Phase
from zadig_async.orchestrator import events, reconcile
from zadig_async.orchestrator.cadence import back_off
from zadig_async.orchestrator.duplicates import Duplicates
from zadig_async.orchestrator.means import Means, kept_of
from zadig_async.orchestrator.reconcile import (
    Absent,
    Adopt,
    Baseline,
    KeepLooking,
    Refused,
    Trigger,
    Undecidable,
)
from zadig_async.orchestrator.search import Search, baseline, tasks_of, trigger_of
from zadig_async.orchestrator.writes import NEVER_SENT, DetachedError, Permit

if TYPE_CHECKING:
    from zadig_async.orchestrator.preflight import Plan

RESEND_FOR: Final = 60.0
"""Seconds for which a trigger that provably never left is sent again. The definition it was checked against
gets old meanwhile."""

_LOOK_AT_LEAST: Final = 20.0
"""Seconds for which a resumed run's task is looked for, however long ago its trigger left: the server may
have been down for just as long."""

_NOT_QUEUED: Final = 6160
"""Zadig makes the task before it queues it, so a task can exist although this says no
(Zadig v4.1.0 .../workflowcontroller/queue.go:75-103)."""

_MARKABLE: Final = frozenset({"string", "text"})

_LOG: Final = logging.getLogger("zadig_async")


async def prepare(zadig: ZadigClient, launch: Launch) -> "Plan":
    """Read what the launch depends on and check it. Sends nothing that changes anything.

    Raises:
        PreflightError: The launch does not fit the live definition; holds every finding.
        NotFoundError: There is no such workflow.
        TransportError: The server did not answer.
    """
    from zadig_async.orchestrator import preflight  # noqa: PLC0415 - knows every input class; watching needs none

    workflow = await zadig.workflows.get(launch.project, launch.workflow)
    listed = await zadig.workflows.list(launch.project)
    registries = await zadig.registries.list() if preflight.needs_registries(launch, workflow) else ()
    return preflight.plan(launch, workflow, listed, registries)


def marker_of(plan: "Plan", name: str) -> str:
    """Return the name of the workflow variable that can carry a run's id, or an empty string.

    It is not used where the launch sets it itself, or where it is of a type that does not take any text.
    """
    if not name or name in plan.launch.params:
        return ""
    return name if any(p.name == name and p.type in _MARKABLE for p in plan.workflow.params) else ""


@attrs.define(eq=False)
class Starter:
    """Brings one run from its intent to its task.

    Attributes:
        means: What we work with; the workflow's scope is held.
        entry: The run.
        permit: Asked right before each trigger is sent.
        plan: The launch as checked, or None where a run is resumed whose values are not to be had: then
            nothing can be sent.
    """

    means: Means
    entry: RunEntry
    permit: Permit
    plan: "Plan | None" = None
    _why: str = attrs.field(init=False, default="")

    async def start(self) -> TaskRef:
        """Send the launch, or find out what became of it where it was sent before, and return its task.

        Raises:
            DetachedError: Nothing may be sent any more, and nothing was.
            HaltedError: The kill switch is pulled, and nothing was sent.
            OutcomeUnknownError: It was sent and nothing proves what became of it.
            ApiError: Zadig refused it.
            ConnectError: It was never sent, however often that was tried.
            JournalError: It could not be written down, so it was not sent.
        """
        marker = self._marker()
        async with nullcontext() if marker else self.means.journal.turns.of(self.entry.scope):
            self._refuse_what_is_done()
            if self.entry.unresolved:
                task = await self._find_out("the program ended before the answer came")
                if task is not None:
                    return task
            while True:
                task = await self._send_until_gone(marker)
                if task is None:
                    task = await self._find_out(self._why)
                if task is not None:
                    return task
                await self._write(drafts.absent(self.entry.run))
                attempt = len(self.entry.sent) + 1
                self._emit(events.LaunchRepeated(workflow=self.workflow, attempt=attempt))

    def _refuse_what_is_done(self) -> None:
        """Refuse a run that has its task already, or has come to its end."""
        if self.entry.task is not None or not self.entry.open:
            raise JournalError(f"{self.workflow}: the run {self.entry.run} was sent before")

    @property
    def workflow(self) -> WorkflowRef:
        """The workflow to run."""
        return self.entry.scope.workflow

    def _marker(self) -> str:
        if self.entry.sent:
            return str(self.entry.sent[-1].data["marker"])
        return marker_of(self.plan, self.means.policy.reconcile.marker) if self.plan is not None else ""

    @property
    def _account(self) -> str:
        return self.means.policy.reconcile.account or self.means.zadig.account

    async def _send_until_gone(self, marker: str) -> TaskRef | None:
        """Send until it has left, and return its task, or None where no clear answer came."""
        began, failures = self.means.now(), 0
        while True:
            try:
                return await self._send(marker)
            except (ConnectError, RateLimitedError) as error:
                failures += 1
                asked = getattr(error, "retry_after", None)
                wait = max(back_off(failures, every=1.0), asked or 0.0)
                if self.means.now() + wait - began >= RESEND_FOR:
                    raise
            await self.means.pause(wait)

    async def _send(self, marker: str) -> TaskRef | None:
        plan = self.plan
        if plan is None:
            raise AssertionError("a run without its launch is never sent")
        self.permit.guard()
        self.permit.granted = False  # of the attempt before, if there was one, nothing left
        before = await baseline(self.means.zadig, self.workflow)
        await self.means.journal.renew(self.entry.scope)
        run = self.entry.run
        attempt = len(self.entry.sent) + 1
        details = {"run": run, "attempt": attempt, "jobs": list(plan.inputs), "account": self._account}
        await self.means.record("trigger.sending", self.workflow, details)
        draft = drafts.sent(
            run,
            attempt=attempt,
            highest=before.highest,
            anchors=sorted(before.anchors),
            newest=before.newest,
            marker=marker,
            account=self._account,
            jobs=list(plan.inputs),
        )
        writing = asyncio.ensure_future(self._write(draft))
        try:
            await asyncio.shield(writing)
            return await self._post(plan, marker, before)
        except asyncio.CancelledError:
            await asyncio.wait({writing})  # cancelled or not, it is written; then so is that nothing left
            if not self.permit.granted and len(self.entry.sent) == attempt:
                await self._remember(drafts.not_sent(run, "cancelled"), "trigger.not-sent")
            raise

    async def _post(self, plan: "Plan", marker: str, before: Baseline) -> TaskRef | None:
        run = self.entry.run
        self._emit(events.Launching(workflow=self.workflow, jobs=tuple(plan.inputs)))
        params = {**plan.launch.params, marker: run} if marker else plan.launch.params
        try:
            ref = await self.means.zadig.tasks.create(
                self.workflow.project,
                self.workflow.workflow,
                params=params,
                inputs=plan.inputs,
                before_send=self.permit,
                tag=run if self.means.policy.reconcile.operation_log else None,
            )
        except (*NEVER_SENT, RateLimitedError) as error:
            # A 429 is a gateway's, which has passed nothing on.
            await self._remember(drafts.not_sent(run, type(error).__name__), "trigger.not-sent")
            raise
        except OutcomeUnknownError as error:
            await self._unanswered(str(error))
            return None
        except ApiError as error:
            ref = await self._ghost(error)
        except ZadigError as error:
            # A fault of the launch itself, found while its request was put together.
            if self.permit.granted:
                await self._unanswered(str(error))
                return None
            await self._refused(error)
            raise
        except Exception as fault:
            if not self.permit.granted:
                await self._remember(drafts.not_sent(run, type(fault).__name__), "trigger.not-sent")
                raise
            _LOG.exception("a fault of this package in the trigger of %s", self.workflow)
            await self._unanswered(f"a fault of this package ({type(fault).__name__}) hid the answer")
            return None
        if ref.task_id <= before.highest:
            # A cached answer, or the workflow was made anew: then its numbers prove nothing.
            await self._unanswered(f"the answer names {ref}, which was there before")
            return None
        await self._remember(drafts.accepted(run, ref.task_id), "trigger.accepted")
        self._emit(events.Launched(workflow=self.workflow, ref=ref))
        return ref

    async def _unanswered(self, why: str) -> None:
        self._why = why
        await self._remember(drafts.unknown(self.entry.run, "no clear answer"), "trigger.unanswered")
        self._emit(events.LaunchUnanswered(workflow=self.workflow, reason=why))

    async def _refused(self, error: ZadigError) -> None:
        await self._remember(drafts.refused(self.entry.run, kept_of(error)), "trigger.refused")

    async def _ghost(self, error: ApiError) -> TaskRef:
        """Return the task of a trigger that was refused and was made all the same.

        Raises:
            ApiError: The refusal, where there is none, or where it waited for ever and was cancelled.
        """
        if error.code == _NOT_QUEUED or error.status >= 500:
            search = self._search()
            found = reconcile.decide(
                search.trigger, await search.look(), elapsed=0.0, window=self.means.policy.reconcile.window
            )
            if isinstance(found, Adopt):
                ref = self.entry.ref_of(found.task)
                if not found.sure:
                    # Zadig said no: then the word of a likeness counts for nothing.
                    error.add_note(f"{ref} looks like it, and may be somebody else's. Look at it.")
                elif await self._has_started(ref):
                    return ref
                else:
                    reason = "Zadig refused it, and has made the task all the same"
                    await self._duplicates().found(ref, of=None, sure=True, reason=reason)
                    error.add_note(f"Zadig has made {ref} all the same.")
        await self._refused(error)
        raise error

    async def _has_started(self, ref: TaskRef) -> bool:
        try:
            return (await self.means.zadig.tasks.status(ref)).phase is not Phase.QUEUED
        except ZadigError:
            return False

    async def _find_out(self, why: str) -> TaskRef | None:
        """Look for the task of a trigger that may have left.

        Returns:
            The task, or None where there is none and the launch may be sent once more.

        Raises:
            OutcomeUnknownError: Nothing proves what became of it, or we were told to stop looking.
            RejectedError: The operation log says that Zadig refused it.
        """
        search, window = self._search(), self.means.policy.reconcile.window
        began, already, looks = self.means.now(), 0.0, 0
        if not self.permit.granted:
            # By the store's clock for what an earlier process has sent; it may have jumped, so some of the
            # time has to pass here too, by a clock that never does.
            passed = max(0.0, self.means.wall() - self.entry.sent[-1].at)
            already = min(passed, max(0.0, window - _LOOK_AT_LEAST))
        while True:
            evidence = await search.look()
            search.trigger = self._trigger()  # others may have been told apart meanwhile
            elapsed = already + self.means.now() - began
            decision = reconcile.decide(search.trigger, evidence, elapsed=elapsed, window=window)
            match decision:
                case Adopt():
                    return await self._adopt(decision)
                case KeepLooking():
                    looks += 1
                case Refused():
                    error = RejectedError(
                        f"{self.workflow}: the operation log says that Zadig refused the trigger", status=0
                    )
                    await self._refused(error)
                    raise error
                case Absent() if self._may_repeat(search):
                    return None
                case Absent():
                    await self._give_up(f"no task has come of it within {window:g} s", why)
                case Undecidable():
                    await self._give_up(decision.why, why, decision.candidates)
            wait, left = reconcile.next_wait(looks), window - elapsed
            try:
                await self.means.pause(min(wait, left) if left > 0 else wait)
            except DetachedError:
                raise OutcomeUnknownError(
                    f"{self.workflow}: {why}; we were told to stop before its task was found"
                ) from None

    def _may_repeat(self, search: Search) -> bool:
        policy = self.means.policy.reconcile
        return (
            policy.when_absent == "retrigger"
            and bool(search.trigger.marker)
            and len(self.entry.sent) < policy.attempts
            and self.plan is not None
        )

    async def _adopt(self, found: Adopt) -> TaskRef:
        ref = self.entry.ref_of(found.task)
        await self._remember(drafts.adopted(self.entry.run, found.task, sure=found.sure), "trigger.adopted")
        self._emit(events.Adopted(workflow=self.workflow, ref=ref, sure=found.sure))
        for task in found.duplicates:
            await self._duplicates().found(
                self.entry.ref_of(task), of=ref, sure=True, reason="it carries the same run id"
            )
        return ref

    async def _give_up(self, what: str, why: str, tasks: tuple[int, ...] = ()) -> None:
        await self._remember(drafts.unknown(self.entry.run, what, final=True), "trigger.unknown")
        perhaps = f" ({', '.join(str(self.entry.ref_of(task)) for task in tasks)})" if tasks else ""
        raise OutcomeUnknownError(f"{self.workflow}: {why}; {what}{perhaps}")

    def _trigger(self) -> Trigger:
        history = self.means.journal.history
        others = [each for each in history.of_scope(self.entry.scope) if each is not self.entry]
        rivals = sum(each.unresolved for each in others)
        return trigger_of(self.entry, taken=tasks_of(others), rivals=rivals)

    def _search(self) -> Search:
        return Search(
            self.means.zadig,
            self.entry,
            self._trigger(),
            operation_log=self.means.policy.reconcile.operation_log,
        )

    def _duplicates(self) -> Duplicates:
        return Duplicates(self.means, self.entry)

    def _emit(self, event: events.Event) -> None:
        self.means.emit(event)

    async def _write(self, draft: Draft) -> None:
        await self.means.journal.write(self.entry.scope, draft)

    async def _remember(self, draft: Draft, what: str) -> None:
        await self.means.remember(self.workflow, draft, what, {"run": self.entry.run})
