"""`run --journal`, `resume`, `journal`, `audit`, `--stop-file`: what is remembered, and what stops it."""

import json
import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import POLL, Cli, Zadig
from tests.cli.test_processes import posix_only, process, shell, wait_for
from tests.support.canary import CANARY

__all__ = ["shell"]

TRIGGER = "/openapi/workflows/custom/task"
QUICK = ("--reconcile-for", "1s")


@pytest.fixture
def journal(tmp_path: Path) -> str:
    return str(tmp_path / "release.journal")


def tasks(zadig: Zadig) -> list[str]:
    return [task.workflow for task in zadig.emulator.ledger.tasks]


@posix_only
def test_a_killed_driver_is_resumed_to_the_same_end_without_a_second_trigger(
    shell: Zadig, journal: str, cli: Cli
) -> None:
    argv = ["run", "shop/gated", "shop/good", "shop/bad", "--all-jobs", POLL, "--journal", journal]
    argv += ["--concurrency", "1", "--approve", "shop/gated:gate", "--approve-own"]
    with process(argv) as child:
        wait_for(child, "waits at gate")
        child.kill()
        child.wait()
    assert tasks(shell) == ["gated"]
    result = cli("resume", journal)
    assert result.code == 5
    assert tasks(shell) == ["gated", "good", "bad"]
    assert len(shell.emulator.ledger.approvals) == 1
    assert "2 of 3 succeeded." in result.out
    for words in ("shop/gated#1", "shop/good#8", "shop/bad#1"):
        assert words in result.out
    again = cli("resume", journal)
    assert again.code == 5, "the code is that of the last batch, also when there is nothing left to do"
    assert "everything in it has come to its end" in again.out
    assert cli("audit", "verify", f"{journal}.audit.jsonl").code == 0


@posix_only
def test_ctrl_c_names_the_command_that_goes_on(shell: Zadig, journal: str, cli: Cli) -> None:
    argv = ["run", "shop/slow", "shop/good", "--all-jobs", "--journal", journal, POLL]
    with process([*argv, "--concurrency", "1", "--timeout", "90"]) as child:
        wait_for(child, "build / build: running")
        child.send_signal(signal.SIGINT)
        _, err = child.communicate()
    assert child.returncode == 130
    assert tasks(shell) == ["slow"]
    assert f"To go on: zadig-async resume {journal} --timeout 90 --poll-every 0.1" in err
    assert "zadig-async watch" not in err
    shown = json.loads(cli("journal", "show", journal, "--open", "-o", "json").out)
    assert [(run["workflow"], run["task"], run["state"]) for run in shown] == [
        ("shop/slow", 1, "launched"),
        ("shop/good", None, "intended"),
    ]
    # A deadline counts from the launch, whichever process has made it.
    result = cli("resume", journal, "--timeout", "1s")
    assert result.code == 5
    assert "not ended 1 s after its launch" in result.out


def test_nothing_new_is_begun_in_a_journal_with_unfinished_runs(cli: Cli, zadig: Zadig, journal: str) -> None:
    assert cli("run", "shop/gated", "--all-jobs", POLL, "--gate-timeout", "0", "--journal", journal).code == 4
    again = cli("run", "shop/good", "--all-jobs", POLL, "--journal", journal)
    assert again.code == 2
    assert "holds runs that have not come to their end: shop/gated" in again.err
    assert f"zadig-async resume {journal}" in again.err
    assert tasks(zadig) == ["gated"]
    done = cli("resume", journal, "--approve", "shop/gated:gate", "--approve-own", "--gate-timeout", "60")
    assert done.code == 0
    assert cli("run", "shop/good", "--all-jobs", POLL, "--journal", journal).code == 0
    assert tasks(zadig) == ["gated", "good"]


def test_a_trigger_without_an_answer_is_looked_for_when_resumed(cli: Cli, zadig: Zadig, journal: str) -> None:
    zadig.fault("late", method="POST", path=TRIGGER, seconds=60.0)
    lost = cli("run", "shop/good", "--all-jobs", POLL, "--journal", journal, *QUICK)
    assert lost.code == 3
    assert tasks(zadig) == []
    assert f"zadig-async resume {journal}" in lost.err
    while "#8" not in cli("tasks", "list", "shop/good").out:
        pass  # the world's minute is a second and a half
    found = cli("resume", journal)
    # The token does not say whose it is, so the one new task is only perhaps ours.
    assert found.code == 3
    assert "shop/good#8" in found.out
    (run,) = json.loads(cli("journal", "show", journal, "-o", "json").out)
    assert run["state"] == "unknown"
    settled = cli("journal", "settle", journal, run["run"][:14], "--task", "8")
    assert settled.code == 0
    assert cli("resume", journal).code == 0
    assert tasks(zadig) == ["good"]


