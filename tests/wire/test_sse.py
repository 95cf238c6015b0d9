"""The event stream parser: the grammar, any cuts, bounded memory, and the short cut that must not show."""

import codecs
import re
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zadig_async.wire.sse import DEFAULT_MAX_LINE, SseEvent, SseParser

BOM = b"\xef\xbb\xbf"
GIN = b"event:message\ndata:"

STREAM = """\
event:message
data:====================== job-executor Start ======================

event:message
data:[2026-01-15 10:00:04]   Job Type: zadig-build

event:message
data:[2026-01-15 10:00:05]   正在拉取代码 mall/shop-api@release/1.8

event:message
data:

event:message
data:indented by the tool

event:message
data:\x1b[32mok\x1b[0m tests 214 passed, 0 failed <all> & done

event:message
data: 10% [=>   ]\\r

event:message
data: 60% [===> ]\\r

event:message
data:100% [=====]
data:\\r

event:message
data:windows line\\r

event:message
data:
data:\\r

event:message
data:data: looks like an SSE field

event:message
data:[2026-01-15 10:02:06]   Job Status: success

event:message
data:====================== job-executor End. Duration: 122.41 seconds ======================

""".encode()

STREAM_DATA = [
    "====================== job-executor Start ======================",
    "[2026-01-15 10:00:04]   Job Type: zadig-build",
    "[2026-01-15 10:00:05]   正在拉取代码 mall/shop-api@release/1.8",
    "",
    "indented by the tool",
    "\x1b[32mok\x1b[0m tests 214 passed, 0 failed <all> & done",
    "10% [=>   ]\\r",
    "60% [===> ]\\r",
    "100% [=====]\n\\r",
    "windows line\\r",
    "\n\\r",
    "data: looks like an SSE field",
    "[2026-01-15 10:02:06]   Job Status: success",
    "====================== job-executor End. Duration: 122.41 seconds ======================",
]

VECTORS = {
    "basic": ([b"data: hello\n\n"], ["hello"]),
    "indentation is kept": ([b"data:     indented log\n\n"], ["    indented log"]),
    "lone CR": ([b"data: a\r\rdata: b\r\r"], ["a", "b"]),
    "CRLF cut in two": ([b"data: a\r", b"\n\r", b"\ndata: b\r\n\r\n"], ["a", "b"]),
    "character cut in two": (
        ["data: 构建完成\n\n".encode()[:8], "data: 构建完成\n\n".encode()[8:]],
        ["构建完成"],
    ),
    "other line separators": (["data: a\u2028b\x0cc\x85d\n\n".encode()], ["a\u2028b\x0cc\x85d"]),
    "byte order mark": ([BOM + b"data: x\n\n"], ["x"]),
    "empty data": ([b"data\n\ndata:\ndata:\n\n"], ["", "\n"]),
    "not UTF-8": ([b"data: \xb9\xb9\n\ndata: y\n\n"], ["\ufffd\ufffd", "y"]),
    "300 kB line": ([b"data: " + b"x" * 300_000 + b"\n\n"], ["x" * 300_000]),
    "unfinished": ([b"data: x\n\ndata: partial"], ["x"]),
    "comment": ([b": ping\n\n", b"data: z\n\n"], ["z"]),
}


def events_of(*chunks: bytes, max_line: int = DEFAULT_MAX_LINE) -> list[SseEvent]:
    parser = SseParser(max_line)
    return [event for chunk in chunks for event in parser.feed(chunk)]


def data_of(*chunks: bytes) -> list[str]:
    return [event.data for event in events_of(*chunks)]


def one_by_one(stream: bytes) -> list[bytes]:
    return [stream[i : i + 1] for i in range(len(stream))]


def read_at_once(stream: bytes, max_line: int) -> list[SseEvent]:
    """The standard's algorithm over a whole stream, with our limits and nothing clever."""
    events = []
    values: list[bytes] = []
    name = ""
    truncated = False
    *lines, _unfinished = re.split(rb"\r\n|\r|\n", stream)
    for number, whole in enumerate(lines):
        line = whole[:max_line]
        if number == 0 and line.startswith(BOM):
            line = line[len(BOM) :]
        if not line:
            if values:
                data = b"\n".join(values)
                truncated = truncated or len(data) > max_line
                decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
                text = decoder.decode(data[:max_line], final=not truncated)
                events.append(SseEvent(name or "message", text, truncated))
            values, name, truncated = [], "", False
            continue
        field, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if field in {b"data", b"event"} and len(whole) > max_line:
            truncated = True
        if field == b"data":
            values.append(value)
        elif field == b"event":
            name = value.decode(errors="replace")
    return events


