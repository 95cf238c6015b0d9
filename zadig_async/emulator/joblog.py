"""What a job prints and when, where that is kept, and how the live log would show it."""

import bisect
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum, auto, unique
from operator import itemgetter

import attrs

from zadig_async.emulator.script import JobScript

__all__ = ["JobLog", "Source", "frames", "source_of", "stamp"]

_CHINA = timezone(timedelta(hours=8))


@unique
class Source(Enum):
    """Where the log of a job is kept until it is archived."""

    CONTAINER = auto()
    """In a file of the kubelet, read through the API of Kubernetes."""
    VM = auto()
    """In Redis, where the agent of a VM puts it."""
    DEPLOY = auto()
    """In Redis, where the deploy job itself puts it."""


_CONTAINERS = frozenset(
    {
        "zadig-build",
        "freestyle",
        "zadig-test",
        "zadig-scanning",
        "zadig-distribute-image",
        "plugin",
        "build",
    }
)
_DEPLOYS = frozenset({"zadig-deploy", "zadig-helm-deploy"})
_DEPLOYS_SINCE = (4, 2, 0)

_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What Go's `strings.TrimSpace` trims."""

_RULE = "=" * 22

_LINGERS = 2.0
"""Seconds for which the log of an ended job can still be read live: a pod that is about to be deleted."""


def source_of(job_type: str, release: tuple[int, int, int]) -> Source | None:
    """Where a server of this release keeps the log of such a job; None where it keeps none.

    Source: Zadig v4.1.0 core/log/service/sse.go:182, v4.2.0 core/log/service/sse.go:229.
    """
    if job_type in _CONTAINERS:
        return Source.CONTAINER
    if job_type == "zadig-vm-deploy":
        return Source.VM
    return Source.DEPLOY if job_type in _DEPLOYS and release >= _DEPLOYS_SINCE else None


def stamp(moment: float) -> str:
    """A moment as the executor prints it (the executors of the demo run in China)."""
    return datetime.fromtimestamp(moment, UTC).astimezone(_CHINA).strftime("%Y-%m-%d %H:%M:%S")


@attrs.define
class JobLog:
    """The output of one attempt.

    `lines` are planned ahead; those later than the end never come. `rotation` is the number of lines after
    which the kubelet begins a new file, or None where there is but one.
    """

    source: Source | None
    lines: list[tuple[float, str]]
    started: float
    rotation: int | None = None
    ended: float | None = None
    gone: float | None = None

    @classmethod
    def plan(
        cls, source: Source | None, job_type: str, script: JobScript, started: float, rotation: int | None
    ) -> "JobLog":
        """Plan the output of an attempt that begins to run at `started`."""
        lines: list[tuple[float, str]] = []
        match source:
            case Source.CONTAINER | Source.VM:
                lines.append((started, f"{_RULE} job-executor Start {_RULE}"))
                lines.append((started, f"[{stamp(started)}]   Job Type: {job_type}"))
            case Source.DEPLOY:
                lines.append((started, f"{_RULE} Deploy Job Start {_RULE}"))
        written = [(line.at, text) for line in script.log for text in line.texts()]
        share = script.duration / (len(written) + 1)
        for number, (at, text) in enumerate(written, 1):
            lines.append((started + (share * number if at is None else at), text))
        lines.sort(key=itemgetter(0))
        kept = rotation if source is Source.CONTAINER else None
        return cls(source=source, lines=lines, started=started, rotation=kept)

    def close(self, moment: float, status: str) -> None:
        """End the output: later lines are dropped, and an executor that ended by itself says how it went."""
        del self.lines[self.printed(moment) :]
        took = f"Duration: {moment - self.started:.2f} seconds"
        match self.source:
            case Source.CONTAINER | Source.VM if status in ("passed", "failed"):
                word = "success" if status == "passed" else "fail"
                self.lines.append((moment, f"[{stamp(moment)}]   Job Status: {word}"))
                self.lines.append((moment, f"{_RULE} job-executor End. {took} {_RULE}"))
            case Source.DEPLOY:
                self.lines.append((moment, f"{_RULE} Deploy Job End. {took} {_RULE}"))
        self.ended = moment
        self.gone = moment + _LINGERS

    def readable(self, moment: float) -> bool:
        """Whether there is something to read live; a VM's log can be read only while its job runs."""
        if self.source is Source.VM:
            return self.ended is None
        return self.gone is None or moment <= self.gone

    def printed(self, moment: float) -> int:
        """How many lines have been printed by `moment`."""
        return bisect.bisect_right(self.lines, moment, key=itemgetter(0))

    def kept_from(self, moment: float) -> int:
        """How many of the lines printed by `moment` are lost: the kubelet gives its newest file only."""
        if self.rotation is None:
            return 0
        count = self.printed(moment)
        return count - count % self.rotation

    def text(self, moment: float) -> str:
        """What is kept of the log at `moment`."""
        kept = self.lines[self.kept_from(moment) : self.printed(moment)]
        return "".join(f"{line}\n" for _, line in kept)


def frames(line: str, source: Source) -> bytes:
    """The SSE frames of one log line.

    A line with carriage returns is cut at each of them and every piece carries the return as the two
    characters backslash and r; any other line of a container loses the white space at both ends, and one that
    comes from Redis keeps its newline (Zadig v4.1.0 core/log/service/sse.go:124 and 373, gin-contrib/sse).
    """
    if "\r" in line:
        pieces = [f"{piece}\r" for piece in f"{line}\n".split("\r")]
    elif source is Source.CONTAINER:
        pieces = [line.strip(_SPACE)]
    else:
        pieces = [f"{line}\n"]
    return b"".join(_frame(piece) for piece in pieces)


def _frame(data: str) -> bytes:
    escaped = data.replace("\n", "\ndata:").replace("\r", "\\r")
    return f"event:message\ndata:{escaped}\n\n".encode("utf-8", "replace")
