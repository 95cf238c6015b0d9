"""What happened, in plain words: one line for an event or an outcome, safe to print."""

import shlex
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from zadig_async.cli.durations import spell_duration
from zadig_async.errors import (
    ConflictError,
    ConnectError,
    DeadlineError,
    DecodeError,
    ForbiddenError,
    JournalError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitedError,
    RejectedError,
    ServerError,
    TransportError,
    UnauthorizedError,
    ZadigError,
)
from zadig_async.model.gate import Gate
from zadig_async.model.outcome import Outcome, Verdict
from zadig_async.model.status import Phase
from zadig_async.model.user import User
from zadig_async.orchestrator import events
from zadig_async.orchestrator.policy import configured_name
from zadig_async.sinks.lines import closed_words
from zadig_async.sinks.terminal import safe, safe_block

_KINDS: Final[tuple[tuple[type[ZadigError], str], ...]] = (
    (UnauthorizedError, "token not accepted"),
    (ForbiddenError, "no permission"),
    (NotFoundError, "not found"),
    (ConflictError, "conflict"),
    (RejectedError, "refused by Zadig"),
    (RateLimitedError, "too many requests"),
    (ServerError, "the server failed"),
    (ConnectError, "no connection"),
    (OutcomeUnknownError, "outcome unknown"),
    (DeadlineError, "out of time"),
    (TransportError, "connection lost"),
    (DecodeError, "unreadable answer"),
    (JournalError, "journal"),
)
"""What each kind of error is called, subclasses before their bases."""


def job_word(name: str) -> str:
    """Return the configured name within a job task name: `build` of `job-0-0-0-build`."""
    return safe(configured_name(name))


def gate_words(gate: Gate) -> str:
    """Name a gate and whom it waits for."""
    kind = "" if gate.passable else f" ({gate.kind.replace('_', ' ')})"
    people = people_words(gate.approvers)
    needed = f", {gate.needed} of them" if gate.needed > 1 else ""
    return f"{safe(gate.name)}{kind}{f' for {people}{needed}' if people else ''}"


def people_words(users: Sequence[User]) -> str:
    """Name people: `alice, bob`; a group by its name."""
    names = (user.user_name or user.group_name or user.type or user.user_id for user in users)
    return ", ".join(dict.fromkeys(safe(name) for name in names if name))


def event_words(event: events.Event) -> str | None:
    """Return a line for an event, or None for one that says nothing to a person.

    Of logs only that one is not complete: all else about them is said by `sinks.lines`.
    """
    match event:
        case events.Launching():
            return f"launching: {', '.join(safe(job) for job in event.jobs)}"
        case events.Launched():
            return f"Zadig took it as {safe(str(event.ref))}"
        case events.TaskChanged():
            return f"task: {safe(event.after) or 'not started'}"
        case events.JobChanged():
            return _job_changed(event)
        case events.Cancelling():
            return f"cancelling the task: {safe(event.reason)}"
        case events.Retrying():
            return f"running the task again: {safe(event.reason)}"
        case events.LaunchUnanswered() | events.Adopted() | events.LaunchRepeated() | events.DuplicateFound():
            return _doubt(event)
        case events.JournalFailed():
            return f"could not be written down, nothing new is begun: {error_words(event.error)}"
        case events.PollFailed():
            since = spell_duration(event.failing_for)
            return f"cannot be read for {since}, trying on: {error_words(event.error)}"
        case events.PollRecovered():
            return f"can be read again after {spell_duration(event.failed_for)}"
        case events.LogClosed() if event.report.complete is False:
            return f"log of {job_word(event.job)}: {closed_words(event)}"
        case events.Ended():
            return outcome_words(event.outcome)
        case _:
            return _gate_event(event)


def _job_changed(event: events.JobChanged) -> str | None:
    if not event.after or event.after.phase is Phase.ATTENTION:
        return None  # nothing yet; a gate is told as an event of its own
    why = f": {safe(event.error)}" if event.error else ""
    return f"{safe(event.stage)} / {job_word(event.job)}: {safe(event.after)}{why}"


