"""Events of logs, as short to write as a test needs, and a writer that remembers."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import attrs

from zadig_async.model.ids import TaskRef
from zadig_async.model.log import LogGap, LogReport
from zadig_async.orchestrator import events
from zadig_async.wire.loglines import LogLine

REF: Final = TaskRef("shop", "deploy-api", 57)
JOB: Final = "job-0-0-0-build"

NOON: Final = datetime(2030, 1, 2, 12, 0, 0, 7000, tzinfo=timezone(timedelta(hours=8)))
START: Final = datetime(2030, 1, 2, tzinfo=UTC)

EVIL: Final = "\x1b]0;owned\x07\x1b[2Ared\u202etxt\u202c"
"""Text of somebody who attacks the terminal; harmless, it reads `redtxt`."""


def lines(
    *texts: str | LogLine, job: str = JOB, ref: TaskRef = REF, attempt: int = 1, fills: LogGap | None = None
) -> events.LogLines:
    kept = tuple(text if isinstance(text, LogLine) else LogLine(text) for text in texts)
    return events.LogLines(workflow=ref.of, ref=ref, job=job, attempt=attempt, lines=kept, fills=fills)


def opened(*, job: str = JOB, ref: TaskRef = REF, attempt: int = 1) -> events.LogOpened:
    return events.LogOpened(workflow=ref.of, ref=ref, job=job, attempt=attempt)


def missing(after: int, count: int | None, *, job: str = JOB) -> events.LogMissing:
    return events.LogMissing(workflow=REF.of, ref=REF, job=job, gap=LogGap(after, count))


def unavailable(reason: str, *, job: str = JOB) -> events.LogUnavailable:
    return events.LogUnavailable(workflow=REF.of, ref=REF, job=job, type="zadig-deploy", reason=reason)


def closed(
    complete: bool | None = True,
    reason: str = "equal to the archive",
    *,
    count: int = 2,
    gaps: tuple[LogGap, ...] = (),
    job: str = JOB,
    ref: TaskRef = REF,
    attempt: int = 1,
) -> events.LogClosed:
    report = LogReport(lines=count, gaps=gaps, complete=complete, digest="d1", reason=reason)
    return events.LogClosed(workflow=ref.of, ref=ref, job=job, attempt=attempt, report=report)


@attrs.define
class Paper:
    """Takes what a sink writes."""

    texts: list[str] = attrs.field(factory=list)

    async def write(self, text: str) -> None:
        self.texts.append(text)

    @property
    def lines(self) -> list[str]:
        return "".join(self.texts).splitlines()
