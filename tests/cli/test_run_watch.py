"""`run` and `watch` against the emulator on a real socket: outcomes, exit codes, JSON, and what was sent."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import POLL, Cli, Zadig


def lines(out: str) -> list[dict[str, Any]]:
    """Return the records of JSON lines."""
    return [json.loads(line) for line in out.splitlines()]


def test_a_good_run_is_told_and_exits_0(cli: Cli, zadig: Zadig) -> None:
    result = cli("run", "shop/good", "--all-jobs", POLL, "--param", "branch=dev")
    assert result.code == 0
    assert "good > launching: build" in result.out
    assert "good > Zadig took it as shop/good#8" in result.out
    assert "good > 构建 / build: passed" in result.out
    assert "1 of 1 succeeded." in result.out
    assert "第一行" not in result.out
    (task,) = zadig.emulator.ledger.tasks
    assert task.params["branch"] == "dev"


def test_a_failed_run_exits_1_and_says_where_to_look(cli: Cli) -> None:
    result = cli("run", "shop/bad", "--all-jobs", POLL)
    assert result.code == 1
    assert "shop/bad#1  failed" in result.out
    assert "build failed: exit status 2" in result.out
    assert "zadig-async logs 'shop/bad#1' --job build" in result.out


def test_several_run_at_once_and_a_mixture_exits_5(cli: Cli, zadig: Zadig) -> None:
    result = cli("run", "shop/good", "shop/bad", "shop/nowhere", "--all-jobs", POLL)
    assert result.code == 5
    assert "1 of 3 succeeded." in result.out
    assert "shop/nowhere: Check the keys" in result.out
    assert sorted(task.workflow for task in zadig.emulator.ledger.tasks) == ["bad", "good"]


def test_logs_are_printed_with_the_name_of_their_job(cli: Cli) -> None:
    result = cli("run", "shop/good", "--all-jobs", POLL, "--logs")
    assert result.code == 0
    assert "good/build | 第一行\n" in result.out
    assert "good/build | line two\n" in result.out


def test_json_lines_end_with_the_outcomes(cli: Cli) -> None:
    result = cli("run", "shop/bad", "--all-jobs", POLL, "--logs", "--output", "json")
    *events, last = lines(result.out)
    kinds = [event["event"] for event in events]
    assert kinds[:2] == ["launching", "launched"]
    assert kinds[-1] == "ended"
    assert {"task_changed", "job_changed", "log_lines", "log_closed"} <= set(kinds)
    assert all(event["at"].endswith("+00:00") for event in events)
    assert [line for event in events if event["event"] == "log_lines" for line in event["lines"]].count(
        "boom"
    ) == 1
    assert (last["event"], last["exit_code"]) == ("outcomes", 1)
    (outcome,) = last["outcomes"]
    assert (outcome["task"], outcome["verdict"]) == ("shop/bad#1", "failed")
    assert outcome["first_failure"]["error"] == "exit status 2"


def test_a_gate_a_rule_allows_is_approved(cli: Cli, zadig: Zadig) -> None:
    result = cli("run", "shop/gated", "--all-jobs", POLL, "--approve", "shop/ga*:gate", "--approve-own")
    assert result.code == 0
    assert "waits at gate gate for bot, alice: allowed by the rule for shop/ga* gate gate" in result.out
    (vote,) = zadig.emulator.ledger.approvals
    assert vote.approve


def test_a_gate_no_rule_allows_blocks_and_exits_4(cli: Cli, zadig: Zadig) -> None:
    result = cli(
        "run", "shop/gated", "--all-jobs", POLL, "--gate-timeout", "0", "--approve", "shop/other:gate"
    )
    assert result.code == 4
    assert "waits at gate gate for bot, alice: no rule allows it" in result.out
    assert "To approve: zadig-async approve 'shop/gated#1'" in result.out
    assert "zadig-async watch 'shop/gated#1' --approve shop/other:gate" in result.err
    assert zadig.emulator.ledger.approvals == []


def test_a_deadline_exits_75_and_leaves_the_task_alone(cli: Cli, zadig: Zadig) -> None:
    result = cli("run", "shop/slow", "--all-jobs", POLL, "--timeout", "0.3")
    assert result.code == 75
    assert "out of time: shop/slow#1: not ended 0.3 s after its launch" in result.out
    assert "To watch again: zadig-async watch 'shop/slow#1'" in result.err
    assert zadig.emulator.ledger.cancels == []


def test_a_deadline_cancels_where_that_is_asked_for(cli: Cli, zadig: Zadig) -> None:
    result = cli("run", "shop/slow", "--all-jobs", POLL, "--run-timeout", "0.2", "--cancel-on-timeout")
    assert result.code == 75
    assert len(zadig.emulator.ledger.cancels) == 1


REFUSED = [
    (("shop/good", "--job", "biuld"), "there is no job 'biuld'"),
    (("shop/gated", "--job", "build", "--job", "deploy"), "the gate 'gate' would be skipped"),
    (("shop/good", "--all-jobs", "--param", "brunch=x"), "there is no workflow variable 'brunch'"),
    (("other/good", "--all-jobs"), "not in the project 'other'"),
]


@pytest.mark.parametrize(("argv", "finding"), REFUSED)
def test_a_launch_that_does_not_fit_is_refused_with_2(
    cli: Cli, zadig: Zadig, argv: tuple[str, ...], finding: str
) -> None:
    result = cli("run", *argv, POLL)
    assert result.code == 2
    assert finding in result.out
    assert zadig.writes() == []


def test_a_gate_is_left_out_on_purpose(cli: Cli, zadig: Zadig) -> None:
    result = cli("run", "shop/gated", "--job", "build", "--job", "deploy", "--allow-bypass", "gate", POLL)
    assert result.code == 0
    assert zadig.emulator.ledger.tasks[0].jobs == ("job-0-0-0-build", "job-2-0-0-deploy")


def test_a_dry_run_sends_nothing_and_tells_every_finding(cli: Cli, zadig: Zadig) -> None:
    result = cli("run", "shop/gated", "shop/good", "--all-jobs", "--dry-run", "--approve", "shop/gated:gate")
    assert result.code == 0
    assert "gate    approval   a rule may approve it" in result.out
    assert "Nothing was sent: this was a dry run." in result.out
    result = cli("run", "shop/good", "shop/bad", "--job", "x", "--param", "y=1", "--dry-run")
    assert result.code == 2
    assert result.out.count("would be refused") == 2
    assert result.out.count("there is no workflow variable 'y'") == 2
    document = json.loads(cli("run", "shop/gated", "shop/no", "--all-jobs", "--dry-run", "-o", "json").out)
    assert document[0]["jobs"][1] == {
        "name": "gate",
        "type": "approval",
        "as_configured": True,
        "rule_may_approve": False,
    }
    assert document[1]["error"]["type"] == "NotFoundError"
    assert zadig.writes() == []


def test_a_file_says_what_to_run_and_what_to_approve(cli: Cli, zadig: Zadig, tmp_path: Path) -> None:
    file = tmp_path / "l.yaml"
    file.write_text(
        """
        launches:
          - {ref: shop/gated, all_jobs: true}
          - ref: shop/good
            inputs: {build: {type: freestyle}}
            params: {branch: dev}
        approvals: [{project: shop, workflow: gated, gate: gate, own_tasks: true, comment: CHG-7}]
        policy: {poll_every: 0.1, deadlines: {total: 1m}}
        """,
        encoding="utf-8",
    )
    result = cli("run", "--file", str(file))
    assert result.code == 0
    assert {task.workflow: task.params.get("branch") for task in zadig.emulator.ledger.tasks} == {
        "gated": None,
        "good": "dev",
    }
    assert zadig.emulator.ledger.approvals[0].comment.endswith("CHG-7")


def test_a_wrong_file_is_told_in_full_and_nothing_is_sent(cli: Cli, zadig: Zadig, tmp_path: Path) -> None:
    file = tmp_path / "l.yaml"
    file.write_text("launches:\n  - {ref: shop, all_jobs: true}\n  - {ref: shop/good}\n", encoding="utf-8")
    result = cli("run", "--file", str(file))
    assert result.code == 2
    assert result.err.splitlines() == [
        f"Error: {file}: 2 problems",
        (
            f"  {file}:2: launches[0].ref: not a workflow: 'shop' "
            "(Write project/workflow with the keys, as in shop/deploy-api.)"
        ),
        (
            f"  {file}:3: launches[1]: it names no job, so Zadig would run nothing "
            "(Write all_jobs: true, or jobs: [...], or inputs.)"
        ),
    ]
    assert zadig.writes() == []


USAGE = [
    ((), "Nothing to run: name a PROJECT/WORKFLOW, or a file with --file."),
    (("shop/good",), "Say what runs: --all-jobs, --job NAME, or --input-file FILE."),
    (("shop/good", "--all-jobs", "--job", "build"), "--all-jobs and --job are both given: keep one."),
    (("shop", "--all-jobs"), "Write project/workflow with the keys"),
    (("shop/good", "--all-jobs", "--param", "x"), "--param: expected NAME=VALUE"),
    (("shop/good", "--all-jobs", "--param", "x=1", "--param", "x=2"), "--param x: given twice"),
    (("shop/good", "--all-jobs", "--approve", "shop:gate"), "write PROJECT/WORKFLOW:GATE"),
    (("shop/good", "--all-jobs", "--timeout", "soon"), "'soon' is not a duration"),
    (("shop/good", "--all-jobs", "--poll-every", "0"), "must be more than 0 seconds"),
    (("shop/good", "--all-jobs", "--concurrency", "0"), "0 is not in the range"),
    (("--file", "/no/such/file.yaml"), "/no/such/file.yaml: No such file"),
]


@pytest.mark.parametrize(("argv", "mend"), USAGE)
def test_wrong_usage_exits_2_and_says_how_to_mend_it(alone: Cli, argv: tuple[str, ...], mend: str) -> None:
    result = alone("run", *argv)
    assert result.code == 2
    assert mend in " ".join(result.err.split())
    assert "Traceback" not in result.err


def test_watch_adopts_tasks_of_others_with_the_rules_of_a_file(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "l.yaml"
    file.write_text(
        "approvals: [{project: shop, workflow: gated, gate: gate, own_tasks: true}]", encoding="utf-8"
    )
    blocked = cli("run", "shop/gated", "--all-jobs", POLL, "--gate-timeout", "0")
    assert blocked.code == 4
    result = cli("watch", "shop/gated#1", "shop/good#7", POLL, "--file", str(file))
    assert result.code == 0
    assert "2 of 2 succeeded." in result.out


def test_watch_tells_a_wrong_task_at_once(cli: Cli) -> None:
    result = cli("watch", "shop/good#99")
    assert result.code == 2
    assert result.err.startswith("Error: not found: ")
    assert "Hint: Check the keys" in result.err
    assert "It was about shop/good#99.\n" in cli("watch", "shop/good#7", "shop/good#99").err
    result = cli("watch", "other/good#7")
    assert result.code == 2
    assert "this task is in the project 'shop'" in result.err
    assert cli("watch", "shop/good").code == 2
