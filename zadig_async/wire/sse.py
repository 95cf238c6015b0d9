r"""Event streams, pure and incremental: bytes in as they arrive, events out as they complete.

The grammar is the WHATWG one (HTML standard, section 9.2), whatever the sender and wherever the chunks are
cut. A short cut reads whole blocks of the one shape Zadig sends (gin-contrib/sse 0.1.0), with equal results:

    event:message\n
    data:<line>\n
    \n

The grammar drops one space after a colon. Zadig writes none there, so data that begins with spaces loses one.
The logs of job containers are trimmed by the server anyway: only VM jobs, deploy jobs and progress bars can
show it.
"""

import codecs
from typing import Final, NamedTuple

DEFAULT_MAX_LINE: Final = 1_048_576
"""Bytes kept of one line, and of one event's data, unless the caller says otherwise."""

MESSAGE: Final = "message"
"""The type of an event that names none, and the only type Zadig sends."""

_MIN_MAX_LINE: Final = 16
_BOM: Final = b"\xef\xbb\xbf"
_FRAME_START: Final = b"event:message\ndata:"
_FRAME_SEAM: Final = b"\n\n" + _FRAME_START
_TEXT_SEAM: Final = _FRAME_SEAM.decode()


class SseEvent(NamedTuple):
    """One dispatched event.

    Attributes:
        event: Its type, `MESSAGE` unless the stream names another.
        data: Its data lines joined by line feeds, undecodable bytes as U+FFFD; may be empty.
        truncated: A line of it, or its data, was longer than the parser keeps: the rest is lost.
    """

    # A tuple because it costs 0.15 us to make and a frozen attrs class 0.25: a log is one event a line.
    event: str
    data: str
    truncated: bool = False


class SseParser:
    """Turns the chunks of one stream into events.

    What it keeps between chunks is bounded: at most `max_line` bytes of an unfinished line and as many of the
    unfinished event's data. Longer ones are cut there, the rest is dropped as it arrives, and the event says
    so. An event that the stream ends in the middle of is never dispatched. `id` and `retry` are read over:
    Zadig sends neither and cannot resume a stream.
    """

    __slots__ = ("_after_cr", "_cut", "_data", "_event", "_max_line", "_started", "_tail", "_truncated")

    def __init__(self, max_line: int = DEFAULT_MAX_LINE) -> None:
        """Start at the beginning of a stream.

        Args:
            max_line: Most bytes to keep of one line, field name included, and of one event's data.

        Raises:
            ValueError: `max_line` is too small to hold a field name.
        """
        if max_line < _MIN_MAX_LINE:
            raise ValueError(f"max_line must be at least {_MIN_MAX_LINE} bytes, not {max_line}")
        self._max_line = max_line
        self._started = False
        self._after_cr = False
        self._tail = bytearray()
        self._cut = False
        self._data = bytearray()
        self._event = b""
        self._truncated = False

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Take the next bytes of the stream; return the events they complete."""
        events, plain, after = self.feed_parts(chunk)
        events += [SseEvent(MESSAGE, data) for data in plain]
        events += after
        return events

    def feed_parts(self, chunk: bytes) -> tuple[list[SseEvent], list[str], list[SseEvent]]:
        r"""Do what `feed` does, but leave the events of the short cut as bare strings, which is cheaper.

        Returns:
            Three lists in stream order: events; the data of `MESSAGE` events of one data line each that does
            not end in \r, gin's escape of a carriage return; events.
        """
        before: list[SseEvent] = []
        if self._tail or self._data or self._event or self._truncated:
            seam = chunk.find(_FRAME_SEAM)
            if seam < 0:
                return self._feed_any(chunk), [], []
            # The blank line at the seam ends whatever was open: what follows starts afresh.
            before = self._feed_any(chunk[: seam + 2])
            chunk = chunk[seam + 2 :]
        end = chunk.rfind(b"\n\n") + 2
        plain = self._read_frames(chunk[:end])
        if plain:
            self._started = True
            self._after_cr = False
            chunk = chunk[end:]
        return before, plain, self._feed_any(chunk)

    def _read_frames(self, block: bytes) -> list[str]:
        """Return the data of every frame if the block is Zadig's exact shape throughout, else nothing."""
        if (
            not block.startswith(_FRAME_START)
            or len(block) > self._max_line
            or b"\r" in block
            or (b"\\" in block and b"\\r\n" in block)  # one byte is found 50 times faster than three
        ):
            return []
        text = block[len(_FRAME_START) : -2].decode(errors="replace")
        lines = text.split(_TEXT_SEAM)
        if text.count("\n") != 3 * (len(lines) - 1):  # a line feed that is not part of a seam
            return []
        if min(lines) < "!":  # cheap to ask, and true if any line begins with a space
            return [line.removeprefix(" ") for line in lines]
        return lines

    def _feed_any(self, chunk: bytes) -> list[SseEvent]:
        """Read bytes by the general grammar."""
        events: list[SseEvent] = []
        if not chunk:
            return events
        if self._after_cr:
            chunk = chunk.removeprefix(b"\n")
        self._after_cr = chunk.endswith(b"\r")
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *ended, unfinished = chunk.split(b"\n")
        for part in ended:
            line, cut = part, False
            if self._tail or len(part) > self._max_line:
                self._keep(part)
                line, cut = bytes(self._tail), self._cut
                self._tail.clear()
                self._cut = False
            if not self._started:
                self._started = True
                line = line.removeprefix(_BOM)
            if line:
                self._read_field(line, cut)
            else:
                self._dispatch(events)
        self._keep(unfinished)
        return events

    def _keep(self, part: bytes) -> None:
        room = self._max_line - len(self._tail)
        if len(part) > room:
            self._cut = True
            part = part[:room]
        self._tail += part

    def _read_field(self, line: bytes, cut: bool) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._truncated |= cut
            self._data += value
            self._data += b"\n"
            if len(self._data) > self._max_line + 1:
                self._truncated = True
                self._data[self._max_line :] = b"\n"
        elif name == b"event":
            self._truncated |= cut
            self._event = value

    def _dispatch(self, events: list[SseEvent]) -> None:
        if self._data:  # a bare `data:` left its line feed here: an empty log line is an event too
            event = self._event.decode(errors="replace") or MESSAGE
            # Not final where the data was cut: half a character at its end is left out, not replaced.
            data, _ = codecs.utf_8_decode(self._data[:-1], "replace", not self._truncated)
            events.append(SseEvent(event, data, self._truncated))
            self._data.clear()
        self._event = b""
        self._truncated = False