def _doubt(
    event: events.LaunchUnanswered | events.Adopted | events.LaunchRepeated | events.DuplicateFound,
) -> str:
    match event:
        case events.LaunchUnanswered():
            return f"no clear answer to the trigger, looking for its task: {safe(event.reason)}"
        case events.Adopted():
            sure = "it carries this run's id" if event.sure else "no other can be it"
            return f"found its task: {safe(str(event.ref))}, {sure}"
        case events.LaunchRepeated():
            return f"no task has come of it: launching once more (attempt {event.attempt})"
        case events.DuplicateFound():
            done = "cancelled" if event.cancelled else "NOT cancelled: look at it"
            return f"DUPLICATE {safe(str(event.duplicate))}: {safe(event.reason)}; {done}"


def _gate_event(event: events.Event) -> str | None:
    match event:
        case events.GateOpened(allowed=True):
            return f"waits at gate {gate_words(event.gate)}: {safe(event.reason)}"
        case events.GateOpened():
            way = (
                f"approve it in Zadig, or: zadig-async approve {shell_word(event.ref)}"
                if event.gate.passable
                else "somebody has to act in Zadig"
            )
            return f"waits at gate {gate_words(event.gate)}: {safe(event.reason)}; {way}"
        case events.GateJudged():
            return f"gate {safe(event.gate.name)}: {safe(event.reason)}"
        case events.GateApproving():
            return f"approving gate {safe(event.gate.name)}"
        case events.GateApproved():
            return f"gate {safe(event.gate.name)}: our approval shows in Zadig"
        case events.GateNotApproved():
            return f"gate {safe(event.gate.name)} could not be approved: {safe(event.reason)}"
        case events.GateClosed():
            return f"gate {safe(event.gate.name)} is no longer open"
    return None


def error_lines(error: ZadigError) -> list[str]:
    """Say an error in lines, at least one, of which the first begins with what kind it is."""
    kind = next((lead for cls, lead in _KINDS if isinstance(error, cls)), "")
    first, *rest = safe_block(str(error)) or [""]
    return [": ".join(part for part in (kind, first) if part) or type(error).__name__, *rest]


def error_words(error: ZadigError) -> str:
    """Say an error in one line that begins with what kind it is."""
    return " ".join(error_lines(error))


def verdict_word(outcome: Outcome) -> str:
    """Return the verdict in a word or two."""
    return outcome.verdict.replace("_", " ")


def outcome_words(outcome: Outcome) -> str:
    """Say how a launch ended, and why, in one line."""
    why = reason_words(outcome)
    return f"{verdict_word(outcome)} after {spell_duration(outcome.seconds)}{f': {why}' if why else ''}"


def reason_words(outcome: Outcome) -> str:
    """Say why an outcome is what it is; empty for a plain success."""
    match outcome.verdict:
        case Verdict.SUCCEEDED:
            return ""
        case Verdict.DETACHED if outcome.ref is None:
            return "not started"
        case Verdict.DETACHED:
            return "the task goes on without us"
        case Verdict.BLOCKED if outcome.gates and outcome.error is None:
            return f"waits at gate {', '.join(gate_words(gate) for gate in outcome.gates)}"
    failure = outcome.first_failure
    if failure is not None:
        why = f": {safe(failure.error)}" if failure.error else ""
        return f"{job_word(failure.name)} {safe(failure.status)}{why}"
    if outcome.error is not None:
        return error_words(outcome.error)
    if outcome.task is not None and outcome.task.error:
        return safe(outcome.task.error)
    return ""


def ref_words(outcome: Outcome) -> str:
    """Name an outcome's task, or its workflow where there is no task."""
    return safe(str(outcome.ref or outcome.workflow))


def shell_word(word: object) -> str:
    """Write a word for a shell to copy; the server chooses names, and must not choose commands."""
    return shlex.quote(safe(str(word)))


def clock_words(moment: datetime | None) -> str:
    """Write a time in the zone of this machine; `-` for none."""
    if moment is None:
        return "-"
    try:
        moment = moment.astimezone()
    except OverflowError:  # so close to the end of time that this zone has no date for it
        return moment.isoformat(" ")
    return moment.strftime("%Y-%m-%d %H:%M:%S")
