"""What was told of a log, held against what its job printed: a judge that shares no code with the client.

It listens as the `on_event` of an orchestrator:

    ear = LogEar()
    async with Orchestrator(zadig, RunPolicy(follow_logs=True), on_event=ear.take): ...
    verdict = judge(ear.logs["api", 1, "job-0-0-0-build", 1], printed)
    assert not verdict.wrongs
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final

import attrs

from zadig_async.model.log import LogGap, LogReport
from zadig_async.orchestrator import events

MASK: Final = "******"

_SPACE: Final = "".join(
    map(chr, [*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029])
) + "".join(map(chr, [0x202F, 0x205F, 0x3000]))
"""What is white space to Go (`unicode.IsSpace`)."""

NEAR: Final = 1024
"""Lines within which a hole stands that was noticed only when the log was compared with its archive."""

_COMPARED: Final = 262_144
"""Characters of a line that count: a longer one reaches a reader cut."""


def plain(text: str, secrets: Iterable[str] = ()) -> str:
    """Return what every way of a line to a reader leaves of it, secrets masked.

    A container's line without a carriage return is trimmed as a whole; any other is cut at each return, and
    the reader of an event stream drops a space after `data:`, which gin does not write (Zadig v4.1.0
    core/log/service/sse.go:113-139 and 373-394; gin-contrib/sse `writeData`). So white space around a line
    and around its returns is nobody's to keep.
    """
    for secret in secrets:
        text = text.replace(secret, MASK)
    return "\r".join(piece.strip(_SPACE) for piece in text.split("\r")).strip(_SPACE)[:_COMPARED]


def digest(lines: Iterable[str]) -> str:
    """Return the digest of lines that are plain."""
    state = blake2b(digest_size=16)
    for line in lines:
        state.update(f"{line}\n".encode("utf-8", "surrogatepass"))
    return state.hexdigest()


@attrs.define
class Stretch:
    """Lines told one after the other.

    Attributes:
        gap: The hole said before them, or None.
        fill: The lines that were told later to fill it, or None.
        lines: The lines.
    """

    gap: LogGap | None = None
    fill: list[str] | None = None
    lines: list[str] = attrs.field(factory=list)


@attrs.define
class Heard:
    """What was told of one log.

    Attributes:
        stretches: The lines.
        report: The last word.
        wrongs: What was told that makes no sense by itself.
    """

    stretches: list[Stretch] = attrs.field(factory=lambda: [Stretch()])
    report: LogReport | None = None
    wrongs: list[str] = attrs.field(factory=list)

    @property
    def in_order(self) -> int:
        """How many lines were told, those that filled a hole left out."""
        return sum(len(stretch.lines) for stretch in self.stretches)

    @property
    def count(self) -> int:
        """How many lines were told."""
        return self.in_order + sum(len(stretch.fill or ()) for stretch in self.stretches)

    def take(self, event: events.LogEvent) -> None:
        """Take note of one event."""
        if self.report is not None:
            self.wrongs.append(f"{type(event).__name__} after LogClosed")
        match event:
            case events.LogLines(lines=lines, fills=None):
                self.stretches[-1].lines += [line.text for line in lines]
            case events.LogLines(lines=lines, fills=gap):
                self._fill(gap, [line.text for line in lines])
            case events.LogMissing(gap=gap):
                if gap.after != self.in_order:
                    self.wrongs.append(f"a gap after line {gap.after}, told after {self.in_order}")
                self.stretches.append(Stretch(gap))
            case events.LogClosed(report=report):
                self.report = report
                if report.lines != self.count:
                    self.wrongs.append(f"{report.lines} lines reported, {self.count} told")

    def _fill(self, gap: LogGap | None, lines: list[str]) -> None:
        found = [stretch for stretch in self.stretches if stretch.gap == gap and stretch.fill is None]
        unfinished = [stretch for stretch in self.stretches if stretch.gap == gap]
        if found:
            found[0].fill = lines
        elif unfinished:
            unfinished[-1].fill = [*(unfinished[-1].fill or ()), *lines]
        else:
            self.wrongs.append("a fill of a hole that nobody told of")


@attrs.define
class LogEar:
    """Hears the events of an orchestrator.

    Attributes:
        logs: What was told, by workflow, task number, job task name and attempt.
    """

    logs: dict[tuple[str, int, str, int], Heard] = attrs.field(factory=dict)

    def take(self, event: events.Event) -> None:
        """Take note of an event."""
        if isinstance(event, events.LogEvent) and event.ref is not None:
            key = (event.ref.workflow, event.ref.task_id, event.job, event.attempt)
            self.logs.setdefault(key, Heard()).take(event)


@attrs.frozen(kw_only=True)
class Verdict:
    """How well one log was told.

    Attributes:
        true: Lines that the job printed.
        told: Lines told.
        duplicates: Lines told more often than they were printed.
        lost: Lines that are missing where nothing says so.
        marked: Lines that are missing where it is said: in a hole, or at the end of an incomplete log.
        gaps: Holes said and not filled.
        complete: What the report says.
        false_complete: It says complete, and is not.
        same_digest: Whether the digest is that of the truth; None unless it says complete.
        wrongs: All that is wrong, in words.
    """

    true: int
    told: int
    duplicates: int
    lost: int
    marked: int
    gaps: int
    complete: bool | None
    false_complete: bool
    same_digest: bool | None
    wrongs: tuple[str, ...]


def judge(heard: Heard, printed: Sequence[str], secrets: Sequence[str] = ()) -> Verdict:
    """Judge what was told of a log.

    Args:
        heard: What was told.
        printed: Every line the job printed, as it printed it.
        secrets: What must not be shown.
    """
    truth = [plain(line, secrets) for line in printed]
    pieces = [piece for stretch in heard.stretches for piece in (stretch.fill or [], stretch.lines)]
    told = [plain(line) for piece in pieces for line in piece]
    report = heard.report
    wrongs = list(heard.wrongs)
    if any(secret in line for piece in pieces for line in piece for secret in secrets):
        wrongs.append("a secret was shown")
    if report is None:
        wrongs.append("never closed")
        report = LogReport(lines=len(told))
    fits = _fits(heard, truth, report)
    extra = sum((Counter(told) - Counter(truth)).values())
    missing = len(truth) - len(told) + extra
    unmarked = 0 if fits else missing
    if not fits:
        wrongs.append(
            f"{extra} lines twice, {missing} missing" if extra or missing else "lines are not in their order"
        )
    claims = report.complete is True
    same = digest(truth) == report.digest if claims else None
    false_complete = claims and (told != truth or bool(report.gaps))
    if false_complete:
        wrongs.append("said to be complete, and is not")
    if same is False:
        wrongs.append("another digest than the truth's")
    return Verdict(
        true=len(truth),
        told=len(told),
        duplicates=extra,
        lost=unmarked,
        marked=missing - unmarked,
        gaps=len(report.gaps),
        complete=report.complete,
        false_complete=false_complete,
        same_digest=same,
        wrongs=tuple(wrongs),
    )


@attrs.define
class _Block:
    """Lines that must follow each other, after a hole of unknown or known size, or after none.

    A hole that is `near` may also stand in the lines, up to `NEAR` of them after their first.
    """

    hole: bool
    count: int | None
    lines: str
    near: bool = False


def _fits(heard: Heard, truth: Sequence[str], report: LogReport) -> bool:
    """Whether what was told is the truth, if each hole that is left is given any lines at all.

    Every line becomes one character, so that looking for lines is looking for text.
    """
    letters: dict[str, str] = {}

    def text(lines: Iterable[str]) -> str:
        return "".join([letters.setdefault(plain(line), chr(0x10000 + len(letters))) for line in lines])

    whole = text(truth)
    blocks: list[_Block] = [_Block(False, None, "")]
    for stretch in heard.stretches:
        if stretch.gap is not None and stretch.gap in report.gaps:
            if stretch.fill is not None:  # told in part: what is missing stands on either side of it
                blocks.append(_Block(True, None, text(stretch.fill)))
            count = stretch.gap.count if stretch.fill is None else None
            blocks.append(_Block(True, count, text(stretch.lines)))
        else:
            blocks[-1].lines += text(stretch.fill or ()) + text(stretch.lines)
    said = {stretch.gap for stretch in heard.stretches}
    late = [gap for gap in report.gaps if gap not in said]
    return _placed(_split(blocks, late), whole, open_end=report.complete is False)


def _split(blocks: list[_Block], late: Sequence[LogGap]) -> list[_Block]:
    """Cut blocks where holes are said that nobody told of before."""
    for gap in late:
        start = 0
        for index, block in enumerate(blocks):
            if start <= gap.after <= start + len(block.lines):
                rest = _Block(True, None, block.lines[gap.after - start :], near=True)
                block.lines = block.lines[: gap.after - start]
                blocks.insert(index + 1, rest)
                break
            start += len(block.lines)
    return blocks


def _placed(blocks: list[_Block], whole: str, *, open_end: bool) -> bool:
    at = 0
    for index, block in enumerate(blocks):
        last = index == len(blocks) - 1
        if block.near:
            pairs = zip(block.lines, whole[at:], strict=False)
            same = next((n for n, (told, true) in enumerate(pairs) if told != true), len(block.lines))
            skipped = min(same, NEAR)
            found = whole.find(block.lines[skipped:], at + skipped) - skipped
            if found < at:
                return False
        elif not block.hole:
            if not whole.startswith(block.lines, at):
                return False
            found = at
        elif block.count is not None:
            found = at + block.count
            if not whole.startswith(block.lines, found):
                return False
        elif last and not open_end:
            found = len(whole) - len(block.lines)
            if found < at or not whole.endswith(block.lines):
                return False
        else:
            found = whole.find(block.lines, at)
            if found < 0:
                return False
        at = found + len(block.lines)
    return open_end or at == len(whole)