PIECES = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [
            GIN + b"x\n\n",
            GIN + b"\n\n",
            GIN + b" padded\n\n",
            GIN + b"text\\r\n\n",
            GIN + b"a\\rb\n\n",
            GIN + "构建".encode() + b"\n\n",
            GIN + b"\xb9\xff\n\n",
            GIN + b"100%\ndata:\\r\n\n",
            GIN + b"vm\ndata:\n\n",
            GIN + b"a line of more than a few bytes\n\n",
            GIN + b"ends in CR\r\n\r\n",
            GIN + b"a\rdata:b\n\n",
            GIN,
            b"event:message\n",
            b"event: other\n",
            b"event:a name of more than a few bytes\n",
            b"data: y\n",
            b"data:\n",
            b"data",
            b": comment\n",
            b"id: 7\n",
            b"retry: 10\n",
            b"\n",
            b"\r",
            b"\r\n",
            BOM,
            "构".encode()[:2],
        ]
    ),
)
STREAMS = st.lists(PIECES, max_size=12).map(b"".join)
LIMITS = st.sampled_from([16, 24, 40, DEFAULT_MAX_LINE])


@pytest.mark.parametrize(("chunks", "expected"), VECTORS.values(), ids=VECTORS.keys())
def test_the_vectors_hold_however_they_are_cut(chunks: list[bytes], expected: list[str]) -> None:
    whole = b"".join(chunks)
    assert data_of(*chunks) == expected
    assert data_of(whole) == expected
    assert data_of(*one_by_one(whole)) == expected
    every = 1 if len(whole) < 1_000 else 10_007
    for cut in range(0, len(whole), every):
        assert data_of(whole[:cut], whole[cut:]) == expected


def test_what_the_server_sends_is_read_however_it_is_cut() -> None:
    expected = [SseEvent("message", data) for data in STREAM_DATA]
    assert events_of(STREAM) == expected
    assert events_of(*one_by_one(STREAM)) == expected
    for cut in range(len(STREAM)):
        assert events_of(STREAM[:cut], STREAM[cut:]) == expected


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        pytest.param(b"event: ping\ndata: 1\n\ndata: 2\n\n", [("ping", "1"), ("message", "2")], id="named"),
        pytest.param(b"event: ping\n\ndata: 2\n\n", [("message", "2")], id="a name alone is no event"),
        pytest.param(b"event: a\nevent: b\ndata: 1\n\n", [("b", "1")], id="the last name counts"),
        pytest.param(b"event:\ndata: 1\n\n", [("message", "1")], id="empty name"),
        pytest.param(b"id: 7\nretry: 10\ndata: 1\n\n", [("message", "1")], id="id and retry"),
        pytest.param(b"Data: 1\n data: 2\ndatum: 3\n\n", [], id="names are exact"),
        pytest.param(b"data:a: b\n\n", [("message", "a: b")], id="the first colon divides"),
        pytest.param(b"data: a\ndata: b\n\n", [("message", "a\nb")], id="lines are joined"),
        pytest.param(b"data: a\n\n\n\ndata: b\n\n", [("message", "a"), ("message", "b")], id="blank lines"),
        pytest.param(b"data: a\n" + BOM + b"data: b\n\n", [("message", "a")], id="a later mark is no mark"),
        pytest.param(BOM + BOM + b"data: a\n\n", [], id="only one mark is dropped"),
    ],
)
def test_fields(stream: bytes, expected: list[tuple[str, str]]) -> None:
    assert [(event.event, event.data) for event in events_of(stream)] == expected


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([b"data:a\r", b"\ndata:b\r", b"\n\r\n"], id="CRLF in two"),
        pytest.param([b"data:a\r", b"", b"\ndata:b\n\n"], id="CRLF around nothing"),
        pytest.param([b"data:a\r", b"\n", b"\n"], id="CRLF in two, then LF"),
        pytest.param([b"data:a\n", GIN + b"b\n\n"], id="data open"),
        pytest.param([b"dat", b"a:a\n\n" + GIN + b"b\n\n"], id="line open"),
        pytest.param([b"event:other\n", GIN + b"b\n\n", b"data:c\n\n"], id="name open"),
        pytest.param([b"event:" + b"x" * 90 + b"\nevent:\n", GIN + b"b\n\n"], id="mark open"),
        pytest.param([b"event:" + b"x" * 90 + b"\n\ndata:b\n\n"], id="mark of no event"),
        pytest.param([GIN + b"a\n\n", BOM + b"data:b\n\n"], id="mark of byte order after the first line"),
        pytest.param([BOM, GIN + b"a\n\n"], id="mark of byte order alone"),
    ],
)
def test_what_a_chunk_leaves_open_reaches_into_the_next(chunks: list[bytes]) -> None:
    assert events_of(*chunks, max_line=40) == read_at_once(b"".join(chunks), 40)


