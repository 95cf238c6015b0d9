"""`History`: what the records of a journal add up to. No clock, no file: records in, state out."""

from collections import deque
from collections.abc import Iterable, Mapping
from enum import StrEnum, unique
from typing import Any, Final

import attrs

from zadig_async.journal import drafts
from zadig_async.journal.records import Act, Kind, Record, Scope
from zadig_async.model.gate import Opening
from zadig_async.model.ids import TaskRef


@unique
class RunState(StrEnum):
    """How far a run has come."""

    INTENDED = "intended"
    """Nothing of it was sent."""
    SENT = "sent"
    """Its trigger left, or was about to. A task may exist."""
    UNKNOWN = "unknown"
    """Its trigger left and nothing proves what became of it. A task may exist."""
    LAUNCHED = "launched"
    """Its task is known."""
    FINISHED = "finished"
    """It came to its end."""


UNRESOLVED: Final = frozenset({RunState.SENT, RunState.UNKNOWN})
"""States in which nobody may start the workflow anew: a task may exist that nobody knows."""


@attrs.define(kw_only=True, eq=False)
class RunEntry:
    """One run.

    Attributes:
        run: Its id.
        scope: Server and workflow.
        batch: Id of the runs asked for together.
        intended_at: When, in Unix seconds of the store.
        recipe: The launch without its values.
        origin: Where the launch came from.
        state: How far it has come.
        sent: The records of its triggers that may have left, oldest first.
        task: Number of its task, or None.
        sure: Whether the task is known to be its own; False where it is only the one it can be.
        duplicates: Numbers of further tasks of the same run.
        verdict: How it ended, or empty.
        error: What was kept of the error that ended it, or empty.
        finished_at: When it ended, in Unix seconds of the store, or None.
        doubtful: Whether more than one task may come of it: an answer was lost, or it was sent twice.
    """

    run: str
    scope: Scope
    batch: str = ""
    intended_at: float = 0.0
    recipe: Mapping[str, Any] = attrs.field(factory=dict)
    origin: Mapping[str, Any] = attrs.field(factory=dict)
    state: RunState = RunState.INTENDED
    sent: list[Record] = attrs.field(factory=list)
    task: int | None = None
    sure: bool = True
    duplicates: set[int] = attrs.field(factory=set)
    verdict: str = ""
    error: Mapping[str, Any] = attrs.field(factory=dict)
    finished_at: float | None = None
    doubtful: bool = False

    def ref_of(self, task: int) -> TaskRef:
        """Name a task of the run's workflow by its number."""
        workflow = self.scope.workflow
        return TaskRef(workflow.project, workflow.workflow, task)

    @property
    def open(self) -> bool:
        """Whether there is still something to do about it."""
        return self.state is not RunState.FINISHED

    @property
    def unresolved(self) -> bool:
        """Whether a task may exist that is not known."""
        return self.state in UNRESOLVED


@attrs.define(kw_only=True, eq=False)
class Vote:
    """One approval we meant to give.

    Attributes:
        gate: `Gate.key`.
        opened: When the gate opened, in Unix seconds of the server, or None.
        mark: What stands in its comment.
        sent_at: When it left or was about to, in Unix seconds of the store, or None.
        outcome: What came back, or empty.
        shown: Whether it was read back.
    """

    gate: str
    opened: float | None
    mark: str
    sent_at: float | None = None
    outcome: str = ""
    shown: bool = False

    @property
    def under_way(self) -> bool:
        """Whether it may still take effect: it left, and nothing says what became of it."""
        return self.sent_at is not None and not self.outcome and not self.shown


TaskKey = tuple[Scope, int]

_DAY: Final = 86_400.0


