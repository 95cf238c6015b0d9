"""The scheduler: tasks wait for a worker, first come, first served, and a tick starts one at most.

Source: Zadig v4.1.0 common/service/workflowcontroller/queue.go:139-247.
"""

import heapq
import itertools
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping

from zadig_async.emulator.agenda import Agenda
from zadig_async.emulator.state import Task, WorkflowDef

__all__ = ["Queue", "Slots"]


class Slots:
    """Counts who is on a worker: in the whole installation, and of each workflow."""

    def __init__(self) -> None:
        self.busy = 0
        self._busy_of: Counter[str] = Counter()

    def busy_of(self, workflow_key: str) -> int:
        """How many tasks of a workflow are on workers."""
        return self._busy_of[workflow_key]

    def take(self, task: Task) -> None:
        """Put a task on a worker."""
        task.on_worker = True
        self.busy += 1
        self._busy_of[task.workflow.key] += 1

    def leave(self, task: Task) -> None:
        """Take a task from its worker, if it is on one."""
        if task.on_worker:
            task.on_worker = False
            self.busy -= 1
            self._busy_of[task.workflow.key] -= 1


class Queue:
    """The waiting tasks, one line per workflow.

    A line whose workflow is at its limit is set aside until a task of that workflow leaves its worker or a
    definition changes, so that a tick looks at those that may start and at no others.
    """

    def __init__(
        self,
        agenda: Agenda,
        slots: Slots,
        workflows: Mapping[str, WorkflowDef],
        *,
        period: float,
        workers: int,
        begin: Callable[[Task], None],
    ) -> None:
        self._agenda = agenda
        self._slots = slots
        self._workflows = workflows
        self._start = agenda.now
        self._period = period
        self._workers = workers
        self._begin = begin
        self._armed = False
        self._last_tick = 0
        self._tickets = itertools.count()
        self._lines: dict[str, OrderedDict[Task, int]] = {}
        self._heads: list[tuple[int, str]] = []
        self._set_aside: set[str] = set()
        self._perhaps_gone: set[str] = set()

    def add(self, task: Task) -> None:
        """Let a task wait at the end."""
        key = task.workflow.key
        line = self._lines.setdefault(key, OrderedDict())
        line[task] = next(self._tickets)
        if len(line) == 1:
            self._offer(key)
        if key not in self._workflows:
            self._perhaps_gone.add(key)
        self._arm()

    def remove(self, task: Task) -> None:
        """Take a task out, if it waits."""
        key = task.workflow.key
        line = self._lines.get(key)
        if line is None or task not in line:
            return
        was_first = next(iter(line)) is task
        del line[task]
        if was_first:
            self._offer(key)

    def clear(self) -> None:
        """Forget everybody."""
        self._lines.clear()
        self._heads.clear()
        self._set_aside.clear()

    def freed(self, task: Task) -> None:
        """A task has left its worker: another may start."""
        key = task.workflow.key
        if key in self._set_aside:
            self._set_aside.discard(key)
            self._offer(key)
        self._arm()

    def definitions_changed(self) -> None:
        """A definition came or changed; that may let a waiting task start."""
        aside, self._set_aside = self._set_aside, set()
        for key in aside:
            self._offer(key)
        self._arm()

    def definition_gone(self, workflow_key: str) -> None:
        """A definition was removed: at the next tick, unless it is back by then, its line is dropped."""
        self._perhaps_gone.add(workflow_key)

    def _offer(self, key: str) -> None:
        """Let the first of a line be considered again, or close the line if nobody is left in it."""
        line = self._lines[key]
        if not line:
            del self._lines[key]
            self._set_aside.discard(key)
        elif key not in self._set_aside:
            heapq.heappush(self._heads, (next(iter(line.values())), key))

    def _arm(self) -> None:
        """Plan the next tick.

        Ticks lie on a fixed grid; with nothing new to start none is needed.
        """
        if self._armed or not self._lines:
            return
        self._armed = True
        passed = int((self._agenda.now - self._start) // self._period)
        # on a fine grid a rounding error must not find the present tick still to come
        self._last_tick = max(passed, self._last_tick) + 1
        self._agenda.at(self._start + self._last_tick * self._period, self._tick)

    def _tick(self) -> None:
        self._armed = False
        self._drop_orphans()
        if self._slots.busy >= self._workers:
            return
        while self._heads:
            ticket, key = heapq.heappop(self._heads)
            line = self._lines.get(key)
            if line is None or next(iter(line.values())) != ticket:
                continue  # whoever this was does not wait any more
            limit = self._workflows[key].concurrency_limit
            if limit == -1 or self._slots.busy_of(key) < limit:
                task, _ = line.popitem(last=False)
                self._offer(key)
                self._begin(task)
                self._arm()
                return
            self._set_aside.add(key)

    def _drop_orphans(self) -> None:
        """Drop the lines of workflows that do not exist; their tasks wait for ever."""
        for key in self._perhaps_gone - self._workflows.keys():
            self._lines.pop(key, None)
            self._set_aside.discard(key)
        self._perhaps_gone.clear()
