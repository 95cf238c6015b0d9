"""`python -m benchmarks.streams [--write]`: what is promised of log streams, in seconds and MiB.

Rows S1, S4 and S6 of the fault table: polls beside many open streams, and logs that try to fill the memory of
whoever reads them. The client is a process of its own, on a core of its own where there are two.
"""

import argparse
import datetime as dt
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from benchmarks import machine
from benchmarks.hostile import END
from benchmarks.processes import SERVER_CORE, Child

_RESULTS: Final = Path(__file__).with_name("streams.md")
_MIB: Final = 1024 * 1024

POLL_SECONDS: Final = 1.0
"""What 99 of 100 polls are to stay under, in seconds, whatever is streamed beside them."""
GROWTH_MIB: Final = 32.0
"""What a process may grow by while it reads a log, in MiB, whatever the log holds."""
_IN_STEP: Final = 0.9
"""Share of the lines sent in a while that has to be read in it, or the streams have fallen behind."""
_SECONDS: Final = 10


@attrs.frozen
class Case:
    """A hostile log and how it is read.

    Attributes:
        what: What reports call it.
        reader: The verb of `zadig.logs` that reads it.
        job: The job by whose name `benchmarks.hostile` knows what to send.
        whole: Whether it is to be read to its last line. If not, an error of ours will do as well.
        lines: How many lines there are to be, or None.
    """

    what: str
    reader: str
    job: str
    whole: bool = True
    lines: int | None = None


_PACES: Final = ((0, 0), (100, 2), (100, 20), (500, 2), (500, 20))
"""How many streams, and how many lines a second each."""

S4: Final = (
    Case("20 lines of 2 MiB", "open", "long-lines", lines=21),
    Case("one line of 64 MiB", "open", "endless-line", lines=2),
    Case("one event of 40 MiB in short data lines", "open", "endless-event"),
    Case("32 MiB of random bytes", "open", "garbage"),
    Case("40 MiB of progress bar in events, no line feed", "open", "progress-escaped"),
    Case("40 MiB of progress bar, bare carriage returns", "open", "progress-bare", lines=2),
    Case("1,000,000 lines as fast as they are read", "open", "million", lines=1_000_001),
    Case("300 lines, one byte at a time", "open", "drip", lines=301),
)

S6: Final = (
    Case("gzip bomb, 512 MiB from 0.5", "open", "bomb", whole=False),
    Case("2,000 gzip members", "open", "members", whole=False),
    Case("300 headers", "open", "headers", whole=False),
    Case("gzip bomb, 512 MiB from 0.5", "open_archive", "bomb", whole=False),
    Case("2,000 gzip members", "open_archive", "members", whole=False),
    Case("300 headers", "open_archive", "headers", whole=False),
    Case("gzip bomb, 512 MiB from 0.5", "fetch", "bomb", whole=False),
    Case("2,000 gzip members", "fetch", "members", whole=False),
    Case("300 headers", "fetch", "headers", whole=False),
)


def rank(latencies: Sequence[float], share: float) -> float:
    """Return the value that this share of the sorted values does not exceed."""
    return latencies[math.ceil(share * len(latencies)) - 1]


def problems(case: Case, found: dict[str, Any]) -> list[str]:
    """Return what is wrong with what a case found; nothing where its promise was kept."""
    wrong = []
    if found["grown"] > GROWTH_MIB * _MIB:
        wrong.append("grew")
    if case.whole and found["error"]:
        wrong.append("failed")
    elif case.whole and found["last"] != END:
        wrong.append("not read to its end")
    if case.lines is not None and found["lines"] != case.lines:
        wrong.append("lines lost")
    return wrong


def _verdict(wrong: Sequence[str]) -> str:
    return f"**BROKEN**: {', '.join(wrong)}" if wrong else "kept"


def _ask(*arguments: str) -> dict[str, Any]:
    with Child("benchmarks.stream_client", *arguments) as client:
        found: dict[str, Any] = json.loads(client.read())
        return found


