"""Refs: what is written is read back, and nothing else is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zadig_async.errors import ConfigError
from zadig_async.model.ids import TaskRef, WorkflowRef

KEYS = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,40}", fullmatch=True)
NUMBERS = st.integers(1, 2**63 - 1)


@given(KEYS, KEYS, NUMBERS)
def test_a_ref_is_read_back(project: str, workflow: str, number: int) -> None:
    ref = TaskRef(project, workflow, number)
    assert TaskRef.parse(str(ref)) == ref
    assert str(ref) == f"{project}/{workflow}#{number}"
    assert ref.of == WorkflowRef.parse(str(ref.of)) == WorkflowRef(project, workflow)


@given(st.text(min_size=1), st.text(min_size=1), NUMBERS)
def test_no_text_is_read_as_another_ref(project: str, workflow: str, number: int) -> None:
    for ref in (TaskRef(project, workflow, number), WorkflowRef(project, workflow)):
        try:
            again = type(ref).parse(str(ref))
        except ConfigError:
            continue
        assert again == ref


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for kind in (TaskRef, WorkflowRef):
        try:
            ref = kind.parse(text)
        except ConfigError:
            continue
        assert str(ref) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shop",
        "shop/deploy",
        "shop/deploy#",
        "shop/deploy#0",
        "shop/deploy#-1",
        "shop/deploy#+1",
        "shop/deploy#01",
        "shop/deploy#1.0",
        "shop/deploy#1 ",
        " shop/deploy#1",
        "shop/deploy#1\n",
        "shop/deploy#1#2",
        "shop/a/deploy#1",
        "/deploy#1",
        "shop/#1",
        "shop deploy#1",
        "shop/deploy#١",
        "shop/deploy#" + "9" * 20,
        "https://zadig/shop/deploy#1",
    ],
)
def test_not_a_task(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^not a task: ") as caught:
        TaskRef.parse(text)
    assert "shop/deploy-api#56" in caught.value.hint


@pytest.mark.parametrize("text", ["", "shop", "shop/", "/deploy", "a/b/c", "a/b#1", "a /b", "a/b\n"])
def test_not_a_workflow(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^not a workflow: "):
        WorkflowRef.parse(text)


@pytest.mark.parametrize("key", ["", None, 5, b"shop", ["shop"]])
def test_keys_are_text(key: Any) -> None:
    for make in (lambda: WorkflowRef(key, "w"), lambda: WorkflowRef("p", key), lambda: TaskRef(key, "w", 1)):
        with pytest.raises(ConfigError, match=r"^(project|workflow): "):
            make()


@pytest.mark.parametrize("number", [0, -1, "1", 1.0, True, None])
def test_a_task_id_is_a_whole_number_from_one(number: Any) -> None:
    with pytest.raises(ConfigError, match=r"^task_id: expected a whole number from 1"):
        TaskRef("p", "w", number)


def test_refs_are_values() -> None:
    assert TaskRef("p", "w", 1) == TaskRef("p", "w", 1)
    assert len({TaskRef("p", "w", 1), TaskRef("p", "w", 1), TaskRef("p", "w", 2)}) == 2
    assert TaskRef("p", "w", 2) < TaskRef("p", "w", 10)
    with pytest.raises(AttributeError):
        TaskRef("p", "w", 1).task_id = 2  # type: ignore[misc]  # the point of the test