def test_a_person_may_say_that_nothing_came_of_it(cli: Cli, zadig: Zadig, journal: str) -> None:
    zadig.fault("reset_before", method="POST", path=TRIGGER)
    assert cli("run", "shop/good", "--all-jobs", POLL, "--journal", journal, *QUICK).code == 3
    (run,) = json.loads(cli("journal", "show", journal, "-o", "json").out)
    assert cli("journal", "settle", journal, run["run"]).code == 2
    assert cli("journal", "settle", journal, run["run"], "--nothing", "--task", "3").code == 2
    assert cli("journal", "settle", journal, "ffff", "--nothing").code == 2
    assert "has come to nothing" in cli("journal", "settle", journal, run["run"], "--nothing").out
    assert cli("journal", "settle", journal, run["run"], "--nothing").code == 2
    text = cli("journal", "show", journal).out
    assert "finished" in text
    assert "refused" in text
    assert cli("run", "shop/good", "--all-jobs", POLL, "--journal", journal).code == 0


def test_values_are_not_in_the_journal_and_are_given_again(
    cli: Cli, zadig: Zadig, tmp_path: Path, journal: str
) -> None:
    secret = "s3cr3t-value-of-a-variable"
    stop = tmp_path / "STOP"
    stop.touch()
    argv = ("run", "shop/good", "--all-jobs", "--param", f"password={secret}", "--journal", journal, POLL)
    # The run is written down, and then nothing of it can be sent.
    zadig.fault("status", method="GET", path="/openapi/workflows/custom/good/detail", status=502, times=4)
    assert cli(*argv).code == 75
    missing = cli("resume", journal)
    assert missing.code == 2
    assert "the journal holds no values of variables" in missing.out
    assert "the same --param" in missing.out
    wrong = cli("resume", journal, "--param", "password=another")
    assert wrong.code == 2
    assert tasks(zadig) == []
    assert cli("resume", journal, "--param", f"password={secret}").code == 0
    assert zadig.emulator.ledger.tasks[0].params["password"] == secret
    for file in tmp_path.iterdir():
        content = file.read_bytes()
        assert secret.encode() not in content, file
        assert CANARY.encode() not in content, file


def test_rules_and_launches_of_a_file_are_read_again(
    cli: Cli, zadig: Zadig, tmp_path: Path, journal: str
) -> None:
    file = tmp_path / "l.yaml"
    file.write_text(
        """
        launches:
          - {ref: shop/gated, all_jobs: true}
          - ref: shop/good
            inputs: {build: {type: freestyle}}
            params: {branch: dev}
        approvals: [{project: shop, workflow: gated, gate: gate, own_tasks: true, soak: 1h}]
        policy: {poll_every: 0.1, concurrency: 1, deadlines: {gate: 0}}
        """,
        encoding="utf-8",
    )
    zadig.fault("status", method="GET", path="/openapi/workflows/custom/good/detail", status=502, times=4)
    first = cli("run", "--file", str(file), "--journal", journal)
    assert first.code == 4
    assert "it has not been open for 3600 s yet" in first.out
    file.write_text(file.read_text(encoding="utf-8").replace("soak: 1h", "soak: 1s"), encoding="utf-8")
    second = cli("resume", journal, "--gate-timeout", "60")
    assert second.code == 0
    assert "has changed since" in second.err
    assert {task.workflow: task.params.get("branch") for task in zadig.emulator.ledger.tasks} == {
        "gated": None,
        "good": "dev",
    }


def test_a_stop_file_keeps_everything_from_being_sent(cli: Cli, zadig: Zadig, tmp_path: Path) -> None:
    stop = tmp_path / "STOP"
    stop.touch()
    result = cli("run", "shop/good", "--all-jobs", POLL, "--stop-file", str(stop))
    assert result.code == 4
    assert f"{stop} is there" in result.out
    assert zadig.writes() == []


