"""`logs` and `approve` against the emulator."""

import json

import pytest

from tests.cli.conftest import POLL, WORLD, Cli, Zadig
from tests.support.canary import CANARY


def test_an_archived_log_is_printed(cli: Cli) -> None:
    assert cli("run", "shop/good", "--all-jobs", POLL, "--logs").code == 0  # waits for the archive
    result = cli("logs", "shop/good#8")
    assert result.code == 0
    assert "第一行\nline two\n" in result.out
    assert "|" not in result.out
    (record,) = [json.loads(line) for line in cli("logs", "shop/good#8", "-o", "json").out.splitlines()]
    assert (record["event"], record["task"], record["job"]) == ("log_lines", "shop/good#8", "job-0-0-0-build")
    assert "第一行" in record["lines"]


def test_a_log_zadig_no_longer_has_is_said_to_be_missing(cli: Cli, zadig: Zadig) -> None:
    zadig.fault("status", status=200, path="/openapi/logs/log/*")
    result = cli("logs", "shop/good#7", "--job", "build")
    assert (result.code, result.out) == (0, "")
    assert "build: Zadig has no archived log." in result.err


def test_an_unknown_job_is_told_with_those_there_are(cli: Cli) -> None:
    result = cli("logs", "shop/good#7", "--job", "biuld")
    assert result.code == 2
    assert "there is no job 'biuld'" in result.err
    assert "Did you mean 'build'?" in result.err
    assert "There are: build." in cli("logs", "shop/good#7", "--job", "x").err


def test_a_job_without_a_log_of_its_own_is_told(cli: Cli) -> None:
    assert cli("run", "shop/gated", "--all-jobs", POLL, "--gate-timeout", "0").code == 4
    result = cli("logs", "shop/gated#1", "--job", "gate", "--job", "deploy")
    assert "gate: a job of type approval has no log of its own." in result.err
    assert "deploy: it is not started." in result.err


def test_a_running_jobs_log_is_printed_as_far_as_it_goes(cli: Cli) -> None:
    assert cli("run", "shop/slow", "--all-jobs", POLL, "--run-timeout", "0.5").code == 75
    result = cli("logs", "shop/slow#1")
    assert result.code == 0
    assert "begun\ngoing on\n" in result.out
    assert result.err == "build: still running; --follow goes on.\n"


def test_a_log_that_breaks_is_followed_on_to_its_end(cli: Cli, zadig: Zadig) -> None:
    assert cli("run", "shop/steady", "--all-jobs", POLL, "--run-timeout", "0.01").code == 75
    zadig.fault("drop_stream", path="/openapi/logs/sse/*", lines=5)
    result = cli("logs", "shop/steady#1", "--follow", "--job", "build")
    assert result.code == 0
    assert [line for line in result.out.splitlines() if "step" in line] == [f"step {n}" for n in range(40)]
    assert zadig.struck() == ["drop_stream"]


def test_a_log_that_breaks_while_it_is_only_looked_at_exits_75(cli: Cli, zadig: Zadig) -> None:
    assert cli("run", "shop/slow", "--all-jobs", POLL, "--run-timeout", "0.3").code == 75
    zadig.fault("drop_stream", path="/openapi/logs/sse/*", lines=1)
    result = cli("logs", "shop/slow#1")
    assert result.code == 75
    assert result.err.startswith("Error: connection lost: ")
    assert "Traceback" not in result.err


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
