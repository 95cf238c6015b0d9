"""The main job on real input: the official page's example, run by the command against an emulator process."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

PAGE = Path(__file__).parent / "golden" / "official-page"
TOKEN = "official-token"


@attrs.frozen
class Server:
    """An emulator in a process of its own."""

    url: str

    def command(self, *argv: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "ZADIG_URL": self.url, "ZADIG_TOKEN": TOKEN, "HOME": "/nonexistent"}
        return subprocess.run(
            [sys.executable, "-m", "zadig_async", *argv],
            env=environment,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    def ledger(self, kind: str) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/_emulator/ledger", timeout=10) as answer:
            records = json.load(answer)
        return [record for record in records if record["event"] == kind]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    argv = ["emulator", "--scenario", str(PAGE / "scenario.yaml"), "--speed", "60"]
    with subprocess.Popen(
        [sys.executable, "-m", "zadig_async", *argv], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield Server(process.stdout.readline().strip())
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def ran(server: Server) -> subprocess.CompletedProcess[str]:
    return server.command("run", "--file", str(PAGE / "launches.yaml"), "--output", "json")


def test_the_page_s_execute_example_runs_to_its_end(
    server: Server, ran: subprocess.CompletedProcess[str]
) -> None:
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (created,) = server.ledger("TaskCreated")
    assert created["workflow"] == "test-openapi"
    assert created["params"]["abc"] == "123"
    assert created["jobs"] == [
        "job-0-0-0-build-myapps",
        "job-1-0-0-deploy-myapps",
        "job-1-1-0-jira-issue-update",
        "job-1-2-0-deploy-my-app",
        "job-1-3-0-sql",
    ]
    assert json.loads(ran.stdout.splitlines()[-1])
    assert TOKEN not in ran.stdout + ran.stderr


def test_the_page_s_workflow_is_shown(server: Server) -> None:
    done = server.command("workflows", "get", "lilian-test/build-deploy", "--output", "json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert [stage["name"] for stage in shown["stages"]] == ["build", "deploy"]


def test_the_page_s_task_is_shown(server: Server, ran: subprocess.CompletedProcess[str]) -> None:
    assert ran.returncode == 0, ran.stderr
    done = server.command("tasks", "get", "helm/test-openapi#1", "--output", "json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert (shown["workflow_key"], shown["task_id"]) == ("test-openapi", 1)
    assert shown["stages"][0]["jobs"][0]["origin_name"] == "build-myapps"
