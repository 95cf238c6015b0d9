"""JSON bytes as Go writes them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zadig_async.emulator.gojson import dumps, sorted_without_nulls

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": 1, "b": [True, None]}, b'{"a":1,"b":[true,null]}'),
        ("<a>&b", b'"\\u003ca\\u003e\\u0026b"'),
        ("中 \u2028\u2029", '"中 \\u2028\\u2029"'.encode()),
        ("\b\f\n\r\t\x01", b'"\\u0008\\u000c\\n\\r\\t\\u0001"'),
        ("\\b", b'"\\\\b"'),
        ("\\\\f", b'"\\\\\\\\f"'),
    ],
)
def test_spelling(value: Any, expected: bytes) -> None:
    assert dumps(value) == expected


@given(JSON)
def test_means_what_it_says(value: Any) -> None:
    body = dumps(value)
    assert json.loads(body) == value
    assert not set("<>&\u2028\u2029") & set(body.decode())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_refuses_what_go_cannot_encode(value: float) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        dumps(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": None, "a": {"z": None, "y": []}}, '{"a":{"y":[]}}'),
        ([None, {"k": None}], "[null,{}]"),
        (None, "null"),
    ],
)
def test_raw_values_lose_null_keys_but_not_null_items(value: Any, expected: str) -> None:
    assert json.dumps(sorted_without_nulls(value), separators=(",", ":")) == expected
