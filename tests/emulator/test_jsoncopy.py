"""A copy is equal and shares nothing that can change."""

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from zadig_async.emulator.jsoncopy import clone

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def changeable(value: Any) -> Iterator[int]:
    if isinstance(value, dict | list):
        yield id(value)
    if isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from changeable(item)


@given(VALUES)
def test_a_copy_is_equal_and_apart(value: Any) -> None:
    copy = clone(value)
    assert copy == value
    assert type(copy) is type(value)
    assert not set(changeable(copy)) & set(changeable(value))
