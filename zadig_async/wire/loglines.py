r"""The lines of a job's log, the same from its live stream and from its archive.

What the server makes of a line when it streams it (Zadig v4.1.0
pkg/microservice/aslan/core/log/service/sse.go:113-139 and 373-394, gin-contrib/sse 0.1.0 `writeData`). <CR>
is a carriage return, <LF> a line feed, and \r two characters, a backslash and an r, which is how gin writes
<CR>:

    line                   data of its events, in order
    text                   "text"           job containers: white space at both ends is trimmed
                           "text<LF>"       VM jobs, and deploy jobs from v4.2 on
    text<CR>               "text\r", "<LF>\r"
    10%<CR>20%<CR>30%      "10%\r", "20%\r", "30%<LF>\r"

The events of one line are sent together once its line feed is there, so a progress bar does not move while it
runs. `LogParser` puts them together again: one `LogLine` for one line of the log. What cannot be undone:

- A user's own text that ends in a backslash and an r looks like a piece of a longer line. It is held until
  the next event, which tells it apart, unless that one does begin such a line: then the two are joined.
- A log's last line without a line feed keeps its inner \r (job containers) or is not streamed at all (VM
  jobs).
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Final, NamedTuple

from zadig_async.wire.sse import DEFAULT_MAX_LINE, MESSAGE, SseEvent, SseParser

_ESCAPED_CR: Final = "\\r"
_LAST_PIECE: Final = "\n" + _ESCAPED_CR
# What Go's strings.TrimSpace trims: str.isspace() without U+001C to U+001F.
_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_END_MARKER: Final = re.compile(
    r"={22} (?:job-executor|Job Executor|Deploy Job) End\. Duration: [0-9]+\.[0-9]{2} seconds ={22}"
)


class LogLine(NamedTuple):
    """One line of a job's log.

    Attributes:
        text: The line without its end. Holds no line feed; holds carriage returns where a progress bar wrote
            over itself; terminal colours are kept.
        truncated: The line was too long to keep whole: `text` is its beginning.
    """

    # A tuple for the reason `SseEvent` is one.
    text: str
    truncated: bool = False


class LogParser:
    """Turns the chunks of one live log stream into lines.

    What it keeps between chunks is bounded by a small multiple of `max_line`. A line that the stream ends in
    the middle of is never returned.
    """

    __slots__ = ("_events", "_held", "_max_line", "_pieces", "_truncated")

    def __init__(self, max_line: int = DEFAULT_MAX_LINE) -> None:
        """Start at the beginning of a stream.

        Args:
            max_line: Most bytes to keep of one line of the stream; a line of the log that takes several of
                them may grow to twice that.

        Raises:
            ValueError: `max_line` is too small, see `SseParser`.
        """
        self._events = SseParser(max_line)
        self._max_line = max_line
        self._pieces: list[str] = []
        self._held = 0
        self._truncated = False

    def feed(self, chunk: bytes) -> list[LogLine]:
        """Take the next bytes of the stream; return the lines they complete."""
        before, plain, after = self._events.feed_parts(chunk)
        lines: list[LogLine] = []
        self._read(before, lines)
        if plain:
            self._release(lines)
            lines += _whole(plain)
        self._read(after, lines)
        return lines

    def _read(self, events: list[SseEvent], lines: list[LogLine]) -> None:
        for kind, data, truncated in events:
            if kind != MESSAGE:
                continue
            if data.endswith(_LAST_PIECE):
                self._hold(data.removesuffix(_LAST_PIECE), truncated)
                self._join(lines)
            elif data.endswith(_ESCAPED_CR):
                self._hold(data.removesuffix(_ESCAPED_CR), truncated)
            else:
                self._release(lines)
                lines += _split(data.removesuffix("\n"), truncated)

    def _hold(self, piece: str, truncated: bool) -> None:
        if self._truncated or self._held > self._max_line:
            self._truncated = True
            return
        self._pieces.append(piece)
        self._held += len(piece) + 1
        self._truncated = truncated

    def _join(self, lines: list[LogLine]) -> None:
        """Add what was held as the one line it is."""
        lines += _split("\r".join(self._pieces), self._truncated)
        self._forget()

    def _release(self, lines: list[LogLine]) -> None:
        """Add what was held as the lines it turned out to be: each ends in a backslash and an r."""
        if self._pieces:
            lines += [LogLine(piece + _ESCAPED_CR, self._truncated) for piece in self._pieces]
            self._forget()

    def _forget(self) -> None:
        self._pieces.clear()
        self._held = 0
        self._truncated = False


class ArchiveParser:
    """Turns the chunks of one archived log into lines, those `log_archive_lines` finds in its text.

    What it keeps between chunks is bounded by `max_line`, however long a line is.
    """

    __slots__ = ("_cut", "_max_line", "_tail")

    def __init__(self, max_line: int = DEFAULT_MAX_LINE) -> None:
        """Start at the beginning of a log.

        Args:
            max_line: Most bytes to keep of one line; the rest is dropped as it arrives, and the line says so.

        Raises:
            ValueError: `max_line` is below 1.
        """
        if max_line < 1:
            raise ValueError(f"max_line must be at least 1 byte, not {max_line}")
        self._max_line = max_line
        self._tail = bytearray()
        self._cut = False

    def feed(self, chunk: bytes) -> list[LogLine]:
        """Take the next bytes of the log; return the lines they complete."""
        end = chunk.rfind(b"\n")
        if end < 0:
            self._keep(chunk)
            return []
        start = 0
        lines: list[LogLine] = []
        if self._tail:
            start = chunk.find(b"\n") + 1
            self._keep(chunk[: start - 1])
            lines += self.finish()
        if start <= end:
            lines += self._read(chunk[start:end])
        self._keep(chunk[end + 1 :])
        return lines

    def finish(self) -> list[LogLine]:
        """Return the last line where no line feed ended it, else nothing. The log ends here."""
        if not self._tail:
            return []
        # Not final where the line was cut: half a character at its end is left out, not replaced.
        text, _ = codecs.utf_8_decode(self._tail, "replace", not self._cut)
        lines = _split(text, self._cut)
        self._tail.clear()
        self._cut = False
        return lines

    def _read(self, block: bytes) -> list[LogLine]:
        """Return the lines of a block that begins and ends where lines do."""
        if len(block) <= self._max_line:
            return _split(block.decode(errors="replace"), truncated=False)
        lines: list[LogLine] = []
        for line in block.split(b"\n"):
            self._keep(line)
            lines += self.finish() or _split("", truncated=False)
        return lines

    def _keep(self, part: bytes) -> None:
        room = self._max_line - len(self._tail)
        self._cut |= len(part) > room
        self._tail += part[:room]


def log_archive_lines(text: str) -> list[LogLine]:
    """Split an archived log into the lines its live stream would have given.

    To compare the two, take `normalise_line(line.text)` of both; a truncated line is the beginning of its
    original.
    """
    return _split(text.removesuffix("\n"), truncated=False) if text else []


def normalise_line(text: str) -> str:
    """Drop from a line what its way to us may have dropped: white space around it and around its <CR>s.

    That is what the server trims from live lines (Go's `strings.TrimSpace`) and the one space an event stream
    cannot keep at the start of its data.
    """
    if "\r" in text:
        text = "\r".join([piece.strip(_SPACE) for piece in text.split("\r")])
    return text.strip(_SPACE)


def is_end_marker(text: str) -> bool:
    """Tell whether a line is the last one its executor writes, whatever the job's result.

    Job containers, VM agents and (from Zadig v4.2) deploy jobs have one each. A hint only: a killed job
    writes none, and a user's script can print one.

    Sources: Zadig v4.1.0 pkg/microservice/jobexecutor/executor/executor.go:100 and
    pkg/cli/zadig-agent/internal/agent/job/job_executor.go:252; v5.0.0
    pkg/microservice/aslan/core/common/service/workflowcontroller/jobcontroller/job_deploy.go:99.
    """
    return _END_MARKER.fullmatch(normalise_line(text)) is not None


def _split(text: str, truncated: bool) -> list[LogLine]:
    texts = text.split("\n")
    if "\r" in text:
        texts = [line.rstrip("\r") for line in texts]
    return [LogLine(line, truncated=True) for line in texts] if truncated else [*_whole(texts)]


def _whole(texts: Iterable[str]) -> Iterator[LogLine]:
    """Make lines that were not cut, without a call of Python code for each: that halves what they cost."""
    return map(tuple.__new__, repeat(LogLine), zip(texts, repeat(False)))
