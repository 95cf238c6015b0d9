"""The one border: each way to fail is a sentence, a mend and an exit code; no traceback, never the token."""

import socket
from pathlib import Path
from typing import Any

import click
import pytest

from tests.cli.conftest import EVIL, POLL, Cli, Zadig
from tests.sinks.test_terminal_oracles import obeyed
from tests.support.canary import CANARY
from zadig_async.cli import app, output
from zadig_async.cli.session import Session

LIST = ("workflows", "list", "shop")

FAULTS: list[tuple[str, dict[str, Any], int, str, str]] = [
    ("html", {}, 2, "Error: unreadable answer: ", "URL"),
    ("redirect", {}, 2, "Error: GET /openapi/workflows: HTTP 302, a redirect", "login page"),
    ("empty", {}, 2, "Error: unreadable answer: ", ""),
    ("truncate", {}, 75, "Error: connection lost: ", ""),
    ("reset_before", {}, 75, "Error: connection lost: ", ""),
    ("status", {"status": 401, "body": '{"code":401}'}, 2, "Error: token not accepted: ", "API token"),
    ("status", {"status": 403, "body": '{"code":403}'}, 2, "Error: no permission: ", "permission"),
    ("status", {"status": 404, "body": "404 page not found"}, 2, "Error: not found: ", "check the URL"),
    ("status", {"status": 502, "body": "<html>bad gateway</html>"}, 75, "Error: the server failed: ", ""),
    ("status", {"status": 429, "headers": {"Retry-After": "0"}}, 75, "Error: too many requests: ", ""),
]


@pytest.mark.parametrize(("kind", "settings", "code", "start", "mend"), FAULTS)
def test_a_read_that_fails(
    cli: Cli, zadig: Zadig, kind: str, settings: dict[str, Any], code: int, start: str, mend: str
) -> None:
    zadig.fault(kind, times=None, **settings)
    result = cli(*LIST)
    assert result.code == code
    assert result.err.startswith(start)
    assert mend in result.err
    assert "Traceback" not in result.err
    assert result.out == ""


TRIGGER: list[tuple[str, dict[str, Any], int, str]] = [
    ("reset_after", {}, 3, "outcome unknown"),
    ("html", {"after": True}, 3, "outcome unknown"),
    ("redirect", {}, 3, "outcome unknown"),
    ("status", {"status": 502}, 3, "outcome unknown"),
    ("status", {"status": 403, "body": '{"code":403}'}, 2, "no permission"),
    ("status", {"status": 400, "body": '{"code":400,"message":"no"}'}, 2, "refused by Zadig"),
]


@pytest.mark.parametrize(("kind", "settings", "code", "words"), TRIGGER)
def test_a_trigger_that_fails(
    cli: Cli, zadig: Zadig, kind: str, settings: dict[str, Any], code: int, words: str
) -> None:
    zadig.fault(kind, method="POST", **settings)
    result = cli("run", "shop/good", "--all-jobs", POLL, "--reconcile-for", "1s")
    assert result.code == code
    assert words in result.out
    if code == 3:
        assert "Look before you start it again: zadig-async tasks list shop/good" in result.out
    assert zadig.writes() == ["POST /openapi/workflows/custom/task"], "a trigger is sent once, whatever comes"


ONE_BY_ONE = ("--concurrency", "1", "--reconcile-for", "1s")


def test_an_unknown_outcome_wins_over_everything(cli: Cli, zadig: Zadig) -> None:
    zadig.fault("reset_after", method="POST")
    result = cli("run", "shop/good", "shop/bad", "shop/nowhere", "--all-jobs", POLL, *ONE_BY_ONE)
    assert result.code == 3


