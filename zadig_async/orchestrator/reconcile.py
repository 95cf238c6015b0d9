"""`decide`: what became of a trigger whose answer is not known. Pure: evidence in, decision out.

Zadig has no idempotency key, so a trigger cannot be sent twice to be safe. What can be done: look for the
task it made, for as long as a request can still be under way, and believe that there is none only where the
list provably is the list that was read before the trigger left.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum, unique
from typing import Final

import attrs

from zadig_async.model.task import TaskSummary

WAITS: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between two looks; the last one repeats."""

_EXTENSIONS: Final = 2.0
"""How many times the window a look-out may last where the operation log says that more is to come."""


@attrs.frozen(kw_only=True)
class Baseline:
    """The task list as it was right before a trigger left.

    Attributes:
        highest: Highest task number, or 0.
        anchors: Task numbers by which a later list is known to be the same.
        newest: When the newest task was made, in Unix seconds of the server, or None.
    """

    highest: int = 0
    anchors: frozenset[int] = frozenset()
    newest: float | None = None

    @classmethod
    def of(cls, tasks: Sequence[TaskSummary]) -> "Baseline":
        """Return the baseline of a list's first page."""
        made = [task.created_at.timestamp() for task in tasks if task.created_at is not None]
        return cls(
            highest=max((task.task_id for task in tasks), default=0),
            anchors=frozenset(task.task_id for task in tasks),
            newest=max(made, default=None),
        )

    def reached_by(self, tasks: Sequence[TaskSummary]) -> bool:
        """Whether a list, newest first, goes down to tasks known before, past all that could be newer.

        An anchor alone is not enough: within one second the server orders tasks at will, and pages of the
        list may fall between them.
        """
        if not any(task.task_id in self.anchors for task in tasks):
            return False
        return self.newest is None or any(
            task.created_at is not None and task.created_at.timestamp() < self.newest for task in tasks
        )


@attrs.frozen(kw_only=True)
class Trigger:
    """What is known of the trigger.

    Attributes:
        run: The run's id.
        marker: Name of the workflow variable that carries the run's id, or empty where there is none.
        account: Display name under which its task stands, or empty where it is not known.
        jobs: Configured names of the jobs that run.
        baseline: The list before.
        taken: Numbers of tasks that belong to other runs of ours.
        rivals: How many other triggers of ours on this workflow have no answer.
    """

    run: str
    marker: str = ""
    account: str = ""
    jobs: frozenset[str] = frozenset()
    baseline: Baseline = Baseline()
    taken: frozenset[int] = frozenset()
    rivals: int = 0


@attrs.frozen(kw_only=True)
class Facts:
    """What a candidate's detail says.

    Attributes:
        marked: The value of the marker variable, or None where the task has none.
        jobs: Configured names of the jobs it runs.
        params_fit: Whether the variables a launch has set have the values it has set.
    """

    marked: str | None = None
    jobs: frozenset[str] = frozenset()
    params_fit: bool = True


@unique
class Operation(StrEnum):
    """What the server's operation log says of the trigger."""

    SILENT = "silent"
    """Nothing, or it cannot be read: no evidence."""
    UNDER_WAY = "under way"
    """It arrived and is not answered yet, or the server died over it."""
    DONE = "done"
    """It was answered with success."""
    REFUSED = "refused"
    """It was answered with an error."""


@attrs.frozen(kw_only=True)
class Evidence:
    """One look at the server.

    Attributes:
        tasks: The list, newest first, as far down as it was read.
        anchored: Whether it provably is the list of before, read far enough.
        facts: What the details of candidates say, by task number; those not read are absent.
        operation: What the operation log says.
        read: Whether the list could be read at all.
    """

    tasks: tuple[TaskSummary, ...] = ()
    anchored: bool = False
    facts: Mapping[int, Facts] = attrs.field(factory=dict)
    operation: Operation = Operation.SILENT
    read: bool = True


@attrs.frozen(kw_only=True)
class Adopt:
    """This task is the trigger's.

    Attributes:
        task: Its number.
        sure: Whether it carries the run's id; else it is the only one it can be.
        duplicates: Further tasks that carry the run's id too.
    """

    task: int
    sure: bool
    duplicates: tuple[int, ...] = ()


@attrs.frozen(kw_only=True)
class KeepLooking:
    """Nothing can be said yet. Attributes: why, in words."""

    why: str


