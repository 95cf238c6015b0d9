"""`workflows`, `tasks`, `views` and `tickets` against the emulator: text, JSON, and every write proved."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import POLL, Cli, Zadig
from zadig_async.cli.app import run

DEFINITION = """\
name: made
display_name: 新的
project: shop
concurrency_limit: -1
stages:
  - name: s
    jobs:
      - name: build
        type: freestyle
        spec: {}
"""


def started(cli: Cli, workflow: str) -> str:
    """Start a workflow and look away as soon as it waits; return the task."""
    result = cli("run", workflow, "--all-jobs", POLL, "--timeout", "0.3", "--output", "json")
    task = json.loads(result.out.splitlines()[-1])["outcomes"][0]["task"]
    assert isinstance(task, str)
    return task


def test_workflows_are_listed_as_text_and_json(cli: Cli) -> None:
    result = cli("workflows", "list", "shop")
    assert result.code == 0
    header, good, *_ = result.out.splitlines()
    assert header.split() == ["KEY", "TYPE", "CHANGED", "BY", "NAME"]
    assert good.split()[:2] == ["good", "custom"]
    assert good.endswith("好的")
    document = json.loads(cli("workflows", "list", "shop", "-o", "json").out)
    assert [item["workflow_key"] for item in document] == ["good", "bad", "gated", "slow", "steady", "evil"]
    assert "raw" not in document[0]


def test_options_may_stand_before_the_command_too(cli: Cli) -> None:
    assert json.loads(
        cli("--output", "json", "workflows", "list", "shop", "--view", "发布").out
    ) == json.loads(cli("workflows", "list", "shop", "--view", "发布", "--output", "json").out)


def test_an_unknown_project_is_said_to_look_like_an_empty_one(cli: Cli) -> None:
    result = cli("workflows", "list", "nowhere")
    assert result.code == 0
    assert "a project that does not exist" in result.err


def test_a_workflow_is_shown_with_the_names_run_takes_and_without_credentials(cli: Cli) -> None:
    result = cli("workflows", "get", "shop/gated")
    assert result.code == 0
    assert "  gate    gate    approval" in result.out
    result = cli("workflows", "get", "shop/good")
    assert "password  string  ******" in result.out
    document = json.loads(cli("workflows", "get", "shop/good", "-o", "json").out)
    assert document["params"][1]["value"] == "******"
    assert document["stages"][0]["jobs"][0] == {
        "name": "build",
        "type": "freestyle",
        "run_policy": "",
        "skipped": False,
        "selectable": True,
    }
    assert "hunter2" not in json.dumps(document)


def test_a_workflow_is_created_updated_and_deleted(cli: Cli, zadig: Zadig, tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(DEFINITION, encoding="utf-8")
    assert cli("workflows", "create", str(file)).err == "Created shop/made.\n"
    file.write_text(DEFINITION.replace("新的", "更新的"), encoding="utf-8")
    assert cli("workflows", "update", "shop/made", str(file)).err == "Updated shop/made.\n"
    assert "更新的" in cli("workflows", "get", "shop/made").out
    assert cli("workflows", "delete", "shop/made", "--yes").err == "Deleted shop/made.\n"
    assert cli("workflows", "get", "shop/made").code == 2
    assert [write.split()[0] for write in zadig.writes()] == ["POST", "PUT", "DELETE"]


def test_the_words_of_a_definition_are_safe_to_look_at(cli: Cli, zadig: Zadig, tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    # Zadig itself refuses such a name.
    zadig.fault("status", status=200, body='{"message":"success"}', path="/api/*")
    file.write_text(DEFINITION.replace("name: made", 'name: "made\\e]0;x\\a"', 1), encoding="utf-8")
    assert cli("workflows", "create", str(file)).err == "Created shop/made.\n"


def test_the_words_of_a_launch_file_are_safe_to_look_at(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "l.yaml"
    file.write_text('launches: [{ref: "shop/good\\e]0;x\\a", all_jobs: true}]', encoding="utf-8")
    result = cli("run", "--file", str(file), "--dry-run")
    assert "shop/good would be refused" in result.out
    assert "\x1b" not in result.out + result.err


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("concurrency_limit: -1\n", ""), "'concurrency_limit' is missing"),
        (("project: shop\n", ""), "'project' is missing"),
        (("project: shop", "project: 5"), "'project' is missing or no text"),
        ((DEFINITION, "- a"), "expected a workflow definition"),
        (("stages:", "name: again\nstages:"), "the key 'name' stands here again"),
    ],
)
def test_a_definition_zadig_would_misread_is_not_sent(
    cli: Cli, zadig: Zadig, tmp_path: Path, change: tuple[str, str], problem: str
) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(DEFINITION.replace(*change), encoding="utf-8")
    result = cli("workflows", "create", str(file))
    assert result.code == 2
    assert problem in result.err
    assert zadig.writes() == []


def test_an_update_that_renames_or_moves_is_not_sent_unasked(cli: Cli, zadig: Zadig, tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(DEFINITION, encoding="utf-8")
    result = cli("workflows", "update", "shop/good", str(file))
    assert (result.code, result.err) == (
        2,
        "Error: Rename shop/good to made? Nobody can be asked here.\nHint: Add --yes if that is meant.\n",
    )
    result = cli("workflows", "update", "other/made", str(file))
    assert (result.code, zadig.writes()) == (2, [])
    assert "its project is 'shop', not 'other'" in result.err


@pytest.mark.parametrize(
    "argv",
    [
        ("workflows", "delete", "shop/good"),
        ("views", "delete", "shop", "发布"),
    ],
)
def test_nothing_is_deleted_unasked(cli: Cli, zadig: Zadig, argv: tuple[str, ...]) -> None:
    result = cli(*argv)
    assert result.code == 2
    assert "Nobody can be asked here." in result.err
    assert "Hint: Add --yes if that is meant." in result.err
    assert zadig.writes() == []


def test_a_workflow_of_another_project_is_not_deleted(cli: Cli, zadig: Zadig) -> None:
    result = cli("workflows", "delete", "other/good", "--yes")
    assert result.code == 2
    assert zadig.writes() == []


def test_tasks_are_listed_newest_first_up_to_a_limit(cli: Cli) -> None:
    task = started(cli, "shop/good")
    result = cli("tasks", "list", "shop/good")
    assert [line.split()[0] for line in result.out.splitlines()] == ["TASK", task, "shop/good#7"]
    (first,) = json.loads(cli("tasks", "list", "shop/good", "--limit", "1", "-o", "json").out)
    assert first["task"] == task
    assert first["created_at"].endswith("+00:00")
    assert "None." in cli("tasks", "list", "shop/bad").err


def test_a_task_is_shown_without_credentials(cli: Cli) -> None:
    result = cli("tasks", "get", "shop/good#7")
    assert result.code == 0
    assert result.out.startswith("shop/good#7  passed  好的\n")
    assert "password = ******" in result.out
    document = json.loads(cli("tasks", "get", "shop/good#7", "-o", "json").out)
    assert (document["task"], document["phase"]) == ("shop/good#7", "succeeded")
    assert "hunter2" not in json.dumps(document)


def test_a_task_of_another_project_is_told_apart(cli: Cli) -> None:
    result = cli("tasks", "get", "other/good#7")
    assert result.code == 2
    assert "this task is in the project 'shop', not in 'other'" in result.err
    assert "Hint: Write shop/good#7." in result.err


def test_a_task_is_cancelled_and_read_back(cli: Cli, zadig: Zadig) -> None:
    task = started(cli, "shop/slow")
    result = cli("tasks", "cancel", task, "--yes")
    assert result.code == 0
    assert result.err == f"Zadig took the cancellation; {task} is now 'cancelled'.\n"
    assert len(zadig.emulator.ledger.cancels) == 1


def test_an_ended_task_is_not_cancelled(cli: Cli, zadig: Zadig) -> None:
    result = cli("tasks", "cancel", "shop/good#7", "--yes")
    assert result.code == 2
    assert "it has ended as 'passed'; nothing was sent" in result.err
    assert zadig.writes() == []


def test_a_failed_task_is_retried_and_a_passed_one_is_not(cli: Cli, zadig: Zadig) -> None:
    assert cli("run", "shop/bad", "--all-jobs", POLL).code == 1
    result = cli("tasks", "retry", "shop/bad#1")
    assert (result.code, result.err) == (0, "Retried. To watch it: zadig-async watch 'shop/bad#1'\n")
    result = cli("tasks", "retry", "shop/good#7")
    assert result.code == 2
    assert result.err.startswith("Error: conflict: ")
    assert len(zadig.emulator.ledger.retries) == 1


def test_a_remark_is_written_on_ended_tasks_only(cli: Cli) -> None:
    assert cli("tasks", "remark", "shop/good#7", "发布完成").code == 0
    assert "remark: 发布完成" in cli("tasks", "get", "shop/good#7").out
    result = cli("tasks", "remark", started(cli, "shop/slow"), "x")
    assert result.code == 2
    assert "nothing was sent" in result.err


def test_views_are_listed_created_updated_and_deleted(cli: Cli) -> None:
    assert cli("views", "create", "shop", "mine", "good", "bad").code == 0
    assert cli("views", "update", "shop", "mine", "--add", "slow", "--remove", "bad").code == 0
    found = {
        view["name"]: view["workflows"] for view in json.loads(cli("views", "list", "shop", "-o", "json").out)
    }
    assert found == {"发布": ["good", "gated"], "mine": ["good", "slow"]}
    assert "发布" in cli("views", "list", "shop").out
    assert cli("views", "create", "shop", "mine", "good").code == 2
    assert cli("views", "delete", "shop", "mine", "--yes").code == 0
    assert "mine" not in cli("views", "list", "shop").out


def test_a_view_is_not_updated_without_a_change_that_means_one_thing(alone: Cli) -> None:
    assert "Nothing to change" in alone("views", "update", "shop", "mine").err
    result = alone("views", "update", "shop", "mine", "--add", "a", "--remove", "a")
    assert result.code == 2
    assert "both added and removed" in result.err


def test_a_ticket_is_created_with_its_limits(cli: Cli, zadig: Zadig) -> None:
    result = cli(
        "tickets", "create", "shop", "CHG-1", "--env", "prod", "--service", "api/api", "--user",
        "Bob <bob@example.com>", "--from", "2030-01-01T10:00+08:00", "--until", "2030-01-01T12:00+08:00",
    )  # fmt: skip
    assert (result.code, result.err) == (0, "Created the ticket 'CHG-1'.\n")
    assert zadig.writes() == ["POST /openapi/ticket/approval"]


@pytest.mark.parametrize(
    ("option", "value", "mend"),
    [
        ("--from", "2030-01-01T10:00", "without a zone"),
        ("--until", "soon", "2025-01-31T18:00+08:00"),
        ("--service", "a/", "SERVICE/MODULE"),
        ("--user", "bob", "Name <name@example.com>"),
    ],
)
def test_a_ticket_with_a_wrong_limit_is_not_sent(alone: Cli, option: str, value: str, mend: str) -> None:
    result = alone("tickets", "create", "shop", "CHG-1", option, value)
    assert result.code == 2
    assert mend in result.err


def test_run_is_the_function_the_program_calls() -> None:
    assert run(["--version"]) == 0