@posix_only
def test_sigusr1_stops_the_votes_and_not_the_watching(shell: Zadig) -> None:
    argv = ["run", "shop/steady", "shop/gated", "--all-jobs", POLL, "--approve", "shop/gated:gate"]
    with process([*argv, "--approve-own", "--param", "x=y"][:-2]) as child:
        wait_for(child, "launching")
        child.send_signal(signal.SIGUSR1)
        out, err = child.communicate()
    assert child.returncode in {4, 5}, out + err
    assert shell.emulator.ledger.approvals == []
    assert "SIGUSR1 came" in out


def test_watch_rehearses(cli: Cli, zadig: Zadig) -> None:
    assert cli("run", "shop/gated", "--all-jobs", POLL, "--gate-timeout", "0").code == 4
    before = zadig.writes()
    argv = ("watch", "shop/gated#1", POLL, "--approve", "shop/gated:gate", "--approve-own", "--dry-run")
    result = cli(*argv)
    assert result.code == 4
    assert "allowed by the rule for shop/gated gate gate" in result.out
    assert "this is a rehearsal" in result.out
    assert zadig.writes() == before


def test_watch_cancels_only_when_asked_to(cli: Cli, zadig: Zadig) -> None:
    assert cli("run", "shop/slow", "--all-jobs", POLL, "--timeout", "0.3").code == 75
    assert zadig.emulator.ledger.cancels == []
    result = cli("watch", "shop/slow#1", POLL, "--timeout", "0.3", "--cancel-on-timeout")
    assert result.code == 75
    assert [item.task_id for item in zadig.emulator.ledger.cancels] == [1]


def test_a_resume_without_a_journal_begins_none(cli: Cli, tmp_path: Path) -> None:
    for argv in (("resume",), ("journal", "show"), ("journal", "settle")):
        more = ("x", "--nothing") if argv[-1] == "settle" else ()
        result = cli(*argv, str(tmp_path / "nothing"), *more)
        assert result.code == 2
        assert "there is no such journal" in result.err
    assert list(tmp_path.iterdir()) == []


def test_a_journal_of_another_server_is_told(
    cli: Cli, zadig: Zadig, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("run", "shop/gated", "--all-jobs", POLL, "--gate-timeout", "0", "--journal", journal).code == 4
    monkeypatch.setenv("ZADIG_URL", "https://zadig.example.com")
    result = cli("resume", journal)
    assert result.code == 2
    assert f"its runs are on {zadig.url}, and not on https://zadig.example.com" in result.err


@posix_only
def test_a_journal_others_can_read_is_refused(cli: Cli, zadig: Zadig, journal: str) -> None:
    assert cli("run", "shop/good", "--all-jobs", POLL, "--journal", journal).code == 0
    path = Path(journal)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    result = cli("run", "shop/good", "--all-jobs", POLL, "--journal", journal)
    assert result.code == 2
    assert "chmod 600" in result.err
    assert tasks(zadig) == ["good"]


@posix_only
def test_a_file_that_is_no_journal_is_refused(cli: Cli, zadig: Zadig, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a journal " * 200)
    file.chmod(0o600)
    result = cli("run", "shop/good", "--all-jobs", POLL, "--journal", str(file))
    assert result.code == 2
    assert "Traceback" not in result.err
    assert zadig.writes() == []


@posix_only
@pytest.mark.parametrize("kilobytes", [0, 4, 36, 44])
def test_j2_a_full_disk_sends_nothing_that_is_not_written_down(
    shell: Zadig, journal: str, kilobytes: int
) -> None:
    """A limit on the size of files fails writes as a full disk does, at another place with each size."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, kilobytes * 1024))

    argv = [sys.executable, "-m", "zadig_async", "run", "shop/good", "shop/bad", "--all-jobs", POLL]
    argv += ["--concurrency", "1", "--journal", journal]
    # A child that measured its coverage would fail to write that down as well.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        argv, env=env, preexec_fn=limit, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr
    assert done.returncode != 0
    assert len([write for write in shell.writes() if write.startswith("POST")]) == len(tasks(shell))
    assert len(tasks(shell)) <= 1, "after the first failure nothing new is begun"
    if os.path.exists(journal) and os.path.getsize(journal) and tasks(shell):  # noqa: PTH110, PTH202
        resumed = subprocess.run(
            [sys.executable, "-m", "zadig_async", "resume", journal, *QUICK],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in resumed.stderr
        assert len(tasks(shell)) == len(set(tasks(shell))), "nothing is started twice"
