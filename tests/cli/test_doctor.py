"""`doctor`: every check as a line, with what to do."""

import base64
import io
import json
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, Zadig
from tests.support.canary import CANARY
from tests.support.raw_server import READ, RawServer, Send, answer
from zadig_async.cli.commands.doctor import State, token_expiry
from zadig_async.cli.probe import probe
from zadig_async.errors import ConnectError
from zadig_async.model.secret import Secret

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def checks(cli: Cli, *argv: str) -> tuple[int, dict[str, dict[str, str]]]:
    result = cli("doctor", *argv, "-o", "json")
    return result.code, {check["name"]: check for check in json.loads(result.out)}


def test_all_is_well(cli: Cli, zadig: Zadig) -> None:
    code, found = checks(cli, "shop")
    assert code == 0
    states = {name: check["state"] for name, check in found.items()}
    assert "fail" not in states.values()
    assert {name for name, state in states.items() if state == "ok"} == {
        "token", "network", "clock", "token accepted", "registries", "project shop",
    }  # fmt: skip
    assert found["gates"]["text"] == "1 approval job in the 6 workflows looked at"
    assert "ZADIG_URL" in found["url"]["text"]
    assert zadig.writes() == []


def test_lines_are_for_people(cli: Cli) -> None:
    result = cli("doctor")
    assert result.code == 0
    assert "ok    token accepted: Zadig knows the token\n" in result.out
    assert "note  project: not looked at\n      Name one: zadig-async doctor PROJECT\n" in result.out


def test_a_token_the_server_does_not_know(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZADIG_TOKEN", "wrong")
    code, found = checks(cli)
    assert (code, found["token accepted"]["state"]) == (2, "fail")
    assert "Copy the API token again" in found["token accepted"]["mend"]


def test_a_token_from_standard_input_is_read_once(
    alone: Cli, zadig: Zadig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{CANARY}\n"))
    code, found = checks(alone, "--url", zadig.url, "--token-file", "-")
    assert (code, found["token accepted"]["state"]) == (0, "ok")


def test_another_web_server_has_accepted_no_token(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, zadig: Zadig
) -> None:
    monkeypatch.setenv("ZADIG_URL", f"{zadig.url}/somewhere")
    code, found = checks(cli)
    assert (code, found["token accepted"]["state"]) == (2, "fail")
    assert "check the URL" in found["token accepted"]["mend"]


def test_no_settings_at_all(alone: Cli) -> None:
    result = alone("doctor")
    assert result.code == 2
    assert result.out.startswith("fail  settings: no Zadig server is named\n")


def test_nobody_listens(alone: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZADIG_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("ZADIG_TOKEN", CANARY)
    code, found = checks(alone)
    assert (code, found["network"]["state"]) == (75, "fail")
    assert "127.0.0.1:1" in found["network"]["text"]
    assert "token accepted" not in found


def test_a_project_that_is_empty_or_does_not_exist(cli: Cli) -> None:
    code, found = checks(cli, "nowhere")
    assert (code, found["project nowhere"]["state"]) == (0, "warn")


def test_registries_that_cannot_be_read_are_a_warning(cli: Cli, zadig: Zadig) -> None:
    zadig.fault("status", status=403, body='{"code":403}', path="/openapi/system/registry")
    code, found = checks(cli)
    assert (code, found["registries"]["state"]) == (0, "warn")


def token(claims: object) -> Secret:
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return Secret(f"head.{middle}.{CANARY.replace('.', '-')}")


@pytest.mark.parametrize(
    ("claims", "state", "text"),
    [
        ({"exp": (NOW - timedelta(days=1)).timestamp()}, State.FAIL, "it ended on 2029-12-31"),
        ({"exp": (NOW + timedelta(days=3)).timestamp()}, State.WARN, "it ends on 2030-01-04"),
        ({"exp": (NOW + timedelta(days=90)).timestamp()}, State.OK, "it ends on 2030-04-01"),
        ({"exp": (NOW + timedelta(days=36_500)).timestamp()}, State.NOTE, "it ends on 2129-12-08"),
        ({"exp": 1e40}, State.NOTE, "the token does not say when it ends"),
        ({"exp": "soon"}, State.NOTE, "the token does not say when it ends"),
        ({"exp": True}, State.NOTE, "the token does not say when it ends"),
        ([], State.NOTE, "the token does not say when it ends"),
    ],
)
def test_a_token_tells_its_end_and_nothing_else(claims: object, state: State, text: str) -> None:
    check = token_expiry(token(claims), NOW)
    assert (check.state, check.text) == (state, text)


@pytest.mark.parametrize("value", ["", "x", "a.b.c", "a.!!!.c", "a.bm8.c", "a.b.c.d"])
def test_a_token_of_another_kind_is_no_problem(value: str) -> None:
    assert token_expiry(Secret(value), NOW).state is State.NOTE


async def test_a_probe_tells_how_far_the_clocks_are_apart() -> None:
    past = datetime.now(UTC) - timedelta(seconds=500)
    header = f"Date: {format_datetime(past, usegmt=True)}"
    async with RawServer([READ, Send(answer(headers=[header]))]) as server:
        found = await probe(server.url + "/zadig")
    assert found.skew is not None
    assert 498 < found.skew < 600
    assert (found.address, found.tls, found.certificate_ends) == ("127.0.0.1", "", None)
    assert server.requests[0].line == b"HEAD /zadig HTTP/1.1"
    assert server.requests[0].header("authorization") == ""


@pytest.mark.parametrize(
    "data", [b"garbage\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nDate: never\r\n\r\n", b"x" * 100_000]
)
async def test_a_probe_of_a_strange_server_tells_no_time(data: bytes) -> None:
    async with RawServer([READ, Send(data)]) as server:
        assert (await probe(server.url)).skew is None


async def test_a_probe_tells_why_tls_failed() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certs = Path(__file__).parent.parent / "transport" / "certs"
    context.load_cert_chain(certs / "server.pem")
    async with RawServer([READ, Send(answer())], tls=context) as server:
        with pytest.raises(ConnectError, match="is not trusted"):
            await probe(server.url)
        found = await probe(server.url, certs / "ca.pem")
    assert found.tls.startswith("TLS")
    assert found.certificate_ends is not None
