"""Whether a vote could count at another workflow's gate too: the server joins names with hyphens.

Votes are kept under `<workflow key>-<name>-<task id>` (Zadig v4.1.0 .../jobcontroller/job_approval.go:114),
and names hold hyphens as well: `pay` with `prod-approve` and `pay-prod` with `approve` are one key. So of two
tasks with the same number that wait at the same time, the vote for one passes the other.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

_JOB: Final = re.compile(r"job-[0-9]+-[0-9]+-[0-9]+-.+", re.DOTALL)
"""A job task name: place of stage and job, number of the part, configured name. The last may be any text, so
that a server with other rules for names is not taken to be safe."""

_WORKFLOW: Final = re.compile(r"[A-Za-z0-9._-]+")
"""A workflow key; the server makes them without dots and underscores, older installations have them."""


def collision(workflow: str, name: str, others: Iterable[str]) -> str | None:
    """Return the first of other workflows that could keep votes under the same key, or None.

    Args:
        workflow: Workflow key of the task.
        name: What the approve call sends, `Gate.approve_name`: a job task name, or a stage's name on older
            servers. A job task name is only ever mistaken for another one; a stage's name for any other.
        others: Keys of all workflows of the server; the task's own among them does no harm.
    """
    rests = {key: rest for key, rest in _splits(f"{workflow}-{name}") if _alike(name, rest)}
    return next((other for other in others if other != workflow and other in rests), None)


def ambiguous(workflow: str, name: str) -> bool:
    """Whether some other workflow could keep votes under the same key, going by its name alone.

    Args:
        workflow: Workflow key of the task.
        name: What the approve call sends. For a stage's name this is always false: almost any could be
            split elsewhere, so ask `collision` with the workflows there are.
    """
    if _JOB.fullmatch(name) is None:
        return False
    return any(
        key != workflow and _WORKFLOW.fullmatch(key) and _alike(name, rest)
        for key, rest in _splits(f"{workflow}-{name}")
    )


def _splits(joined: str) -> Iterator[tuple[str, str]]:
    """Yield every way to take a joined key for a workflow key and a name."""
    for hyphen in re.finditer("-", joined):
        key, rest = joined[: hyphen.start()], joined[hyphen.end() :]
        if key and rest:
            yield key, rest


def _alike(name: str, rest: str) -> bool:
    """Whether a server that is sent names like the first could be sent the second."""
    return _JOB.fullmatch(name) is None or _JOB.fullmatch(rest) is not None
