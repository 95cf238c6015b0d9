"""`python -m benchmarks [SUITE ...] [--quick] [--write]`: measure, print, fail where something got slower."""

import argparse
import datetime as dt
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks import machine, report
from benchmarks.bars import BARS, HOLDS
from benchmarks.ratio import Finding, Ratio, Round, finding
from benchmarks.rounds import Lab, Pace, missing
from benchmarks.suites import SUITES

_FULL: Final = Pace(rounds=15, seconds=0.3)
_QUICK: Final = Pace(rounds=7, seconds=0.12)
_FEWER: Final[Mapping[str, float]] = {"sse": 0.7, "sse-memory": 0.2}
"""Part of the rounds that suites get in which a round takes long; their figures are steadier as well."""
_RESULTS: Final = Path(__file__).with_name("results.md")


def _measured(lab: Lab, ratios: Sequence[Ratio], pace: Pace) -> list[Finding]:
    """Measure ratios; those over their bar once more, for one bad neighbour must not fail a build."""
    rounds = list(lab.rounds(ratios, pace))
    found = {ratio: _judged(ratio, rounds) for ratio in ratios}
    doubtful = [ratio for ratio in ratios if found[ratio].missed]
    if doubtful:
        more = list(lab.rounds(doubtful, Pace(2 * pace.rounds, pace.seconds)))
        for ratio in doubtful:
            found[ratio] = _judged(ratio, [*rounds, *more])
    return list(found.values())


def _judged(ratio: Ratio, rounds: Sequence[Round]) -> Finding:
    return finding(ratio, BARS.get(ratio.name), rounds, hold=HOLDS.get(ratio.name))


def _run(suites: Sequence[str], *, quick: bool, missed: list[Finding]) -> Iterator[str]:
    """Yield the report line by line, and gather the findings over their bar."""
    pace = _QUICK if quick else _FULL
    yield "# Results"
    yield ""
    yield f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC, {'quick' if quick else 'full'} run"
    yield ""
    yield from (f"- {fact}" for fact in machine.facts())
    yield ""
    for suite in suites:
        ratios = [ratio for ratio in SUITES[suite] if not quick or ratio.name in BARS]
        # A lab for each suite: fewer processes at a time.
        with Lab() as lab:
            rounds = math.ceil(pace.rounds * _FEWER.get(suite, 1))
            measured = [ratio for ratio in ratios if not missing(ratio)]
            findings = _measured(lab, measured, Pace(rounds, pace.seconds))
        missed += [found for found in findings if found.missed]
        yield from report.table(suite, findings)
        skipped = [ratio for ratio in ratios if missing(ratio)]
        yield from (f"Not measured, {missing(ratio)} is not installed: {ratio.name}" for ratio in skipped)
        if skipped:
            yield ""


def main() -> int:
    """Run the suites; 1 where a ratio is worse than it may be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="suite", help=f"of {', '.join(SUITES)}; all if none")
    parser.add_argument(
        "--quick", action="store_true", help="only what has a bar, with fewer and shorter rounds"
    )
    parser.add_argument("--write", action="store_true", help=f"also write {_RESULTS.name}")
    options = parser.parse_args()
    unknown = set(options.suites) - set(SUITES)
    if unknown:
        parser.error(f"no such suite: {', '.join(sorted(unknown))}")
    started = time.perf_counter()
    missed: list[Finding] = []
    lines = []
    for line in _run(options.suites or list(SUITES), quick=options.quick, missed=missed):
        print(line, flush=True)
        lines.append(line)
    if options.write:
        _RESULTS.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print(f"{time.perf_counter() - started:.0f} s")
    for found in missed:
        word = "WORSE THAN IT MAY BE" if found.worse else "Bar missed"
        print(
            f"{word}: {found.ratio.name}: {found.median:.3f}, bar {found.bar:.3f}, holds {found.hold:.2f}",
            file=sys.stderr,
        )
    return 1 if any(found.worse for found in missed) else 0


if __name__ == "__main__":
    sys.exit(main())
