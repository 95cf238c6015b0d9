"""What the tests of the journal stand on: scopes, drafts, a clock, and processes that die when told."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from zadig_async.journal.records import Act, Draft, Kind, Record, Scope
from zadig_async.journal.store import Lease, Write
from zadig_async.model.ids import WorkflowRef

ROOT: Final = Path(__file__).parents[2]
SHOP: Final = Scope("https://zadig.test", WorkflowRef("shop", "deploy"))
PAY: Final = Scope("https://zadig.test", WorkflowRef("pay", "deploy"))
CANARY: Final = "canary-7d1f"
"""Stands in every record's data and must stand in no message."""


@attrs.define
class Clock:
    """Unix time, moved by hand."""

    now: float = 1_700_000_000.25

    def __call__(self) -> float:
        return self.now


def draft(number: int, kind: Kind = Kind.INTENT, act: Act = Act.TRIGGER) -> Draft:
    data = {"number": number, "text": f"{CANARY} ümlaut \x7f\0", "list": [1, 2.5, None, {"a": True}]}
    return Draft(kind=kind, run=f"run-{number}", act=act, data=data)


def write(lease: Lease, number: int) -> Write:
    return Write(lease, draft(number))


def numbers(records: Sequence[Record]) -> list[int]:
    """The numbers given to `draft`, after a check that each record is whole."""
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    found = [record.data["number"] for record in records]
    assert [(record.run, record.data) for record in records] == [
        (draft(number).run, draft(number).data) for number in found
    ]
    return found


def environment() -> dict[str, str]:
    """Ours, without what makes a child measure its coverage: it is killed while it writes that down."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


def start(action: str, *argv: object) -> "subprocess.Popen[str]":
    """Start `tests.journal.child` with an action."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.journal.child", action, *map(str, argv)],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run(action: str, *argv: object, status: int = 0) -> list[Any]:
    """Let a child run to its end, and return the JSON values it said."""
    child = start(action, *argv)
    said, _ = child.communicate(timeout=50)
    assert child.returncode == status, said
    return [json.loads(line) for line in said.splitlines()]
