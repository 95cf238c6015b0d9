"""Every record we write, as one function each: who writes and who reads agree on its keys here.

No argument is ever a secret or an error text of the server: names, numbers, digests and words of our own.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from zadig_async.journal.records import Act, Draft, Kind

ACCEPTED: Final = "accepted"
REFUSED: Final = "refused"
NOT_SENT: Final = "not sent"
ABSENT: Final = "absent"
"""What became of a request, as `RESULT` records say it."""


def intent(run: str, recipe: Mapping[str, Any], *, batch: str, origin: Mapping[str, Any]) -> Draft:
    """We mean to start this run; nothing was sent.

    Args:
        run: Its id.
        recipe: The launch without its values, see `zadig_async.orchestrator.recipe`.
        batch: Id shared by the runs that were asked for together.
        origin: Where the launch came from, for whoever makes it anew.
    """
    return Draft(kind=Kind.INTENT, run=run, data={"recipe": recipe, "batch": batch, "origin": origin})


def sent(
    run: str,
    *,
    attempt: int,
    highest: int,
    anchors: Sequence[int],
    newest: float | None,
    marker: str,
    account: str,
    jobs: Sequence[str],
) -> Draft:
    """The trigger is about to leave.

    Args:
        run: The run.
        attempt: Which one this is, from 1.
        highest: Highest task number seen before.
        anchors: Task numbers seen before, by which a later list is known to be the same.
        newest: When the newest of them was made, in Unix seconds, or None.
        marker: Name of the workflow variable that carries the run's id, or empty.
        account: Display name under which the task will stand, or empty where it is not known.
        jobs: Configured names of the jobs that will run.
    """
    data = {
        "attempt": attempt,
        "highest": highest,
        "anchors": list(anchors),
        "newest": newest,
        "marker": marker,
        "account": account,
        "jobs": list(jobs),
    }
    return Draft(kind=Kind.SENT, run=run, data=data)


def accepted(run: str, task: int) -> Draft:
    """Zadig answered with the task's number."""
    return Draft(kind=Kind.RESULT, run=run, data={"outcome": ACCEPTED, "task": task})


def refused(run: str, error: Mapping[str, Any]) -> Draft:
    """Zadig, or our own check, said no."""
    return Draft(kind=Kind.RESULT, run=run, data={"outcome": REFUSED, "error": error})


def not_sent(run: str, why: str) -> Draft:
    """It provably never left: it may be sent."""
    return Draft(kind=Kind.RESULT, run=run, data={"outcome": NOT_SENT, "why": why})


def absent(run: str) -> Draft:
    """No task came of it within the time in which one could: it may be sent once more."""
    return Draft(kind=Kind.RESULT, run=run, data={"outcome": ABSENT})


def unknown(run: str, why: str, *, final: bool = False) -> Draft:
    """No clear answer came, or with `final`, the search ended without one."""
    return Draft(kind=Kind.UNKNOWN, run=run, data={"why": why, "final": final})


def adopted(run: str, task: int, *, sure: bool) -> Draft:
    """A task that was found is the run's.

    Args:
        run: The run.
        task: The task's number.
        sure: Whether it carries the run's id; else it is the only one it can be.
    """
    return Draft(kind=Kind.ADOPTED, run=run, data={"task": task, "sure": sure})


def duplicate(run: str, task: int) -> Draft:
    """This task is a second one of the same run. It must never be approved."""
    return Draft(kind=Kind.NOTE, run=run, data={"what": "duplicate", "task": task})


def finished(run: str, verdict: str) -> Draft:
    """The run came to its end."""
    return Draft(kind=Kind.FINISHED, run=run, data={"verdict": verdict})


def settled(run: str, verdict: str) -> Draft:
    """A person says what became of a run whose outcome was not known."""
    return Draft(kind=Kind.FINISHED, run=run, data={"verdict": verdict, "by": "a person"})


def gate_seen(run: str, task: int, gate: str, opened: float | None, content: str) -> Draft:
    """A gate is open over this content.

    Args:
        run: The run, or empty.
        task: The task's number.
        gate: `Gate.key`.
        opened: When it opened, in Unix seconds of the server, or None.
        content: Digest of what the gate lets through.
    """
    data = {"what": "gate", "task": task, "gate": gate, "opened": opened, "content": content}
    return Draft(kind=Kind.NOTE, run=run, act=Act.APPROVE, data=data)


def vote_intent(run: str, task: int, gate: str, opened: float | None, *, rule: str, mark: str) -> Draft:
    """We mean to approve a gate, see `gate_seen`; `rule` allows it, and `mark` stands in the comment."""
    data = {"task": task, "gate": gate, "opened": opened, "rule": rule, "mark": mark}
    return Draft(kind=Kind.INTENT, run=run, act=Act.APPROVE, data=data)


def write_sent(act: Act, run: str, task: int, mark: str = "") -> Draft:
    """A vote, cancellation or retry is about to leave."""
    return Draft(kind=Kind.SENT, run=run, act=act, data={"task": task, "mark": mark})


def write_result(act: Act, run: str, task: int, outcome: str, mark: str = "") -> Draft:
    """What came back of a vote, cancellation or retry, or proof that it was never sent."""
    return Draft(kind=Kind.RESULT, run=run, act=act, data={"task": task, "outcome": outcome, "mark": mark})


def write_unknown(act: Act, run: str, task: int, mark: str = "") -> Draft:
    """No clear answer came to a vote, cancellation or retry."""
    return Draft(kind=Kind.UNKNOWN, run=run, act=act, data={"task": task, "mark": mark})


def approved(run: str, task: int, mark: str) -> Draft:
    """Our vote was read back from the task."""
    return Draft(kind=Kind.APPROVED, run=run, act=Act.APPROVE, data={"task": task, "mark": mark})


def control_intent(act: Act, run: str, task: int, why: str) -> Draft:
    """We mean to cancel or retry a task."""
    return Draft(kind=Kind.INTENT, run=run, act=act, data={"task": task, "why": why})


def cancelled(run: str, task: int) -> Draft:
    """Zadig took our cancellation; the task may still come to another end."""
    return Draft(kind=Kind.CANCELLED, run=run, act=Act.CANCEL, data={"task": task})
