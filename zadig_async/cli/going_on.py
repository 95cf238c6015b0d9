"""The words by which another command goes on under the options of this one, there and back."""

from collections.abc import Sequence
from typing import Final, Literal

from zadig_async.cli import given, log_options, policy_options
from zadig_async.cli.given import Given

_OPTIONS: Final = (
    policy_options.reconcile_options,
    policy_options.policy_options,
    log_options.run_log_options,
)


def parse(given_words: Sequence[str]) -> Given:
    """Read the words that `words` has written for `resume`.

    Raises:
        click.UsageError: They are not such words.
    """
    return given.parse(given_words, _OPTIONS)


def words(options: Given, command: Literal["resume", "watch"]) -> list[str]:
    """Return the words by which a command goes on under the same options.

    Args:
        options: What was given.
        command: Which command it is to be; `watch` has no options about lost triggers.
    """
    left_out = policy_options.RECONCILE if command == "watch" else frozenset()
    found = []
    for rule in options.get("approve", ()):
        found += ["--approve", f"{rule.project}/{rule.workflow}:{rule.gate}"]
    for job in options.get("log_jobs", ()):
        found += [log_options.JOB if command == "watch" else log_options.LOG_JOB, job]
    for name, word in (policy_options.FLAGS | log_options.FLAGS).items():
        if options.get(name) and name not in left_out:
            found.append(word)
    if options.get(_THREE_STATES) is False:
        found.append("--no-logs")
    for name, word in (policy_options.VALUES | log_options.VALUES).items():
        if options.get(name) is not None and name not in left_out:
            found += [word, _spelt(options[name])]
    return found


def merged(then: Given, now: Given) -> Given:
    """Return options of an earlier command line with those of this one on top.

    Rules given now take the place of the earlier ones, and so does whether they waive four eyes.
    """
    given_now = {
        name: value
        for name, value in now.items()
        if value is not None and value != () and (value is not False or name == _THREE_STATES)
    }
    if "approve" in given_now:
        given_now.setdefault("approve_own", False)
    if "tail" in given_now:
        given_now.setdefault("since_start", False)
    if "since_start" in given_now:
        given_now.setdefault("tail", None)
    return {**then, **given_now}


_THREE_STATES: Final = "logs"
"""The flag that can be given as yes, as no, and not at all."""


def _spelt(value: str | float) -> str:
    """Write a value so that it is read as the same again: no exponent, no lost digit that matters."""
    return value if isinstance(value, str) else f"{value:.3f}".rstrip("0").rstrip(".")
