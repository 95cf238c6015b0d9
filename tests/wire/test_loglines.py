"""Log lines: what the server does to them on the way is undone, and live and archived logs compare equal."""

import codecs
import re
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zadig_async.wire.loglines import (
    ArchiveParser,
    LogLine,
    LogParser,
    is_end_marker,
    log_archive_lines,
    normalise_line,
)

END = "====================== job-executor End. Duration: 122.41 seconds ======================"

ARCHIVE = (
    "====================== job-executor Start ======================\n"
    "[2026-01-15 10:00:04]   Job Type: zadig-build\n"
    "[2026-01-15 10:00:05]   正在拉取代码 mall/shop-api@release/1.8\n"
    "\n"
    "    indented by the tool\n"
    "\x1b[32mok\x1b[0m tests 214 passed, 0 failed <all> & done\n"
    " 10% [=>   ]\r 60% [===> ]\r100% [=====]\n"
    "windows line\r\n"
    "data: looks like an SSE field\n"
    "[2026-01-15 10:02:06]   Job Status: success\n"
    f"{END}\n"
)

LIVE = [
    "====================== job-executor Start ======================",
    "[2026-01-15 10:00:04]   Job Type: zadig-build",
    "[2026-01-15 10:00:05]   正在拉取代码 mall/shop-api@release/1.8",
    "",
    "indented by the tool",
    "\x1b[32mok\x1b[0m tests 214 passed, 0 failed <all> & done",
    " 10% [=>   ]\\r",
    " 60% [===> ]\\r",
    "100% [=====]\ndata:\\r",
    "windows line\\r",
    "\ndata:\\r",
    "data: looks like an SSE field",
    "[2026-01-15 10:02:06]   Job Status: success",
    END,
]

LIVE_LINES = [
    "====================== job-executor Start ======================",
    "[2026-01-15 10:00:04]   Job Type: zadig-build",
    "[2026-01-15 10:00:05]   正在拉取代码 mall/shop-api@release/1.8",
    "",
    "indented by the tool",
    "\x1b[32mok\x1b[0m tests 214 passed, 0 failed <all> & done",
    "10% [=>   ]\r60% [===> ]\r100% [=====]",
    "windows line",
    "data: looks like an SSE field",
    "[2026-01-15 10:02:06]   Job Status: success",
    END,
]


def frames(*data: str) -> bytes:
    return "".join(f"event:message\ndata:{each}\n\n" for each in data).encode()


def lines_of(*chunks: bytes, max_line: int = 1_048_576) -> list[LogLine]:
    parser = LogParser(max_line)
    return [line for chunk in chunks for line in parser.feed(chunk)]


def texts_of(*chunks: bytes) -> list[str]:
    lines = lines_of(*chunks)
    assert not [line for line in lines if line.truncated]
    return [line.text for line in lines]


GO_SPACE = "".join(c for c in map(chr, range(0x3001)) if c.isspace() and c not in "\x1c\x1d\x1e\x1f")


def served(log: str, *, trimmed: bool) -> bytes:
    """The bytes Zadig v4.1.0 streams for a log: `trimmed` for a job container's, not for a VM job's."""
    sent = []
    for line in re.findall(r"[^\n]*\n", log):
        if "\r" in line:
            sent += [segment + "\r" for segment in line.split("\r")]
        else:
            sent.append(line.strip(GO_SPACE) if trimmed else line)
    return frames(*(data.replace("\r", "\\r").replace("\n", "\ndata:") for data in sent))


def normalised(lines: list[LogLine]) -> list[str]:
    return [normalise_line(line.text) for line in lines]


def test_a_live_log_reads_as_its_archive_however_it_is_cut() -> None:
    stream = frames(*LIVE)
    assert served(ARCHIVE, trimmed=True) == stream
    assert texts_of(stream) == LIVE_LINES
    assert texts_of(*(stream[i : i + 1] for i in range(len(stream)))) == LIVE_LINES
    for cut in range(len(stream)):
        assert texts_of(stream[:cut], stream[cut:]) == LIVE_LINES
    assert normalised(log_archive_lines(ARCHIVE)) == normalised(lines_of(stream))


LOGS = st.lists(
    st.text(st.one_of(st.sampled_from("\r\r \ta1%=\x1f\x85\u3000构"), st.characters(codec="utf-8"))).filter(
        lambda line: "\n" not in line and "\\" not in line
    )
).map(lambda lines: "".join(f"{line}\n" for line in lines))


