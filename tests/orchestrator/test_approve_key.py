"""Approve keys: two gates that share one are found, and nothing else is."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zadig_async.orchestrator.approve_key import ambiguous, collision

PIECE = st.text("ab1", min_size=1, max_size=2) | st.sampled_from(["job", "0", "12", "pay", "审批"])
NAME = st.lists(PIECE, min_size=1, max_size=12).map("-".join)
KEY = st.lists(PIECE.filter(str.isascii), min_size=1, max_size=8).map("-".join)
JOB = st.builds("job-{}-{}-{}-{}".format, *[st.integers(0, 12)] * 3, NAME)


def is_job(name: str) -> bool:
    """Whether it is a job task name, without a pattern."""
    word, *numbers = (name.split("-", 4) + [""] * 5)[:5]
    configured = numbers.pop()
    return word == "job" and all(n.isascii() and n.isdecimal() for n in numbers) and configured != ""


def same_key(workflow: str, name: str, other: str) -> bool:
    """Whether another workflow has a name that makes the same key, by trying every name there is."""
    joined = f"{workflow}-{name}"
    rests = (joined[at:] for at in range(len(joined)))
    return other != workflow and any(
        f"{other}-{rest}" == joined and (is_job(rest) or not is_job(name)) for rest in rests
    )


@pytest.mark.parametrize(
    ("workflow", "name", "other", "collides"),
    [
        # stage names: any split will do
        ("pay", "prod-approve", "pay-prod", True),
        ("pay-prod", "approve", "pay", True),
        ("pay", "审批-prod", "pay-审批", True),
        ("pay", "prod-approve", "pay", False),
        ("pay", "prod-approve", "pa", False),
        ("pay", "prod-approve", "pay-pro", False),
        ("pay", "prod-approve", "pay-prod-approve", False),
        ("pay", "prod-", "pay-prod", False),
        ("pay", "prod-approve", "prod", False),
        # job task names: both halves have to be one
        ("pay", "job-1-0-0-approve", "pay-job-1-0-0", False),
        ("pay-prod", "job-1-0-0-approve", "pay", False),
        ("pay", "job-1-0-0-job-2-0-0-approve", "pay-job-1-0-0", True),
        ("pay-job-1-0-0", "job-2-0-0-approve", "pay", True),
        ("pay", "job-1-0-0-job-2-0-approve", "pay-job-1-0-0", False),
        ("pay", "job-1-0-0-job-2-0-0-", "pay-job-1-0-0", False),
    ],
)
def test_a_shared_key_is_found(workflow: str, name: str, other: str, collides: bool) -> None:
    assert collision(workflow, name, [workflow, "shop", other]) == (other if collides else None)


def test_the_first_of_several_is_named() -> None:
    assert collision("a", "b-c-d", ["x", "a-b-c", "a", "a-b"]) == "a-b-c"
    assert collision("a", "b-c-d", []) is None


@pytest.mark.parametrize(
    ("workflow", "name", "expected"),
    [
        ("pay-prod", "job-1-0-0-approve", False),
        ("pay", "job-1-0-0-go-live", False),
        ("pay", "job-1-0-0-job-2-0-0-approve", True),
        ("pay-job-1-0-0", "job-2-0-0-approve", True),
        ("pay-job-1-0-0-x", "job-2-0-0-approve", True),
        ("job-1-0-0", "job-2-0-0-approve", False),
        ("pay", "job-1-0-0-审批-job-2-0-0-approve", False),  # no workflow key holds 审批
        ("pay", "prod-approve", False),  # a stage's name
        ("pay-job-1-0-0", "approve", False),
    ],
)
def test_a_key_that_can_be_split_elsewhere_is_ambiguous(workflow: str, name: str, expected: bool) -> None:
    assert ambiguous(workflow, name) is expected


@given(KEY, JOB | NAME, st.lists(KEY, max_size=3), st.data())
@example("pay-job-0-0-0", "job-0-0-0-a", ["pay"], None)
def test_what_is_found_is_what_trying_every_name_finds(
    workflow: str, name: str, others: list[str], data: st.DataObject | None
) -> None:
    joined = f"{workflow}-{name}"
    near = [joined[:at] for at, char in enumerate(joined) if char == "-" and at]
    if data is not None:
        others = data.draw(st.permutations([*others, *near]))
    expected = next((other for other in others if same_key(workflow, name, other)), None)
    assert collision(workflow, name, others) == expected
    possible = any(same_key(workflow, name, key) for key in near if key.isascii())
    assert ambiguous(workflow, name) is (possible and is_job(name))