@settings(max_examples=1_000)
@given(STREAMS, st.lists(st.integers(0, 200), max_size=6), LIMITS)
def test_any_bytes_cut_anywhere_read_as_the_standard_says(
    stream: bytes, cuts: list[int], max_line: int
) -> None:
    borders = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    chunks = [stream[a:b] for a, b in pairwise(borders)]
    expected = read_at_once(stream, max_line)
    assert events_of(*chunks, max_line=max_line) == expected
    assert events_of(*one_by_one(stream), max_line=max_line) == expected


@given(STREAMS)
def test_the_short_cut_hands_out_whole_plain_lines_in_their_place(stream: bytes) -> None:
    before, plain, after = SseParser().feed_parts(stream)
    assert [*before, *(SseEvent("message", line) for line in plain), *after] == read_at_once(
        stream, DEFAULT_MAX_LINE
    )
    assert not [line for line in plain if "\n" in line or line.endswith("\\r")]


FRAMES = b"".join(GIN + line + b"\n\n" for line in (b"one", b"", "三".encode(), b"  C:\\repo", b"five"))
LINES = ["one", "", "三", " C:\\repo", "five"]


def test_the_short_cut_is_taken_and_found_again_after_a_cut() -> None:
    assert SseParser().feed_parts(FRAMES) == ([], LINES, [])

    parser = SseParser()
    assert parser.feed_parts(FRAMES + FRAMES[:10]) == ([], LINES, [])
    assert parser.feed_parts(FRAMES[10:]) == ([SseEvent("message", "one")], LINES[1:], [])


@pytest.mark.parametrize(
    "odd",
    [
        b"data:no name\n\n",
        b"event:message\ndata:vm\ndata:\n\n",
        b"event:message\ndata:progress\\r\n\n",
        b"event:message\ndata:crlf\r\n\r\n",
        b"event:message\ndata:a\rdata:b\n\n",
        b"event:message\n\n",
        b": comment\n\n",
        b"\n",
    ],
)
def test_the_short_cut_leaves_a_block_with_an_odd_frame_alone(odd: bytes) -> None:
    block = FRAMES + odd + FRAMES
    before, plain, after = SseParser().feed_parts(block)
    assert (before, plain) == ([], [])
    assert after == read_at_once(block, DEFAULT_MAX_LINE)


def test_a_line_too_long_is_cut_marked_and_forgotten() -> None:
    stream = b"data:" + b"x" * 90 + b"\n\ndata:next\n\n"
    expected = [SseEvent("message", "x" * 35, truncated=True), SseEvent("message", "next")]
    assert events_of(stream, max_line=40) == expected
    assert events_of(*one_by_one(stream), max_line=40) == expected
    assert events_of(GIN + b"x" * 90 + b"\n\n", max_line=40) == expected[:1]


def test_a_line_of_just_the_limit_is_whole() -> None:
    assert events_of(b"data:" + b"x" * 35 + b"\n\n", max_line=40) == [SseEvent("message", "x" * 35)]
    assert events_of(GIN + b"x" * 35 + b"\n\n", max_line=40) == [SseEvent("message", "x" * 35)]


def test_a_cut_leaves_no_half_character() -> None:
    stream = b"data:" + "构".encode() * 20 + b"\n\n"
    assert events_of(stream, max_line=40) == [SseEvent("message", "构" * 11, truncated=True)]


def test_data_of_many_lines_is_cut_too() -> None:
    assert events_of(b"data:12345678\n" * 2 + b"\n", max_line=17) == [
        SseEvent("message", "12345678\n12345678")
    ]
    cut = SseEvent("message", "12345678\n1234567", truncated=True)
    assert events_of(b"data:12345678\n" * 2 + b"\n", max_line=16) == [cut]
    assert events_of(b"data:12345678\n" * 9 + b"\n", max_line=16) == [cut]


def test_a_comment_too_long_marks_nothing() -> None:
    assert events_of(b":" + b"x" * 90 + b"\ndata:y\n\n", max_line=40) == [SseEvent("message", "y")]


@pytest.mark.parametrize(
    "content", [b"data:" + b"x" * 4_000_000, b"data:x\n" * 200_000], ids=["line", "event"]
)
def test_memory_is_bounded_whatever_the_stream_holds(content: bytes) -> None:
    limit = 65_536
    parser = SseParser(limit)
    tracemalloc.start()
    try:
        for start in range(0, len(content), 1400):
            assert parser.feed(content[start : start + 1400]) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * limit
    (event,) = parser.feed(b"\n\n")
    assert event.truncated
    assert limit - 5 <= len(event.data) <= limit


def test_a_line_of_four_megabytes_passes_in_network_sized_chunks() -> None:
    stream = b"data:" + b"x" * 4_000_000 + b"\n\n"
    parser = SseParser(8_000_000)
    (event,) = [e for start in range(0, len(stream), 1400) for e in parser.feed(stream[start : start + 1400])]
    assert event == SseEvent("message", "x" * 4_000_000)


def test_a_limit_that_cannot_hold_a_field_name_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 bytes, not 15"):
        SseParser(15)
