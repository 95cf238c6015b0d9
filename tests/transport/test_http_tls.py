"""TLS is always verified, and what fails to verify was never sent."""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.calls import get, post
from tests.support.canary import failure_of
from tests.support.raw_server import AGAIN, CLOSE, READ, RawServer, Script, Send, answer
from zadig_async.errors import ConnectError
from zadig_async.transport.http import HttpCarrier

MakeCarrier = Callable[..., HttpCarrier]

CERTS = Path(__file__).parent / "certs"


def serve(certificate: str) -> RawServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTS / f"{certificate}.pem")
    return RawServer([READ, Send(answer(b'{"ok":1}')), AGAIN], tls=context)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_private_authority_is_trusted_when_named(carrier: MakeCarrier, host: str) -> None:
    async with serve("server") as server:
        sender = carrier(f"https://{host}:{server.port}", ca_file=CERTS / "ca.pem")
        for call in (get(), post()):
            assert (await sender.send(call)).body == b'{"ok":1}'


@pytest.mark.parametrize(
    ("certificate", "ca_file", "said"),
    [
        ("server", None, "unable to get local issuer certificate"),
        ("server", "self-signed", "unable to get local issuer certificate"),
        ("self-signed", None, "self-signed certificate"),
        ("self-signed", "ca", "self-signed certificate"),
        ("wrong-host", "ca", "not valid for '127.0.0.1'"),
        ("expired", "ca", "certificate has expired"),
    ],
)
async def test_a_certificate_that_does_not_fit(
    carrier: MakeCarrier, certificate: str, ca_file: str | None, said: str
) -> None:
    async with serve(certificate) as server:
        trusted = CERTS / f"{ca_file}.pem" if ca_file else None
        error = await failure_of(carrier(server.url, ca_file=trusted).send(post()))
        assert server.requests == []
    assert type(error) is ConnectError
    assert said in str(error)
    assert "ca_file" in error.hint


@pytest.mark.parametrize("script", [[CLOSE], [Send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), CLOSE]])
async def test_a_port_that_does_not_speak_tls(carrier: MakeCarrier, script: Script) -> None:
    async with RawServer(script) as server:
        error = await failure_of(carrier(f"https://127.0.0.1:{server.port}").send(post()))
    assert type(error) is ConnectError


async def test_no_key_log_is_written_whatever_the_environment_says(
    carrier: MakeCarrier, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    async with serve("server") as server:
        await carrier(f"https://localhost:{server.port}", ca_file=CERTS / "ca.pem").send(get())
    assert b"SECRET" not in (log.read_bytes() if log.exists() else b"")
