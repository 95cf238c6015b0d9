"""Reading tasks before acting on them: a watch is patient with a server, not with a mistyped name."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from zadig_async.client.client import ZadigClient
from zadig_async.errors import ConfigError, ZadigError
from zadig_async.model.ids import TaskRef
from zadig_async.model.task import Task, TaskStatus
from zadig_async.sinks.terminal import safe
from zadig_async.wire import path

T = TypeVar("T")


async def known_tasks(zadig: ZadigClient, refs: Sequence[TaskRef]) -> list[TaskStatus]:
    """Read each task once, so that a wrong name, token or server is told at once.

    Raises:
        ConfigError: A task belongs to another project than the one named: the server does not check
            that, but approval rules match by it.
        ZadigError: A task could not be read.
    """
    for ref in refs:
        path.key("project", ref.project)  # the server does not look at it when a task is read
    seen = await _all([_named(zadig.tasks.status, ref) for ref in refs])
    for ref, status in zip(refs, seen, strict=True):
        _check_project(ref, status.project_key)
    return seen


async def known_task(zadig: ZadigClient, ref: TaskRef) -> Task:
    """Read a task in full, and check that it belongs to the project named.

    Raises:
        ConfigError: It belongs to another project.
        ZadigError: It could not be read.
    """
    path.key("project", ref.project)
    task = await _named(zadig.tasks.get, ref)
    _check_project(ref, task.project_key)
    return task


async def _named(read: Callable[[TaskRef], Coroutine[Any, Any, T]], ref: TaskRef) -> T:
    """Say in an error which task it was about: errors of calls hold no keys."""
    try:
        return await read(ref)
    except ZadigError as error:
        error.add_note(f"It was about {ref}.")
        raise


async def _all(reads: Sequence[Coroutine[Any, Any, TaskStatus]]) -> list[TaskStatus]:
    tasks = [asyncio.ensure_future(read) for read in reads]
    try:
        return [await task for task in tasks]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _check_project(ref: TaskRef, project: str) -> None:
    if project and project != ref.project:
        raise ConfigError(
            f"{ref}: this task is in the project {safe(project)!r}, not in {ref.project!r}",
            hint=f"Write {safe(project)}/{ref.workflow}#{ref.task_id}.",
        )
