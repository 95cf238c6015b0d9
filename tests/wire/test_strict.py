"""JSON, strictly: what Go would never send is refused, with a place and without the content."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.documents import Twice, places, put, write
from zadig_async.errors import ConfigError, DecodeError
from zadig_async.wire import strict

CANARY = "canary-in-the-document"

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON, st.booleans())
def test_what_json_can_say_is_read_as_it_is(value: Any, ascii_only: bool) -> None:
    assert strict.parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value
    assert strict.parse(json.dumps(value, ensure_ascii=ascii_only, indent=1).encode() + b"\n") == value


@given(JSON, st.data())
def test_no_key_stands_twice_unseen(value: Any, data: st.DataObject) -> None:
    document = {"first": value, "quote": 'a"b', "second": [{"c": value}]}
    at = data.draw(st.sampled_from([place for place in places(document) if isinstance(place[-1], str)]))
    old, new = document, data.draw(JSON)
    for step in at:
        old = old[step]  # type: ignore[index]  # places of this very document
    with pytest.raises(DecodeError, match="the key stands twice"):
        strict.parse(write(put(document, at, Twice(*data.draw(st.permutations([old, new]))))))


DEEP = 200

REFUSED: list[tuple[str, bytes, str]] = [
    ("NaN", b'{"v":NaN}', "$: a number JSON cannot hold"),
    ("Infinity", b'{"v":Infinity}', "$: a number JSON cannot hold"),
    ("-Infinity", b"[-Infinity]", "$: a number JSON cannot hold"),
    ("1e400", b'{"v":1e400}', "$: a number JSON cannot hold"),
    ("-1e400", b'{"v":-1e400}', "$: a number JSON cannot hold"),
    ("5,000 digits", b'{"v":' + b"9" * 5000 + b"}", "$: a number JSON cannot hold"),
    ("twice at the top", b'{"a":1,"b":2,"a":1}', "$.a: the key stands twice"),
    ("twice deep down", b'{"a":[0,{"b":{"c":1,"c":2}}]}', "$.a[1].b.c: the key stands twice"),
    ("twice, once escaped", b'{"ab":1,"\\u0061b":2}', "$.ab: the key stands twice"),
    ("twice within a value given twice", b'{"a":{"b":1,"b":2},"a":0}', "$.a: the key stands twice"),
    ("twice, null", b'{"a":null,"a":null}', "$.a: the key stands twice"),
    ("byte order mark", b'\xef\xbb\xbf{"v":1}', "$: unexpected utf-8 bom"),
    ("latin-1", '{"v":"é"}'.encode("latin-1"), "$: not UTF-8 at byte 6"),
    ("utf-16", '{"v":1}'.encode("utf-16"), "$: not UTF-8 at byte 0"),
    ("encoded surrogate", b'{"v":"\xed\xa0\x80"}', "$: not UTF-8 at byte 6"),
    ("escaped surrogate", b'{"v":["\\ud800"]}', "$: holds half a character"),
    ("escaped surrogates in the wrong order", b'["\\uDC00\\uD800"]', "$: holds half a character"),
    ("surrogate in a key", b'{"\\udfff":1}', "$: holds half a character"),
    ("200,000 brackets", b"[" * 200_000, "$: nested too deeply"),
    ("200,000 pairs of brackets", b"[" * 200_000 + b"]" * 200_000, "$: nested too deeply"),
    ("200,000 objects", b'{"a":' * 200_000, "$: nested too deeply"),
    ("one level too many", b"[" * (DEEP + 1) + b"]" * (DEEP + 1), "nested deeper than 200 levels"),
    ("trailing garbage", b'{"v":1}x', "$: extra data at character 7"),
    ("two documents", b'{"v":1}{"v":1}', "$: extra data at character 7"),
    ("empty", b"", "$: empty"),
    ("blank", b" \r\n\t", "$: empty"),
    ("truncated", b'{"v":[1,2', "$: expecting ',' delimiter at character 9"),
    ("truncated text", b'{"v":"abc', "$: unterminated string starting at character 5"),
    ("control character", b'{"v":"a\x01"}', "$: invalid control character at character 7"),
    ("single quotes", b"{'v':1}", "$: expecting property name enclosed in double quotes at character 1"),
    ("trailing comma", b'{"v":1,}', "$: "),
    ("leading zero", b'{"v":01}', "$: "),
    ("comment", b'{"v":1} // one', "$: extra data"),
    ("HTML", b"<!DOCTYPE html><title>log in</title>", "$: an HTML page"),
    ("HTML after blanks", b"\n  <html>", "$: an HTML page"),
    ("text", b"Invalid path: /x", "$: expecting value at character 0"),
]


@pytest.mark.parametrize(("body", "problem"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(body: bytes, problem: str) -> None:
    with pytest.raises(DecodeError) as caught:
        strict.parse(body)
    assert len(caught.value.problems) == 1
    assert problem in caught.value.problems[0]
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("body", [row[1] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_an_error_never_quotes_the_document(body: bytes) -> None:
    hidden = body.replace(b"v", CANARY.encode()).replace(b"abc", CANARY.encode())
    for variant in (hidden, b'{"token":"' + CANARY.encode() + b'","rest":' + body, body + CANARY.encode()):
        with pytest.raises(DecodeError) as caught:
            strict.parse(variant)
        shown = [str(caught.value), repr(caught.value), *caught.value.problems, caught.value.hint]
        assert not any(CANARY in text for text in shown)


def test_the_greatest_depth_is_read() -> None:
    value = strict.parse(b"[" * DEEP + b"]" * DEEP)
    depth = 0
    while value:
        depth, value = depth + 1, value[0]
    assert depth == DEEP - 1
    assert strict.parse(b'{"a":' * DEEP + b"1" + b"}" * DEEP)["a"]["a"]


def test_a_surrogate_pair_is_one_character() -> None:
    assert strict.parse(b'"\\ud83d\\ude00 \\\\ud800"') == "😀 \\ud800"


@given(st.binary(max_size=40))
def test_no_body_raises_anything_else(body: bytes) -> None:
    try:
        value = strict.parse(body)
    except DecodeError:
        return
    assert json.loads(body) == value


def test_a_request_is_compact_and_not_escaped() -> None:
    assert (
        strict.dump({"名": "<😀&>", "n": [1, 1.5, True, None]})
        == '{"名":"<😀&>","n":[1,1.5,true,null]}'.encode()
    )


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), JSON, max_size=4))
def test_a_request_says_what_was_given(value: dict[str, Any]) -> None:
    assert strict.parse(strict.dump(value)) == value


CIRCLE: dict[str, Any] = {}
CIRCLE["again"] = CIRCLE


@pytest.mark.parametrize(
    "value",
    [
        {"v": float("nan")},
        {"v": float("inf")},
        {"v": "\ud800"},
        {"v": {1, 2}},
        {"v": b"x"},
        {("a",): 1},
        CIRCLE,
    ],
    ids=["NaN", "infinity", "surrogate", "set", "bytes", "key", "circle"],
)
def test_a_request_that_json_cannot_carry_is_refused_before_it_is_sent(value: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"^the request holds a value that JSON cannot carry"):
        strict.dump(value)
