"""`python -m benchmarks.reliability SUITE`: count what is promised, and fail where a count is wrong."""

import argparse
import sys

from benchmarks.reliability import approvals, crashes, logs, triggers


def main() -> int:
    """Run one suite; 1 where a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability", description=__doc__)
    suites = parser.add_subparsers(dest="suite", required=True, metavar="SUITE")
    killed = suites.add_parser("crashes", help="kill a driver at every failpoint, and resume it")
    killed.add_argument("--runs", type=int, default=200, help="how often at each failpoint [200]")
    killed.add_argument(
        "--naive", action="store_true", help="go on without a journal, by launching again: must show doubles"
    )
    sent = suites.add_parser("triggers", help="launch through a network that breaks")
    sent.add_argument("--count", type=int, default=10_000, help="triggers for each seed [10000]")
    sent.add_argument("--seeds", type=int, default=5, help="how many seeds [5]")
    sent.add_argument("--rate", type=float, default=0.05, help="share of exchanges spoiled [0.05]")
    moved = suites.add_parser("approvals", help="bring gates into every state, and judge every vote")
    moved.add_argument("--steps", type=int, default=100_000, help="how many steps [100000]")
    read = suites.add_parser("logs", help="follow logs through a network in which no stream lasts")
    read.add_argument("--seeds", type=int, default=5, help="how many seeds [5]")
    read.add_argument("--lines", type=int, default=3000, help="about how many lines each job prints [3000]")
    options = parser.parse_args()
    if options.suite == "crashes":
        return crashes.run(options.runs, naive=options.naive)
    if options.suite == "approvals":
        return approvals.run(options.steps)
    if options.suite == "logs":
        return logs.run(options.seeds, options.lines)
    return triggers.run(options.count, options.seeds, options.rate)


if __name__ == "__main__":
    sys.exit(main())