@attrs.frozen(kw_only=True)
class Absent:
    """No task came of it: the list is whole and the time in which one could come is over."""


@attrs.frozen(kw_only=True)
class Refused:
    """The operation log says that the server answered with an error, and there is no task."""


@attrs.frozen(kw_only=True)
class Undecidable:
    """The time is over and nothing proves it either way.

    Attributes:
        why: In words.
        candidates: Tasks that may be it.
    """

    why: str
    candidates: tuple[int, ...] = ()


Decision = Adopt | KeepLooking | Absent | Refused | Undecidable


def candidates(trigger: Trigger, tasks: Collection[TaskSummary]) -> tuple[int, ...]:
    """Return the numbers of the tasks whose details are worth reading, in order."""
    return tuple(
        sorted(
            task.task_id
            for task in tasks
            if task.task_id > trigger.baseline.highest
            and task.task_id not in trigger.taken
            # With a marker the account says nothing more, and a display name may have changed meanwhile.
            and (trigger.marker or trigger.account in {"", task.creator})
        )
    )


def decide(trigger: Trigger, evidence: Evidence, *, elapsed: float, window: float) -> Decision:
    """Decide about a trigger whose answer is not known.

    Args:
        trigger: What was sent.
        evidence: What the server shows now.
        elapsed: Seconds since it was sent.
        window: Seconds for which a request may be under way.
    """
    found = candidates(trigger, evidence.tasks)
    unread = [task for task in found if task not in evidence.facts]
    over = elapsed >= window
    if not evidence.read or unread:
        # One failed read at the end of the window is no reason to give up a task that is there.
        over = elapsed >= window * _EXTENSIONS
    if trigger.marker:
        ours = [
            task for task in found if task in evidence.facts and evidence.facts[task].marked == trigger.run
        ]
        if ours:
            return Adopt(task=ours[0], sure=True, duplicates=tuple(ours[1:]))
    elif fitting := [
        task for task in found if task in evidence.facts and _fits(trigger, evidence.facts[task])
    ]:
        alone = not unread and len(fitting) == 1 and trigger.account and not trigger.rivals
        if alone and evidence.operation is not Operation.REFUSED:
            return Adopt(task=fitting[0], sure=False)
        if over:
            return Undecidable(
                why=_why_not(trigger, len(fitting), refused=evidence.operation is Operation.REFUSED),
                candidates=tuple(fitting),
            )
        return KeepLooking(why="a task may be it")
    if unread:
        return (
            Undecidable(why="the details of new tasks cannot be read", candidates=tuple(unread))
            if over
            else KeepLooking(why="the details of new tasks could not be read yet")
        )
    if not evidence.read:
        return (
            Undecidable(why="the task list cannot be read")
            if over
            else KeepLooking(why="the task list could not be read yet")
        )
    return _none_found(evidence, elapsed=elapsed, window=window)


def _none_found(evidence: Evidence, *, elapsed: float, window: float) -> Decision:
    if evidence.operation is Operation.REFUSED:
        return Refused()
    more_to_come = evidence.operation in {Operation.UNDER_WAY, Operation.DONE}
    if elapsed < window * (_EXTENSIONS if more_to_come else 1.0):
        return KeepLooking(why="no task has appeared yet")
    if more_to_come:
        return Undecidable(why=f"the operation log says that it is {evidence.operation}, and no task appears")
    if not evidence.anchored:
        return Undecidable(why="the task list cannot be trusted: it shows none of the tasks known before")
    return Absent()


def _fits(trigger: Trigger, facts: Facts) -> bool:
    """Whether nothing speaks against a task; that nothing does is no proof."""
    return facts.params_fit and (not facts.jobs or facts.jobs <= trigger.jobs)


def _why_not(trigger: Trigger, count: int, *, refused: bool) -> str:
    if trigger.rivals:
        return "another launch of ours on this workflow has no answer either"
    if refused:
        return "the operation log says that it was refused, and yet a new task may be it"
    if count > 1:
        return f"{count} new tasks may be it"
    return "a new task may be it, but this token does not say whose account it is"


def next_wait(looks: int) -> float:
    """Return the seconds to wait after so many looks."""
    return WAITS[min(looks, len(WAITS)) - 1] if looks else 0.0