@given(LOGS, st.lists(st.integers(0, 300), max_size=5), st.booleans())
@example("a\r \r\n", [], True)
@example("\r\n\r\n", [], False)
def test_any_log_is_put_together_again(log: str, cuts: list[int], trimmed: bool) -> None:
    stream = served(log, trimmed=trimmed)
    live = lines_of(*cut_up(stream, cuts))
    assert normalised(live) == normalised(log_archive_lines(log))
    if not trimmed:
        # All that is lost is the one space an event stream cannot keep before its data.
        assert [line.text for line in live] == [
            "\r".join(piece.removeprefix(" ") for piece in line.split("\r")).rstrip("\r")
            for line in log.split("\n")[:-1]
        ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(["text"], ["text"], id="text"),
        pytest.param([""], [""], id="blank"),
        pytest.param(["text\ndata:"], ["text"], id="VM job"),
        pytest.param(["\ndata:"], [""], id="VM job, blank"),
        pytest.param(["text\\r", "\ndata:\\r"], ["text"], id="CRLF"),
        pytest.param(["\\r", "\ndata:\\r"], [""], id="CRLF, blank"),
        pytest.param(["\\r", "1%\\r", "2%\ndata:\\r"], ["\r1%\r2%"], id="progress"),
        pytest.param(["1%\\r", "2%\ndata:\\r", "next"], ["1%\r2%", "next"], id="progress, then text"),
        pytest.param(["a\\rb", "C:\\repo"], ["a\\rb", "C:\\repo"], id="escape elsewhere in the text"),
        pytest.param(["echo \\r"], [], id="may be a piece: held"),
        pytest.param(["echo \\r", "next"], ["echo \\r", "next"], id="was no piece: let go, short cut"),
        pytest.param(["a\\r", "b\\r", "c\ndata:"], ["a\\r", "b\\r", "c"], id="were no pieces: let go"),
        pytest.param(["a\\r", "b\\r", "c\ndata:\\r"], ["a\rb\rc"], id="cannot be told apart: joined"),
        pytest.param(["a\ndata:b"], ["a", "b"], id="two lines in one event"),
    ],
)
def test_events_become_lines(data: list[str], expected: list[str]) -> None:
    assert texts_of(frames(*data)) == expected
    assert texts_of(*(frames(each) for each in data)) == expected


def test_events_of_another_type_are_no_log_lines() -> None:
    assert texts_of(b"event:ping\ndata:x\n\n" + frames("y")) == ["y"]


def test_a_truncated_line_says_so() -> None:
    long = "x" * 99
    assert lines_of(frames(long, "next"), max_line=40) == [LogLine("x" * 35, truncated=True), LogLine("next")]
    assert lines_of(frames(f"{long}\ndata:\\r"), max_line=40) == [LogLine("x" * 35, truncated=True)]
    cut_after_escape = frames("x" * 33 + "\\rxxx", "more\ndata:\\r", "1%\\r", "2%\ndata:\\r")
    assert lines_of(cut_after_escape, max_line=40) == [LogLine("x" * 33, truncated=True), LogLine("1%\r2%")]


def test_a_line_of_too_many_pieces_is_cut_and_says_so() -> None:
    pieces = [f"{number:08}\\r" for number in range(9)]
    kept = LogLine("\r".join(f"{number:08}" for number in range(5)), truncated=True)
    stream = frames(*pieces, "end\ndata:\\r", "next")
    assert lines_of(stream, stream, max_line=40) == [kept, LogLine("next")] * 2
    whole = LogLine("\r".join(f"{number:08}" for number in range(4)) + "\rend")
    assert lines_of(frames(*pieces[:4], "end\ndata:\\r") * 3, max_line=40) == [whole] * 3


def test_lines_let_go_after_others_were_dropped_say_so() -> None:
    held = [f"{number:08}" for number in range(9)]
    lines = lines_of(frames(*(f"{each}\\r" for each in held), "next"), max_line=40)
    assert lines == [*(LogLine(f"{each}\\r", truncated=True) for each in held[:5]), LogLine("next")]


def test_memory_is_bounded_however_many_pieces_a_line_has() -> None:
    limit = 16_384
    parser = LogParser(limit)
    chunk = frames(*["\\r"] * 200)
    tracemalloc.start()
    try:
        for _ in range(300):
            assert parser.feed(chunk) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * limit
    assert parser.feed(frames("\ndata:\\r", "next"))[-1] == LogLine("next")