def _beside(broken: list[str]) -> Iterator[str]:
    yield "## S1: polls beside open streams"
    yield ""
    yield (
        "`zadig.tasks.status` 20 times a second, each counted from the moment it was due. Promised: p99 below"
        f" {POLL_SECONDS:g} s."
    )
    yield ""
    yield "| streams | lines/s each | lines/s read | polls | p50 ms | p99 ms | max ms | core | |"
    yield "|--:|--:|--:|--:|--:|--:|--:|--:|---|"
    with Child("benchmarks.server", str(SERVER_CORE)) as server:
        url = f"http://127.0.0.1:{server.read()}"
        for streams, rate in _PACES:
            found = _ask("poll", url, str(streams), str(rate), str(_SECONDS))
            latencies: list[float] = found["latencies"]
            p50, p99, worst = (rank(latencies, share) * 1e3 for share in (0.5, 0.99, 1))
            wrong = []
            if p99 >= POLL_SECONDS * 1e3:
                wrong.append("slow polls")
            if found["lines"] < _IN_STEP * streams * rate:
                wrong.append("streams fell behind")
            if wrong:
                broken.append(f"S1, {streams} streams: {', '.join(wrong)}")
            yield (
                f"| {streams} | {rate} | {found['lines']:.0f} | {len(latencies)} | {p50:.1f} | {p99:.1f} |"
                f" {worst:.1f} | {found['cpu']:.0%} | {_verdict(wrong)} |"
            )
        streams = 100
        found = _ask("starve", url, str(streams))
        end = f"starved: no answer in {found['seconds']:.0f} s" if found["starved"] else "**NOT STARVED**"
        if not found["starved"]:
            broken.append("S1, the control was answered: what is measured here proves nothing")
        yield f"| {streams} | 2 | | 1 | | | {found['seconds'] * 1e3:.0f} | | control, aiohttp: {end} |"
    yield ""


def _hostile(title: str, cases: Sequence[Case], broken: list[str]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield f"Promised: at most {GROWTH_MIB:g} MiB more than before, no exception but ours."
    yield ""
    yield "| log | read by | lines | cut short | ended | MiB more | | seconds |"
    yield "|---|---|--:|--:|---|--:|---|--:|"
    with Child("benchmarks.hostile", str(SERVER_CORE)) as server:
        url = f"http://127.0.0.1:{server.read()}"
        for case in cases:
            name = f"| {case.what} | `logs.{case.reader}` |"
            try:
                found = _ask("hostile", url, case.reader, case.job)
            except RuntimeError:
                broken.append(f"{case.what}, logs.{case.reader}: crashed")
                yield f"{name} | | crashed | | **BROKEN** | |"
                continue
            wrong = problems(case, found)
            if wrong:
                broken.append(f"{case.what}, logs.{case.reader}: {', '.join(wrong)}")
            grown = found["grown"] / _MIB
            yield (
                f"{name} {found['lines']} | {found['truncated']} | {found['error'] or 'in order'} |"
                f" {grown:.1f} | {_verdict(wrong)} | {found['seconds']:.1f} |"
            )
    yield ""


def _report(broken: list[str]) -> Iterator[str]:
    yield "# Log streams"
    yield ""
    yield f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC"
    yield ""
    yield from (f"- {fact}" for fact in machine.facts())
    yield ""
    yield from _beside(broken)
    yield from _hostile("S4: what a log can hold", S4, broken)
    yield from _hostile("S6: how an answer can be packed", S6, broken)


def main() -> int:
    """Run the report; 1 where a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streams", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"also write {_RESULTS.name}")
    options = parser.parse_args()
    started = time.perf_counter()
    broken: list[str] = []
    lines = []
    for line in _report(broken):
        print(line, flush=True)
        lines.append(line)
    if options.write:
        _RESULTS.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print(f"{time.perf_counter() - started:.0f} s")
    for promise in broken:
        print(f"BROKEN: {promise}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
