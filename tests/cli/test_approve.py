"""`approve` against the emulator."""

import json

import pytest

from tests.cli.conftest import POLL, WORLD, Cli, Zadig
from tests.support.canary import CANARY


@pytest.fixture
def waiting(cli: Cli) -> str:
    """A task that waits at its gate."""
    assert cli("run", "shop/gated", "--all-jobs", POLL, "--gate-timeout", "0").code == 4
    return "shop/gated#1"


def test_a_gate_is_shown_approved_and_read_back(cli: Cli, zadig: Zadig, waiting: str) -> None:
    result = cli("approve", waiting, "--comment", "CHG-9", "--yes")
    assert result.code == 0
    assert f"{waiting} waits at gate gate (approval)" in result.out
    assert "  ask the boss" in result.out
    assert "  may decide: alice" in result.out
    assert result.err == "Approved: our vote for gate shows in Zadig.\n"
    (vote,) = zadig.emulator.ledger.approvals
    assert vote.approve
    assert vote.comment.endswith(" CHG-9")


def test_a_gate_is_rejected(cli: Cli, zadig: Zadig, waiting: str) -> None:
    result = cli("approve", waiting, "--reject", "--yes", "-o", "json")
    assert result.code == 0
    document = json.loads(result.out)
    assert (document["vote"], document["shows"], document["gate"]["name"]) == ("reject", True, "gate")
    (vote,) = zadig.emulator.ledger.approvals
    assert not vote.approve
    assert cli("watch", waiting, POLL).code == 1


def test_a_gate_is_not_decided_unasked(cli: Cli, zadig: Zadig, waiting: str) -> None:
    before = len(zadig.writes())
    result = cli("approve", waiting)
    assert result.code == 2
    assert f"Approve gate of {waiting}? Nobody can be asked here." in result.err
    assert len(zadig.writes()) == before


def test_a_wrong_or_missing_gate_is_told(cli: Cli, waiting: str) -> None:
    result = cli("approve", waiting, "--gate", "gaet", "--yes")
    assert result.code == 2
    assert "it waits at no gate 'gaet'" in result.err
    assert "It waits at: gate." in result.err
    assert "it waits at no gate now" in cli("approve", "shop/good#7", "--yes").err


def test_somebody_who_is_no_approver_is_told(
    cli: Cli, waiting: str, zadig: Zadig, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert WORLD["users"][0]["tokens"] == [CANARY]
    monkeypatch.setenv("ZADIG_TOKEN", "viewer-token")
    result = cli("approve", waiting, "--yes")
    assert result.code == 2
    assert "Error: " in result.err
    assert "must be among the approvers" in result.err
    assert zadig.emulator.ledger.approvals == []