def test_the_limit_of_the_event_stream_holds() -> None:
    with pytest.raises(ValueError, match="at least 16 bytes"):
        LogParser(3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("\n", [""]),
        ("a\n\nb\n", ["a", "", "b"]),
        ("a\nunfinished", ["a", "unfinished"]),
        ("a\r\n\r\n", ["a", ""]),
        ("1%\r2%\n", ["1%\r2%"]),
        ("  a\u2028b\x0cc\x85d \n", ["  a\u2028b\x0cc\x85d "]),
    ],
)
def test_an_archive_is_split_at_line_feeds_only(text: str, expected: list[str]) -> None:
    assert log_archive_lines(text) == [LogLine(line) for line in expected]


def archived(*chunks: bytes, max_line: int = 1_048_576) -> list[LogLine]:
    parser = ArchiveParser(max_line)
    lines = [line for chunk in chunks for line in parser.feed(chunk)] + parser.finish()
    assert parser.finish() == []
    return lines


ARCHIVES = st.one_of(
    st.lists(st.sampled_from([b"\n", b"\n", b"\r", b"a", b" ", b"\xe6", b"\x9e", b"\x84", b"\xff"])).map(
        b"".join
    ),
    st.binary(),
    st.text().map(str.encode),
)
CUTS = st.lists(st.integers(0, 60), max_size=5)


def cut_up(stream: bytes, cuts: list[int]) -> list[bytes]:
    borders = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    return [stream[a:b] for a, b in pairwise(borders)]


@given(ARCHIVES, CUTS)
@example(b"\xe6\n\x9e\r\r\n", [1])
def test_an_archive_that_comes_in_pieces_reads_as_its_text(stream: bytes, cuts: list[int]) -> None:
    expected = log_archive_lines(stream.decode(errors="replace"))
    assert archived(stream) == expected
    assert archived(*cut_up(stream, cuts)) == expected
    assert all(type(line) is LogLine for line in expected)


def cut_lines(stream: bytes, max_line: int) -> list[LogLine]:
    """What `ArchiveParser` promises, one line at a time."""
    lines = []
    for raw in stream.removesuffix(b"\n").split(b"\n") if stream else []:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = decoder.decode(raw[:max_line], final=len(raw) <= max_line)
        lines.append(LogLine(text.rstrip("\r"), len(raw) > max_line))
    return lines


@given(ARCHIVES, CUTS, st.integers(1, 9))
@example("构构构\n构\n".encode(), [2, 7], 7)
@settings(max_examples=200)
def test_an_archive_keeps_of_a_line_what_it_may(stream: bytes, cuts: list[int], max_line: int) -> None:
    expected = cut_lines(stream, max_line)
    assert archived(stream, max_line=max_line) == expected
    assert archived(*cut_up(stream, cuts), max_line=max_line) == expected


def test_half_a_character_at_a_cut_is_left_out() -> None:
    assert archived("构构\nok".encode(), max_line=4) == [LogLine("构", truncated=True), LogLine("ok")]


def test_memory_is_bounded_however_long_a_line_of_an_archive_is() -> None:
    limit = 16_384
    parser = ArchiveParser(limit)
    tracemalloc.start()
    try:
        for _ in range(300):
            assert parser.feed(b"x" * 8_192) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * limit
    assert parser.feed(b"\nnext\n") == [LogLine("x" * limit, truncated=True), LogLine("next")]


@pytest.mark.parametrize("limit", [0, -1])
def test_an_archive_parser_that_may_keep_nothing_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="at least 1 byte"):
        ArchiveParser(limit)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  a  b\t", "a  b"),
        ("\u3000构建\xa0", "构建"),
        (" 1% \r  2%\r", "1%\r2%"),
        ("1%\t\r\u30002%", "1%\r2%"),
        ("\r \r1%", "1%"),
        ("\x1ea\x1f", "\x1ea\x1f"),
    ],
)
def test_normalising_trims_what_the_server_trims(text: str, expected: str) -> None:
    assert normalise_line(text) == expected


@given(st.text(st.sampled_from("\r \ta\x1f\u3000")))
def test_normalising_twice_is_normalising_once(text: str) -> None:
    assert normalise_line(normalise_line(text)) == normalise_line(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (END, True),
        (f"  {END}\r", True),
        (END.replace("job-executor", "Job Executor"), True),
        (END.replace("job-executor", "Deploy Job"), True),
        (END.replace("122.41", "0.00"), True),
        (END.replace("End. Duration: 122.41 seconds", "Start"), False),
        (f"echo {END}", False),
        (END.replace("122.41", "122"), False),
        (END.replace("job-executor", "my-executor"), False),
        ("", False),
    ],
)
def test_the_end_marker(text: str, expected: bool) -> None:
    assert is_end_marker(text) is expected