def test_nobody_listens(alone: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("ZADIG_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("ZADIG_TOKEN", CANARY)
    result = alone("run", "shop/good", "--all-jobs")
    assert result.code == 75
    assert "no connection" in result.out
    assert f"127.0.0.1:{port}" in result.out


def test_a_wrong_token(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZADIG_TOKEN", "wrong-token")
    for argv in (LIST, ("watch", "shop/good#7"), ("approve", "shop/good#7"), ("logs", "shop/good#7")):
        result = cli(*argv)
        assert result.code == 2
        assert result.err.startswith("Error: token not accepted: ")
        assert "Copy the API token again" in result.err


UNUSABLE_URLS = [
    ("zadig.example.com", "it must start with https://"),
    ("http://zadig.example.com", "would send the token in clear"),
    ("https://user:secret-part@zadig.example.com", "a user name or password in the URL is not accepted"),
    ("https://zadig.example.com/?token=secret-part", "a query or fragment is not accepted"),
    ("https://zadig.example.com\n", "a control"),
    ("https://", "name a host"),
]


@pytest.mark.parametrize(("url", "problem"), UNUSABLE_URLS)
def test_a_wrong_url(alone: Cli, monkeypatch: pytest.MonkeyPatch, url: str, problem: str) -> None:
    monkeypatch.setenv("ZADIG_URL", url)
    monkeypatch.setenv("ZADIG_TOKEN", CANARY)
    result = alone(*LIST)
    assert result.code == 2
    assert problem in result.err
    assert "secret-part" not in result.err


@pytest.mark.parametrize("token", ["Bearer abc", "two words", "nön-ascii", "bell\x07"])
def test_a_wrong_token_form(alone: Cli, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("ZADIG_URL", "https://zadig.example.com")
    monkeypatch.setenv("ZADIG_TOKEN", token)
    result = alone(*LIST)
    assert result.code == 2
    assert result.err.startswith("Error: token: ")
    assert token not in result.err


KEYS = [
    "a/b",
    "..",
    "a%2fb",
    "a?b=c",
    "a\nb",
    "a\r\nX-Evil: 1",
    "a#b",
    "",
    " ",
    "部署",
    "a\x1b[31m",
    "\u202ea",
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_cannot_be_one_is_refused_before_anything_is_sent(
    cli: Cli, zadig: Zadig, key: str
) -> None:
    for argv in (
        ("workflows", "list", key),
        ("workflows", "get", f"shop/{key}"),
        ("tasks", "list", f"{key}/good"),
        ("tasks", "get", f"shop/{key}#1"),
        ("run", f"shop/{key}", "--all-jobs"),
        ("watch", f"{key}/good#1"),
        ("logs", f"shop/{key}#1"),
        ("views", "list", key),
        ("views", "create", key, "name", "good"),
    ):
        result = cli(*argv)
        assert result.code == 2, argv
        assert "Traceback" not in result.err
        assert obeyed((result.err + result.out).replace("\n", "")) == []
    assert zadig.emulator.ledger.requests == []


@pytest.mark.parametrize(
    "ref", ["shop/good", "shop/good#0", "shop/good#x", "shop/good#1#2", "good#1", "#1", "shop/good#٣"]
)
def test_a_task_is_written_in_one_way(alone: Cli, ref: str) -> None:
    result = alone("tasks", "get", ref)
    assert result.code == 2
    assert "Write project/workflow#number, as in shop/deploy-api#56." in result.err


def test_what_the_server_sends_cannot_touch_the_terminal(cli: Cli) -> None:
    commands = [
        ("run", "shop/evil", "--all-jobs", POLL, "--logs"),
        ("run", "shop/evil", "--all-jobs", POLL, "--logs", "--output", "json"),
        ("workflows", "list", "shop"),
        ("workflows", "list", "shop", "-o", "json"),
        ("workflows", "get", "shop/evil"),
        ("workflows", "get", "shop/evil", "-o", "json"),
        ("tasks", "get", "shop/evil#1"),
        ("tasks", "get", "shop/evil#1", "-o", "json"),
        ("logs", "shop/evil#1"),
        ("logs", "shop/evil#1", "-o", "json"),
        ("doctor", "shop"),
    ]
    shown = ""
    for argv in commands:
        result = cli(*argv)
        assert obeyed((result.out + result.err).replace("\n", "")) == [], argv
        shown += result.out
    assert "red txt 部署" in shown
    assert EVIL not in shown


def test_an_error_of_the_server_cannot_touch_the_terminal(cli: Cli, zadig: Zadig) -> None:
    body = '{"code":6000,"message":"\\u001b]0;x\\u0007bad\\u202e","description":"a\\nb\\u009b31m"}'
    zadig.fault("status", status=400, body=body)
    result = cli(*LIST)
    assert result.code == 2
    assert "bad" in result.err
    assert obeyed(result.err.replace("\n", "")) == []


def test_debug_shows_where_an_error_came_from_and_not_the_token(cli: Cli, zadig: Zadig) -> None:
    zadig.fault("html")
    zadig.fault("html")
    result = cli("--debug", *LIST)
    assert result.code == 2
    assert "Traceback" in result.err
    assert "Error: unreadable answer: " in result.err
    assert cli(*LIST, "--debug").code == 0


def test_a_fault_of_ours_is_told_in_full_without_the_token(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(session: Session) -> None:
        session.settings()
        raise RuntimeError(f"it holds {CANARY}")

    command = click.Command("doctor", callback=click.pass_obj(broken))
    monkeypatch.setattr(app._Lazy, "get_command", lambda *_: command)
    result = cli("doctor")
    assert result.code == 70
    assert "RuntimeError: it holds ******" in result.err
    assert "This is a fault of zadig-async." in result.err


def test_a_reader_that_has_gone_ends_nothing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    muted: list[object] = []

    def broken(_text: str, **_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(click, "echo", broken)
    monkeypatch.setattr(output, "mute", muted.append)
    result = cli("workflows", "list", "shop")
    assert result.code == 0
    assert muted


def test_the_token_file_may_be_standard_input(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("ZADIG_TOKEN")
    piped = tmp_path / "token"
    piped.write_text(CANARY + "\n", encoding="utf-8")
    with piped.open(encoding="utf-8") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert cli(*LIST, "--token-file", "-").code == 0


def test_there_is_no_way_to_give_the_token_as_an_argument(alone: Cli) -> None:
    result = alone(*LIST, "--token", "x")
    assert result.code == 2
    assert "No such option" in result.err
