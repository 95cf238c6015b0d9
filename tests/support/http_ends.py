"""Where HTTP/1.1 messages end: as much of the grammar as it takes to tell one exchange from the next.

It changes nothing and refuses nothing. What it cannot understand has no end but that of its connection.
"""

from typing import Final, NamedTuple, Protocol

HEAD_END: Final = b"\r\n\r\n"

_LARGEST_HEAD: Final = 1024 * 1024
"""Bytes after which no end of a head is expected any more."""


class Body(Protocol):
    """Follows a body as its bytes come.

    Attributes:
        done: Whether its last byte has come.
    """

    done: bool

    def take(self, data: bytes, start: int) -> int:
        """Take what is the body's from `start` on, and return where it stops in `data`."""


class Sized:
    """A body of a length known beforehand."""

    __slots__ = ("_left", "done")

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0

    def take(self, data: bytes, start: int) -> int:
        stop = min(len(data), start + self._left)
        self._left -= stop - start
        self.done = self._left == 0
        return stop


class Chunked:
    """A body in chunks, which ends after the trailers of an empty one."""

    __slots__ = ("_line", "_skip", "_trailers", "done")

    def __init__(self) -> None:
        self._line = b""
        self._skip = 0
        self._trailers = False
        self.done = False

    def take(self, data: bytes, start: int) -> int:
        while not self.done:
            step = min(self._skip, len(data) - start)
            self._skip -= step
            start += step
            end = data.find(b"\n", start)
            if end < 0:
                self._line += data[start:]
                return len(data)
            line, self._line = self._line + data[start:end], b""
            start = end + 1
            self._read(line.strip())
        return start

    def _read(self, line: bytes) -> None:
        if self._trailers:
            self.done = not line
            return
        length = chunk_length(line)
        if length is None:
            self._skip = 1 << 62  # no chunk begins like this, so nobody can say where it ends
        elif length == 0:
            self._trailers = True
        else:
            self._skip = length + len(b"\r\n")


class Endless:
    """A body that ends with its connection."""

    __slots__ = ("done",)

    def __init__(self) -> None:
        self.done = False

    def take(self, data: bytes, start: int) -> int:
        return len(data)


class RequestHead(NamedTuple):
    """What the head of a request says.

    Attributes:
        method: The method; empty where this is no HTTP.
        target: What is asked for, as it was sent.
        stop: Where the head ends in the bytes it was read from.
        body: The body to follow.
        last: Whether the client wants the connection closed after the answer.
    """

    method: str
    target: str
    stop: int
    body: Body
    last: bool


def request_head(data: bytes) -> RequestHead | None:
    """Read the head of a request, or return None where its end has not come yet."""
    line_end = data.find(b"\r\n")
    if line_end < 0:
        return None if len(data) < _LARGEST_HEAD else _no_request()
    words = data[:line_end].split(b" ")
    if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
        return _no_request()
    end = data.find(HEAD_END, line_end)
    if end < 0:
        return None if len(data) < _LARGEST_HEAD else _no_request()
    fields = data[line_end : end + 2].lower()
    return RequestHead(
        method=words[0].decode("latin-1"),
        target=words[1].decode("latin-1"),
        stop=end + len(HEAD_END),
        body=_announced(fields) or Sized(0),
        last=b"\r\nconnection: close\r\n" in fields,
    )


class AnswerEnd:
    """Finds the end of the answer to one request.

    Attributes:
        done: Whether the last byte has come.
        endless: Whether only the connection, or the last chunk of a stream, will tell the end.
    """

    __slots__ = ("_body", "_head", "_method", "done")

    def __init__(self, method: str) -> None:
        self._method = method
        self._head = b""
        self._body: Body | None = None
        self.done = False

    @property
    def begun(self) -> bool:
        """Whether the whole head of the final answer has come."""
        return self._body is not None

    @property
    def endless(self) -> bool:
        """Whether the head, if it has come, does not say how long the answer is."""
        return not isinstance(self._body, Sized)

    def take(self, data: bytes) -> int:
        """Take what is the answer's, and return how many of these bytes that was."""
        if self._body is not None:
            stop = self._body.take(data, 0)
            self.done = self._body.done
            return stop
        before = len(self._head)
        data = self._head + data
        start = 0
        while True:
            end = data.find(HEAD_END, start)
            if end < 0 and len(data) < _LARGEST_HEAD:
                self._head = data[start:]
                return len(data) - before
            body = _answer_body(data[start : end + 2], self._method)
            start = end + len(HEAD_END)
            if body is not None:
                break
        self._head = b""
        self._body = body
        stop = body.take(data, start)
        self.done = body.done
        return stop - before


def dechunked(body: bytes) -> bytes:
    """Return what a whole body in chunks holds; of one cut short, the whole chunks."""
    pieces: list[bytes] = []
    start = 0
    while (end := body.find(b"\n", start)) >= 0:
        length = chunk_length(body[start:end])
        if not length:
            break
        pieces.append(body[end + 1 : end + 1 + length])
        start = end + 1 + length + len(b"\r\n")
    return b"".join(pieces)


def chunk_length(line: bytes) -> int | None:
    """Return the length a chunk's first line says, or None where it says none."""
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError:
        return None


def _no_request() -> RequestHead:
    return RequestHead("", "", 0, Endless(), last=True)


def _answer_body(head: bytes, method: str) -> Body | None:
    """Return the body that follows a head, or None where the head is an interim one."""
    status = head[9:12]
    if not head.startswith(b"HTTP/1.") or not status.isdigit():
        return Endless()
    if status.startswith(b"1"):
        return None
    if method == "HEAD" or status in {b"204", b"304"}:
        return Sized(0)
    return _announced(head[head.find(b"\r\n") :].lower()) or Endless()


def _announced(fields: bytes) -> Body | None:
    """Return the body that these header fields, in lower case, announce."""
    if b"chunked" in _field(fields, b"\r\ntransfer-encoding:"):
        return Chunked()
    length = _field(fields, b"\r\ncontent-length:").strip()
    if not length:
        return None
    return Sized(int(length)) if length.isdigit() else Endless()


def _field(fields: bytes, name: bytes) -> bytes:
    start = fields.find(name)
    if start < 0:
        return b""
    start += len(name)
    return fields[start : fields.find(b"\r\n", start)]
