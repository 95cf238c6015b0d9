"""The end of a run: one line per launch, and what to do next."""

from collections.abc import Sequence

from zadig_async.cli.durations import spell_duration
from zadig_async.cli.render import words
from zadig_async.cli.render.columns import aligned
from zadig_async.model.outcome import Outcome, Verdict
from zadig_async.sinks.terminal import safe

HEADER = ("TASK", "RESULT", "TIME", "WHY")


def summary_cells(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """Return the header and one row of padded cells per outcome."""
    rows = [
        (
            words.ref_words(outcome),
            words.verdict_word(outcome),
            spell_duration(outcome.seconds),
            words.reason_words(outcome),
        )
        for outcome in outcomes
    ]
    return aligned([HEADER, *rows])


def advice(outcomes: Sequence[Outcome]) -> list[str]:
    """Say what to do about the outcomes that are no success, each advice once."""
    lines: dict[str, None] = {}
    for outcome in outcomes:
        for line in _advice(outcome):
            lines[line] = None
    return list(lines)


def _advice(outcome: Outcome) -> list[str]:
    lines = []
    failure = outcome.first_failure
    if failure is not None and outcome.ref is not None:
        lines.append(
            f"Why {words.job_word(failure.name)} {safe(failure.status)}: zadig-async logs "
            f"{words.shell_word(outcome.ref)} --job {words.shell_word(words.job_word(failure.name))}"
        )
    if outcome.verdict is Verdict.BLOCKED and outcome.ref is not None:
        lines.append(f"To approve: zadig-async approve {words.shell_word(outcome.ref)}")
    if outcome.verdict is Verdict.UNKNOWN:
        lines.append(
            "It may have been started. Look before you start it again: zadig-async tasks list "
            f"{words.shell_word(outcome.workflow)}"
        )
    elif outcome.error is not None and outcome.error.hint and outcome.verdict is not Verdict.DEADLINE:
        lines.append(f"{safe(str(outcome.workflow))}: {safe(outcome.error.hint)}")
    findings: tuple[str, ...] = getattr(outcome.error, "findings", ())
    if len(findings) > 1:
        lines += [f"{safe(str(outcome.workflow))}: {safe(finding)}" for finding in findings]
    return lines


def tally(outcomes: Sequence[Outcome]) -> str:
    """Count the outcomes in a sentence."""
    good = sum(outcome.ok for outcome in outcomes)
    return f"{good} of {len(outcomes)} succeeded."