class History:
    """Everything a journal knows, by run and by task."""

    def __init__(self, records: Iterable[Record] = (), *, keeps: int | None = None) -> None:
        """Add up records.

        Args:
            records: Oldest first.
            keeps: How many runs that have ended to remember; older ones are forgotten. None remembers all.
        """
        self._keeps = keeps
        self._ended: deque[str] = deque()
        self.runs: dict[str, RunEntry] = {}
        self.last_seq = 0
        self._by_task: dict[TaskKey, RunEntry] = {}
        self._duplicates: dict[TaskKey, RunEntry] = {}
        self._by_scope: dict[Scope, list[RunEntry]] = {}
        self._votes: dict[TaskKey, dict[str, Vote]] = {}
        self._content: dict[TaskKey, dict[Opening, str]] = {}
        self._recent_votes: deque[tuple[float, Vote]] = deque()
        for record in records:
            self.apply(record)

    def apply(self, record: Record) -> None:
        """Add one more record; one that was added before changes nothing."""
        if record.seq <= self.last_seq:
            return
        self.last_seq = record.seq
        match record.act:
            case Act.TRIGGER:
                self._trigger(record)
            case Act.APPROVE:
                self._approve(record)
            case Act.RETRY if record.kind is Kind.SENT:
                # It may run again: whoever resumes has to look.
                entry = self._by_task.get((record.scope, record.data["task"]))
                if entry is not None:
                    entry.state, entry.verdict, entry.finished_at = RunState.LAUNCHED, "", None
            case _:
                pass

    def of_task(self, scope: Scope, task: int) -> RunEntry | None:
        """Return the run a task belongs to, or None where it is not ours."""
        return self._by_task.get((scope, task))

    def of_duplicate(self, scope: Scope, task: int) -> RunEntry | None:
        """Return the run a task is a second one of, or None."""
        return self._duplicates.get((scope, task))

    def of_scope(self, scope: Scope) -> tuple[RunEntry, ...]:
        """Return the runs of a workflow, oldest first."""
        return tuple(self._by_scope.get(scope, ()))

    def open_runs(self, server: str) -> tuple[RunEntry, ...]:
        """Return the runs on a server that have not come to their end, oldest first."""
        return tuple(entry for entry in self.runs.values() if entry.open and entry.scope.server == server)

    def votes(self, scope: Scope, task: int) -> tuple[Vote, ...]:
        """Return our votes on a task, oldest first."""
        return tuple(self._votes.get((scope, task), {}).values())

    def content(self, scope: Scope, task: int, gate: str, opened: float | None) -> str:
        """Return the digest of what a gate let through when it was first seen open, or an empty string."""
        return self._content.get((scope, task), {}).get((gate, opened), "")

    def votes_since(self, moment: float) -> int:
        """Count the votes that left, or may have, since a moment within the last day.

        Args:
            moment: Unix seconds of the store.
        """
        return sum(
            vote.sent_at is not None and vote.sent_at >= moment and vote.outcome != drafts.NOT_SENT
            for _, vote in self._recent_votes
        )

    def _trigger(self, record: Record) -> None:
        entry = self.runs.get(record.run)
        if entry is None:
            if not record.run:
                return
            entry = self.runs[record.run] = RunEntry(
                run=record.run, scope=record.scope, intended_at=record.at
            )
            self._by_scope.setdefault(record.scope, []).append(entry)
        data = record.data
        match record.kind:
            case Kind.INTENT:
                entry.recipe, entry.origin = data["recipe"], data["origin"]
                entry.batch = data["batch"]
            case Kind.SENT:
                entry.sent.append(record)
                entry.state = RunState.SENT
                entry.doubtful = entry.doubtful or len(entry.sent) > 1
            case Kind.RESULT:
                self._result(entry, record)
            case Kind.ADOPTED:
                entry.doubtful = bool(entry.sent)
                self._launched(entry, data["task"], sure=data["sure"])
            case Kind.UNKNOWN:
                entry.state, entry.doubtful = RunState.UNKNOWN, True
            case Kind.NOTE if data.get("what") == "duplicate":
                entry.duplicates.add(data["task"])
                self._duplicates[entry.scope, data["task"]] = entry
            case Kind.FINISHED:
                entry.state, entry.verdict = RunState.FINISHED, data["verdict"]
                entry.finished_at = record.at
                self._forget_after(entry)
            case _:
                pass

    def _result(self, entry: RunEntry, record: Record) -> None:
        match record.data["outcome"]:
            case drafts.ACCEPTED:
                self._launched(entry, record.data["task"], sure=True)
            case drafts.REFUSED:
                entry.state, entry.verdict = RunState.FINISHED, drafts.REFUSED
                entry.error, entry.finished_at = record.data["error"], record.at
                self._forget_after(entry)
            case drafts.NOT_SENT:
                if entry.sent:
                    entry.sent.pop()
                entry.state = RunState.SENT if entry.sent else RunState.INTENDED
            case drafts.ABSENT:
                entry.state = RunState.SENT

    def _launched(self, entry: RunEntry, task: int, *, sure: bool) -> None:
        entry.state, entry.task, entry.sure = RunState.LAUNCHED, task, sure
        self._by_task[entry.scope, task] = entry

    def _forget_after(self, entry: RunEntry) -> None:
        """Remember that a run has ended, and forget those that ended long before it."""
        if self._keeps is None:
            return
        self._ended.append(entry.run)
        while len(self._ended) > self._keeps:
            old = self.runs.get(self._ended.popleft())
            if old is not None and not old.open and old.run not in self._ended:
                self._forget(old)

    def _forget(self, entry: RunEntry) -> None:
        del self.runs[entry.run]
        of_scope = self._by_scope[entry.scope]
        of_scope.remove(entry)
        if not of_scope:
            del self._by_scope[entry.scope]
        for task in (entry.task, *entry.duplicates):
            if task is not None:
                key = (entry.scope, task)
                for known in (self._by_task, self._duplicates, self._votes, self._content):
                    known.pop(key, None)

    def _approve(self, record: Record) -> None:
        data = record.data
        key = (record.scope, data["task"])
        if record.kind is Kind.NOTE:
            self._content.setdefault(key, {}).setdefault((data["gate"], data["opened"]), data["content"])
            return
        votes = self._votes.setdefault(key, {})
        if record.kind is Kind.INTENT:
            intended = Vote(gate=data["gate"], opened=data["opened"], mark=data["mark"])
            votes[data["mark"]] = intended
            self._recent_votes.append((record.at, intended))
            while self._recent_votes[0][0] < record.at - _DAY:
                self._recent_votes.popleft()
            return
        vote = votes.get(data["mark"])
        if vote is None:
            return
        match record.kind:
            case Kind.SENT:
                vote.sent_at = record.at
            case Kind.RESULT:
                vote.outcome = data["outcome"]
            case Kind.APPROVED:
                vote.shown = True
            case _:
                pass
