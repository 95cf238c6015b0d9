"""Looking for the task of a trigger: reads the server, decides nothing."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from zadig_async.client.client import ZadigClient
from zadig_async.errors import NotFoundError, ZadigError
from zadig_async.journal.history import RunEntry
from zadig_async.model.ids import WorkflowRef
from zadig_async.model.task import TaskSummary
from zadig_async.orchestrator.recipe import params_fit
from zadig_async.orchestrator.reconcile import Baseline, Evidence, Facts, Operation, Trigger, candidates

PAGE: Final = 50
"""Tasks per page of a list."""

_MOST_PAGES: Final = 200
"""Pages read of one list before it is given up: far more than can have been made meanwhile."""

_OPERATIONS: Final = 50


async def baseline(zadig: ZadigClient, workflow: WorkflowRef) -> Baseline:
    """Read the task list before a trigger leaves.

    Raises:
        ZadigError: It could not be read.
    """
    page = await zadig.tasks.page(workflow.project, workflow.workflow, 1, PAGE)
    return Baseline.of(page.tasks)


@attrs.define(eq=False)
class Search:
    """The search for one trigger's task.

    Attributes:
        zadig: The server.
        entry: What the journal keeps of the run.
        trigger: What was sent.
        operation_log: Whether to read the operation log too.
    """

    zadig: ZadigClient
    entry: RunEntry
    trigger: Trigger
    operation_log: bool = False
    _facts: dict[int, Facts] = attrs.field(init=False, factory=dict)
    _account: str = attrs.field(init=False, default="")

    async def look(self) -> Evidence:
        """Read the server once. What cannot be read is no evidence, and no error."""
        try:
            tasks, anchored = await self._list()
        except ZadigError:
            return Evidence(operation=await self._operation(), read=False)
        for task in candidates(self.trigger, tasks):
            if task not in self._facts:
                await self._read_facts(task)
        return Evidence(
            tasks=tasks, anchored=anchored, facts=dict(self._facts), operation=await self._operation()
        )

    async def _list(self) -> tuple[tuple[TaskSummary, ...], bool]:
        workflow = self.entry.scope.workflow
        found: dict[int, TaskSummary] = {}
        for number in range(1, _MOST_PAGES + 1):
            page = await self.zadig.tasks.page(workflow.project, workflow.workflow, number, PAGE)
            before = len(found)
            found.update((task.task_id, task) for task in page.tasks)
            tasks = tuple(found.values())
            if self.trigger.baseline.reached_by(tasks):
                return tasks, True
            if not page.tasks or len(found) >= page.total or len(found) == before:
                whole = len(found) >= page.total
                return tasks, whole and any(task in self.trigger.baseline.anchors for task in found)
        return tuple(found.values()), False

    async def _read_facts(self, task_id: int) -> None:
        try:
            task = await self.zadig.tasks.get(self.entry.ref_of(task_id))
            params, jobs = task.params, tuple(task.jobs())
        except NotFoundError:
            return
        except ZadigError:
            return  # read again at the next look
        marked = next((param.reveal() for param in params if param.name == self.trigger.marker), None)
        self._facts[task_id] = Facts(
            marked=marked,
            jobs=frozenset(job.origin_name for job in jobs if job.origin_name),
            params_fit=params_fit(self.entry.recipe, self.entry.run, params) if self.entry.recipe else True,
        )

    async def _operation(self) -> Operation:
        if not self.operation_log or not self.trigger.account:
            return Operation.SILENT
        try:
            page = await self.zadig.operations.page(self.trigger.account, 1, _OPERATIONS)
        except ZadigError:
            return Operation.SILENT
        for operation in page.operations:
            # The log keeps the body as it came, so the id stands in it as it was sent.
            if self.entry.run in operation.request_body:
                if operation.status == 0:
                    return Operation.UNDER_WAY
                return Operation.DONE if 200 <= operation.status < 300 else Operation.REFUSED
        return Operation.SILENT


def tasks_of(entries: Iterable[RunEntry]) -> frozenset[int]:
    """Return the numbers of all tasks of some runs, second ones included."""
    return frozenset(task for each in entries for task in (each.task, *each.duplicates) if task is not None)


def trigger_of(entry: RunEntry, *, taken: frozenset[int], rivals: int) -> Trigger:
    """Return what is known of a run's trigger from its journal.

    Of several triggers the first one's baseline holds: any of them may have made the task.

    Args:
        entry: The run; at least one of its triggers may have left.
        taken: Numbers of tasks that belong to other runs.
        rivals: How many other runs of the workflow have no answer.
    """
    first: Mapping[str, Any] = entry.sent[0].data
    last: Mapping[str, Any] = entry.sent[-1].data
    return Trigger(
        run=entry.run,
        marker=last["marker"],
        account=last["account"],
        jobs=frozenset(last["jobs"]),
        baseline=Baseline(
            highest=first["highest"], anchors=frozenset(first["anchors"]), newest=first["newest"]
        ),
        taken=taken,
        rivals=rivals,
    )
