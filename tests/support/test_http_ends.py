"""The end of a message is found wherever its bytes are parted, and nothing beyond it is taken."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.http_ends import AnswerEnd, dechunked, request_head

LINE = b"HTTP/1.1 200 OK\r\n"
CHUNKS = b"5\r\nhello\r\n00B; name=value\r\n\r\n0\r\n\r\n\r\n-_\r\n"
ANSWERS = {
    "sized": ("GET", LINE + b"Content-Length: 5\r\n\r\nhello"),
    "sized in capitals": ("GET", LINE + b"CONTENT-LENGTH:5 \r\n\r\n\r\n\r\n1"),
    "empty": ("POST", LINE + b"Content-Length: 0\r\n\r\n"),
    "no content": ("DELETE", b"HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n"),
    "not modified": ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
    "to HEAD": ("HEAD", LINE + b"Content-Length: 9\r\n\r\n"),
    "chunks to HEAD": ("HEAD", LINE + b"Transfer-Encoding: chunked\r\n\r\n"),
    "chunks": ("GET", LINE + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS + b"0\r\n\r\n"),
    "trailers": (
        "GET",
        LINE + b"transfer-encoding: Chunked\r\n\r\n" + CHUNKS + b"0;x\r\nA: b\r\nC: d\r\n\r\n",
    ),
    "chunks before a length": (
        "GET",
        LINE + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS + b"0\r\n\r\n",
    ),
    "after interim ones": (
        "POST",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n"
        + LINE
        + b"Content-Length: 2\r\n\r\nok",
    ),
}
ENDLESS = {
    "until it closes": LINE + b"Content-Type: text/html\r\n\r\n<html>",
    "no HTTP": b"220 mail.example\r\n\r\nContent-Length: 2\r\n\r\nok",
    "a status of letters": b"HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\nok",
    "a length below zero": LINE + b"Content-Length: -1\r\n\r\n",
    "a chunk of letters": LINE + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
}
NEXT = b"HTTP/1.1 500 Next\r\n\r\n"


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:stop] for start, stop in pairwise(places)]


def taken(method: str, parts: list[bytes]) -> tuple[int, bool]:
    """How many bytes an answer takes of these, and whether it is done by then."""
    end = AnswerEnd(method)
    total = 0
    for part in parts:
        stop = end.take(part)
        total += stop
        if end.done or stop < len(part):
            break
    return total, end.done


@pytest.mark.parametrize(("method", "answer"), ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("more", [b"", NEXT])
def test_an_answer_ends_wherever_it_is_parted(method: str, answer: bytes, more: bytes) -> None:
    for cut in range(len(answer) + 1):
        assert taken(method, [answer[:cut], answer[cut:] + more]) == (len(answer), True)


@pytest.mark.parametrize("answer", [answer for method, answer in ANSWERS.values() if method != "HEAD"])
def test_an_answer_byte_by_byte(answer: bytes) -> None:
    end = AnswerEnd("GET")
    for at in range(len(answer)):
        assert not end.done
        assert end.take(answer[at : at + 1]) == 1
    assert end.done


@pytest.mark.parametrize("answer", ENDLESS.values(), ids=ENDLESS.keys())
@given(cuts=st.lists(st.integers(0, 90), max_size=5))
def test_what_only_a_close_ends(answer: bytes, cuts: list[int]) -> None:
    whole = answer + NEXT
    assert taken("GET", pieces(whole, cuts)) == (len(whole), False)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.lists(st.integers(0, 400), max_size=8))
def test_chunks_of_anything(chunks: list[bytes], cuts: list[int]) -> None:
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    answer = LINE + b"Transfer-Encoding: chunked\r\n\r\n" + body
    assert taken("GET", [*pieces(answer, cuts), NEXT]) == (len(answer), True)
    assert dechunked(body) == b"".join(chunks)


def test_when_an_answer_has_begun_and_whether_its_length_is_known() -> None:
    sized, endless = AnswerEnd("GET"), AnswerEnd("GET")
    sized.take(LINE)
    assert not sized.begun
    sized.take(b"Content-Length: 5\r\n\r\n")
    assert (sized.begun, sized.endless, sized.done) == (True, False, False)
    endless.take(LINE + b"Transfer-Encoding: chunked\r\n\r\n")
    assert (endless.begun, endless.endless) == (True, True)


def test_the_head_of_a_request() -> None:
    data = b"POST /a%2Fb?c=d HTTP/1.1\r\nHost: x\r\ncontent-length: 3\r\nConnection: Close\r\n\r\nabcGET"
    head = request_head(data)
    assert head is not None
    assert (head.method, head.target, data[head.stop :], head.last) == ("POST", "/a%2Fb?c=d", b"abcGET", True)
    assert data[head.body.take(data, head.stop) :] == b"GET"
    assert head.body.done


@pytest.mark.parametrize("fields", [b"", b"Transfer-Encoding: chunked\r\n"])
def test_requests_without_a_length(fields: bytes) -> None:
    body = b"1\r\na\r\n0\r\n\r\n" if fields else b""
    data = b"GET / HTTP/1.1\r\n" + fields + b"\r\n" + body + b"POST"
    head = request_head(data)
    assert head is not None
    assert not head.last
    assert head.body.done is not bool(fields)
    assert data[head.body.take(data, head.stop) :] == b"POST"


def test_a_head_that_is_not_complete() -> None:
    data = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    assert [request_head(data[:stop]) for stop in range(len(data))] == [None] * len(data)


@pytest.mark.parametrize("data", [b"EHLO me\r\n", b"GET /\r\n", b"GET / FTP/1\r\n\r\n", b"x" * 1_100_000])
def test_no_request_at_all(data: bytes) -> None:
    head = request_head(data)
    assert head is not None
    assert (head.method, head.stop, head.body.done) == ("", 0, False)
    assert head.body.take(data, 0) == len(data)
