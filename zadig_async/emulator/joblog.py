"""What a job prints and when, and how the two log endpoints would show it."""

from datetime import UTC, datetime, timedelta, timezone

import attrs

from zadig_async.emulator.script import JobScript

__all__ = ["LIVE_TYPES", "JobLog", "archived_types", "frames", "stamp"]

_CHINA = timezone(timedelta(hours=8))

LIVE_TYPES = frozenset(
    {
        "zadig-build",
        "zadig-vm-deploy",
        "freestyle",
        "zadig-test",
        "zadig-scanning",
        "zadig-distribute-image",
        "plugin",
        "build",
    }
)
"""Job types whose pod the live log endpoint can find (Zadig v4.1.0 core/log/service/sse.go:182)."""

archived_types = LIVE_TYPES
"""Job types whose log is uploaded at the end."""

_POD_LINGERS = 2.0
"""Seconds a finished pod is still there."""


def stamp(moment: float) -> str:
    """A moment as the executor prints it (the executors of the demo run in China)."""
    return datetime.fromtimestamp(moment, UTC).astimezone(_CHINA).strftime("%Y-%m-%d %H:%M:%S")


@attrs.define
class JobLog:
    """The output of one attempt. `lines` are planned ahead; those later than the end never come."""

    lines: list[tuple[float, str]]
    started: float
    ended: float | None = None
    gone: float | None = None

    @classmethod
    def plan(cls, job_type: str, script: JobScript, started: float) -> "JobLog":
        """Plan the output of an attempt that begins to run at `started`."""
        lines: list[tuple[float, str]] = []
        executor = job_type in LIVE_TYPES
        if executor:
            lines.append((started, "====================== job-executor Start ======================"))
            lines.append((started, f"[{stamp(started)}]   Job Type: {job_type}"))
        count = len(script.log)
        for index, line in enumerate(script.log):
            offset = script.duration * (index + 1) / (count + 1) if line.at is None else line.at
            lines.append((started + offset, line.text))
        lines.sort(key=lambda entry: entry[0])
        return cls(lines=lines, started=started)

    def close(self, moment: float, job_type: str, status: str) -> None:
        """End the output: later lines are dropped, and a pod that ended by itself says how it went."""
        self.lines = [entry for entry in self.lines if entry[0] <= moment]
        if job_type in LIVE_TYPES and status in ("passed", "failed"):
            word = "success" if status == "passed" else "fail"
            took = f"{moment - self.started:.2f}"
            end = f"====================== job-executor End. Duration: {took} seconds ======================"
            self.lines.append((moment, f"[{stamp(moment)}]   Job Status: {word}"))
            self.lines.append((moment, end))
        self.ended = moment
        self.gone = moment + _POD_LINGERS

    def pod_exists(self, moment: float) -> bool:
        """Whether a pod is there to read from."""
        return self.gone is None or moment <= self.gone

    def shown_until(self, moment: float) -> int:
        """How many lines have been printed by `moment`."""
        count = 0
        for when, _ in self.lines:
            if when > moment:
                break
            count += 1
        return count

    def text(self) -> str:
        """The whole log file."""
        return "".join(f"{line}\n" for _, line in self.lines)


def frames(line: str, job_type: str) -> bytes:
    """The SSE frames of one log line.

    A line with carriage returns is cut at each of them and every piece carries the return as the two
    characters backslash and r; any other line loses the white space at both ends, except that VM jobs keep
    their newline (Zadig v4.1.0 core/log/service/sse.go:124 and gin-contrib/sse).
    """
    if "\r" in line:
        pieces = [f"{piece}\r" for piece in f"{line}\n".split("\r")]
    elif job_type == "zadig-vm-deploy":
        pieces = [f"{line}\n"]
    else:
        pieces = [line.strip()]
    return b"".join(_frame(piece) for piece in pieces)


def _frame(data: str) -> bytes:
    escaped = data.replace("\n", "\ndata:").replace("\r", "\\r")
    return f"event:message\ndata:{escaped}\n\n".encode("utf-8", "replace")
