"""Which tasks a task list shows and in which order, with the quirks a scenario asks for.

Source: Zadig v4.1.0 common/repository/mongodb/workflow_task_v4.go:422-485.
"""

import random

from zadig_async.emulator.script import Script
from zadig_async.emulator.shelf import Shelf
from zadig_async.emulator.state import Task

__all__ = ["Listing"]


class Listing:
    """Cuts pages out of a shelf."""

    def __init__(self, shelf: Shelf, script: Script) -> None:
        self._shelf = shelf
        self._script = script
        # the same shuffles in every run, others in every request
        self._random = random.Random(0)  # noqa: S311 - nothing secret depends on it

    def page(
        self, project: str, workflow_key: str, number: int, size: int, now: float
    ) -> tuple[int, list[Task]]:
        """How many tasks there are, and those of one page, newest first.

        A `number` below 1 means no order and no limit, a `size` below 1 one page of everything.
        """
        if number < 1:
            tasks = self._shown(self._shelf.as_created(project, workflow_key), now)
            return len(tasks), tasks
        tasks = self._shown(self._shelf.oldest_first(project, workflow_key), now)
        if self._script.list_shuffles_ties:
            tasks = sorted(tasks, key=lambda task: (int(task.created), self._random.random()))
        total = len(tasks)
        cap = self._script.list_page_cap
        if cap and not 0 < size <= cap:
            size = cap
        if size < 1:
            return total, tasks[::-1]
        newest, oldest = total - (number - 1) * size, total - number * size
        return total, tasks[max(oldest, 0) : max(newest, 0)][::-1]

    def _shown(self, tasks: list[Task], now: float) -> list[Task]:
        hidden, every = self._script.list_hides_new, self._script.list_hides_every
        if not hidden:
            return tasks
        return [task for task in tasks if now - task.created >= hidden or task.id % every]
