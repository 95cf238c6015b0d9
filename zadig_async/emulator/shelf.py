"""Every task of a world: found by workflow and number, and kept in the orders that lists show."""

import bisect
from collections.abc import Iterator

import attrs

from zadig_async.emulator.state import Task

__all__ = ["Shelf"]


def _age(task: Task) -> tuple[int, int]:
    # the server sorts by create_time alone; within a second, here the newest id is first
    return int(task.created), task.id


@attrs.define
class _Visible:
    """The tasks of one workflow that lists show."""

    as_created: list[Task] = attrs.field(factory=list)
    oldest_first: list[Task] = attrs.field(factory=list)


class Shelf:
    """All tasks, those of deleted workflows included."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self._first: dict[tuple[str, int], Task] = {}
        self._visible: dict[tuple[str, str], _Visible] = {}

    def __iter__(self) -> Iterator[Task]:
        return iter(self.tasks)

    def add(self, task: Task) -> None:
        """Keep a new task."""
        task.serial = len(self.tasks)
        self.tasks.append(task)
        self._first.setdefault((task.workflow.key, task.id), task)
        shown = self._visible.setdefault((task.workflow.project, task.workflow.key), _Visible())
        shown.as_created.append(task)
        bisect.insort(shown.oldest_first, task, key=_age)

    def find(self, workflow_key: str, task_id: int) -> Task | None:
        """A task by workflow and id; after a delete and re-create the older one, as on the server."""
        return self._first.get((workflow_key, task_id))

    def as_created(self, project: str, workflow_key: str) -> list[Task]:
        """The visible tasks of a workflow in the order they were created. Not to be changed."""
        shown = self._visible.get((project, workflow_key))
        return shown.as_created if shown is not None else []

    def oldest_first(self, project: str, workflow_key: str) -> list[Task]:
        """The visible tasks of a workflow by creation second, then id. Not to be changed."""
        shown = self._visible.get((project, workflow_key))
        return shown.oldest_first if shown is not None else []

    def hide(self, workflow_key: str) -> None:
        """Hide the tasks of a workflow from lists, in whichever project they ran."""
        for place in [place for place in self._visible if place[1] == workflow_key]:
            del self._visible[place]
