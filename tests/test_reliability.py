"""The counts of `python -m benchmarks.reliability`, with smaller numbers; each beside what has to fail."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform == "win32", reason="processes are forked and killed"),
]

ROOT = Path(__file__).parent.parent


def count(*argv: str) -> str:
    """Run one suite, which must end well, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.reliability", *argv],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_triggers_through_a_network_that_breaks() -> None:
    printed = count("triggers", "--count", "400", "--seeds", "1")
    rows = {
        line.split()[0]: [int(number) for number in line.split()[1:]] for line in printed.splitlines()[3:]
    }
    assert set(rows) == {"retrigger", "stop", "naive"}
    for how in ("retrigger", "stop"):
        _, duplicates, false_ok, silent, _, _, spoiled, *_ = rows[how]
        assert (duplicates, false_ok, silent) == (0, 0, 0)
        assert spoiled > 0
    assert rows["naive"][1] > 0


def test_j1_drivers_killed_at_every_failpoint_and_resumed() -> None:
    printed = count("crashes", "--runs", "1")
    found = re.search(r"killed and resumed +([0-9]+) of ([0-9]+)", printed)
    assert found is not None
    assert found[1] == found[2]
    assert int(found[2]) == 60
    assert re.search(r"double or lost writes +0$", printed, flags=re.MULTILINE)


def test_j1_drivers_without_a_journal_write_twice() -> None:
    printed = count("crashes", "--runs", "2", "--naive")
    assert re.search(r"double or lost writes +[1-9]", printed)


def test_gates_in_every_state() -> None:
    printed = count("approvals", "--steps", "2000")
    assert re.search(r"votes cast +[1-9]", printed)
    assert re.search(r"votes outside the rules +0$", printed, flags=re.MULTILINE)
