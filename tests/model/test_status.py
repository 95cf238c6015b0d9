"""Statuses: every word has one phase, an unknown word is never an end."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zadig_async.model.status import NOT_STARTED, PHASE_OF, Phase, Status

QUEUED, RUNNING, ATTENTION = Phase.QUEUED, Phase.RUNNING, Phase.ATTENTION

TABLE: dict[str, Phase] = {
    # Every string of Zadig v4.1.0 pkg/microservice/aslan/config/consts.go:103-127, by hand.
    "": QUEUED,
    "created": QUEUED,
    "waiting": QUEUED,
    "queued": QUEUED,
    "blocked": QUEUED,
    "pending": QUEUED,
    "prepare": RUNNING,
    "running": RUNNING,
    "distributed": RUNNING,
    "wait_for_approval": ATTENTION,
    "wait_for_manual_error_handling": ATTENTION,
    "debug_before": ATTENTION,
    "debug_after": ATTENTION,
    "pause": ATTENTION,
    "passed": Phase.SUCCEEDED,
    "skipped": Phase.SKIPPED,
    "unstable": Phase.SUCCEEDED,
    "failed": Phase.FAILED,
    "timeout": Phase.TIMED_OUT,
    "cancelled": Phase.CANCELLED,
    "reject": Phase.REJECTED,
    "changed": RUNNING,
    "disabled": QUEUED,
    "notRun": QUEUED,
    "notrun": QUEUED,  # how the task list spells it
}

FINAL = {"passed", "unstable", "failed", "timeout", "cancelled", "reject", "skipped"}


def test_the_table_is_the_servers() -> None:
    assert dict(PHASE_OF) == TABLE


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        PHASE_OF["running"] = Phase.SUCCEEDED  # type: ignore[index]  # the point of the test


@pytest.mark.parametrize("word", TABLE)
def test_a_known_word(word: str) -> None:
    status = Status(word)
    assert status.known
    assert status.phase is TABLE[word]
    assert status.final == (word in FINAL)
    assert (status == word) is True


@given(st.text())
def test_an_unknown_word_is_watched_on(word: str) -> None:
    status = Status(word)
    assert str(status) == word
    assert hash(status) == hash(word)
    if word not in TABLE:
        assert not status.known
        assert status.phase is Phase.RUNNING
        assert not status.final


@pytest.mark.parametrize("word", ["Passed", "PASSED", " passed", "passed\n", "success", "done", "failed "])
def test_what_only_looks_like_an_end_is_none(word: str) -> None:
    assert Status(word).phase is Phase.RUNNING


def test_nine_phases_of_which_six_are_final() -> None:
    assert len(Phase) == 9
    assert {phase for phase in Phase if phase.final} == {
        Phase.SUCCEEDED,
        Phase.FAILED,
        Phase.REJECTED,
        Phase.CANCELLED,
        Phase.TIMED_OUT,
        Phase.SKIPPED,
    }


def test_not_started() -> None:
    assert NOT_STARTED == ""
    assert NOT_STARTED.phase is Phase.QUEUED


@pytest.mark.parametrize("word", ["running", "brand_new"])
def test_a_status_is_copied_as_a_status(word: str) -> None:
    for other in (
        pickle.loads(pickle.dumps(Status(word))),  # noqa: S301 - our own bytes
        copy.copy(Status(word)),
        copy.deepcopy(Status(word)),
    ):
        assert type(other) is Status
        assert other == word
    assert repr(Status(word)) == f"Status({word!r})"
