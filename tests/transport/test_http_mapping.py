"""What one attempt makes of each answer and each failure, with aiohttp answering from a table."""

import asyncio
import errno
import re
import ssl
from collections.abc import Callable

import aiohttp
import pytest
from aiohttp.client_exceptions import UnixClientConnectorError
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.http_exceptions import BadStatusLine
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from tests.support.aioresponses_shim import mocked_http
from tests.support.calls import get, post
from tests.support.canary import CANARY, failure_of, sightings
from zadig_async.errors import ConnectError, DeadlineError, DecodeError, TransportError
from zadig_async.transport.http import HttpCarrier

MakeCarrier = Callable[..., HttpCarrier]

BASE = "http://127.0.0.1:1"
KEY = ConnectionKey("127.0.0.1", 1, False, True, None, None, None)
INFO = aiohttp.RequestInfo(
    URL(f"{BASE}/?token={CANARY}"), "GET", CIMultiDictProxy(CIMultiDict(Authorization=f"Bearer {CANARY}"))
)


@pytest.mark.parametrize(
    "status", [200, 201, 204, 301, 307, 400, 401, 403, 404, 429, 500, 502, 503, 504, 599]
)
async def test_every_status_is_a_reply(carrier: MakeCarrier, status: int) -> None:
    with mocked_http() as mocked:
        mocked.get(f"{BASE}/openapi/things", status=status, body=b'{"a":1}', headers={"Retry-After": "5"})
        reply = await carrier(BASE).send(get())
    assert (reply.status, reply.body, reply.header("retry-after")) == (status, b'{"a":1}', "5")


async def test_a_large_body_arrives_whole(carrier: MakeCarrier) -> None:
    body = bytes(range(256)) * 1200
    with mocked_http() as mocked:
        mocked.get(f"{BASE}/openapi/things", body=body)
        assert (await carrier(BASE).send(get())).body == body


async def test_what_is_sent(carrier: MakeCarrier) -> None:
    with mocked_http() as mocked:
        mocked.post(f"{BASE}/openapi/things", body=b"")
        await carrier(BASE).send(post(b'{"b":2}'))
        ((method, url), (sent,)) = next(iter(mocked.requests.items()))
    assert (method, str(url)) == ("POST", f"{BASE}/openapi/things")
    assert sent.kwargs["data"] == b'{"b":2}'
    assert sent.kwargs["headers"]["Content-Type"] == "application/json"
    assert sent.kwargs["allow_redirects"] is False


def certificate_error() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, f"certificate verify failed {CANARY}")
    error.verify_message = "certificate has expired"
    return error


def handshake_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, CANARY)
    error.reason = reason
    return error


NOT_SENT: list[tuple[Exception, str]] = [
    (aiohttp.ClientConnectorError(KEY, OSError(errno.ECONNREFUSED, CANARY)), "Connection refused"),
    (aiohttp.ClientConnectorError(KEY, OSError(errno.EMFILE, CANARY)), "Too many open files"),
    (aiohttp.ClientConnectorError(KEY, OSError(CANARY)), "no connection to"),
    (
        aiohttp.ClientConnectorDNSError(KEY, OSError(errno.EAGAIN, CANARY)),
        "name of 127.0.0.1:1 was not found",
    ),
    (aiohttp.ClientConnectorCertificateError(KEY, certificate_error()), "certificate has expired"),
    (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, CANARY)), "TLS to 127.0.0.1:1 failed: handshake"),
    (aiohttp.ClientConnectorSSLError(KEY, handshake_error("WRONG_VERSION_NUMBER")), "WRONG_VERSION_NUMBER"),
    (aiohttp.ClientConnectorSSLError(KEY, handshake_error(CANARY)), "TLS to 127.0.0.1:1 failed: handshake"),
    (
        aiohttp.ClientProxyConnectionError(KEY, OSError(errno.ECONNREFUSED, CANARY)),
        "no connection to the proxy",
    ),
    (aiohttp.ClientHttpProxyError(INFO, (), status=407, message=CANARY), "refused to connect .* status 407"),
    (aiohttp.ConnectionTimeoutError(f"Connection timeout to host {CANARY}"), "in time"),
]

MAYBE_SENT: list[tuple[Exception, str]] = [
    (aiohttp.ServerDisconnectedError(CANARY), "was lost"),
    (aiohttp.ClientOSError(errno.ECONNRESET, CANARY), "was lost: Connection reset by peer"),
    (aiohttp.ClientOSError(1, CANARY), r"was lost \(ClientOSError\)"),
    (aiohttp.ClientConnectionResetError(CANARY), "was lost"),
    (aiohttp.ClientConnectionError(CANARY), "was lost"),
    (aiohttp.SocketTimeoutError(CANARY), "fell silent"),
    (aiohttp.ClientPayloadError(CANARY), "cut its answer short"),
    (aiohttp.ClientResponseError(INFO, (), status=400, message=CANARY), "not HTTP"),
    (BadStatusLine(CANARY), "not HTTP"),
    (aiohttp.InvalidURL(URL(BASE), CANARY), "was lost"),
    (OSError(errno.ETIMEDOUT, CANARY), "was lost: Connection timed out"),
    (ssl.SSLError(1, CANARY), r"was lost \(SSLError\)"),
]


@pytest.mark.parametrize(("broken", "said"), NOT_SENT)
async def test_not_sent(carrier: MakeCarrier, broken: Exception, said: str) -> None:
    with mocked_http() as mocked:
        mocked.get(f"{BASE}/openapi/things", exception=broken)
        error = await failure_of(carrier(BASE).send(get()))
    assert type(error) is ConnectError
    assert_explained(error, said)


@pytest.mark.parametrize(("broken", "said"), MAYBE_SENT)
async def test_maybe_sent(carrier: MakeCarrier, broken: Exception, said: str) -> None:
    with mocked_http() as mocked:
        mocked.get(f"{BASE}/openapi/things", exception=broken)
        error = await failure_of(carrier(BASE).send(get()))
    assert type(error) is TransportError
    assert_explained(error, said)


async def test_our_own_clock(carrier: MakeCarrier) -> None:
    with mocked_http() as mocked:
        mocked.get(f"{BASE}/openapi/things", exception=TimeoutError())
        error = await failure_of(carrier(BASE).send(get()))
    assert type(error) is DeadlineError
    assert_explained(error, "no whole answer")


def assert_explained(error: BaseException, said: str) -> None:
    assert isinstance(error, TransportError)
    assert error.call == "GET /openapi/things"
    assert str(error).startswith("GET /openapi/things: ")
    assert re.search(said, str(error))
    assert error.__cause__ is None
    assert error.__context__ is None


def all_subclasses(parent: type[Exception]) -> set[type[Exception]]:
    children: list[type[Exception]] = parent.__subclasses__()
    return {parent}.union(*map(all_subclasses, children))


def test_the_tables_know_every_error_of_a_connection() -> None:
    tried = {type(broken) for broken, _ in NOT_SENT + MAYBE_SENT}
    connectors = {
        each for each in all_subclasses(aiohttp.ClientConnectorError) if each.__module__.startswith("aiohttp")
    }
    abstract_or_elsewhere = {aiohttp.ClientSSLError, UnixClientConnectorError}
    assert connectors - tried - abstract_or_elsewhere == set()


async def test_hints_say_what_to_do(carrier: MakeCarrier) -> None:
    hints = {}
    for broken, _ in NOT_SENT:
        with mocked_http() as mocked:
            mocked.get(f"{BASE}/openapi/things", exception=broken)
            error = await failure_of(carrier(BASE).send(get()))
        hints[type(broken).__name__, getattr(broken, "errno", None)] = getattr(error, "hint", "")
    assert "ca_file" in hints["ClientConnectorCertificateError", 1]
    assert "host and port" in hints["ClientConnectorError", errno.ECONNREFUSED]
    assert "ulimit" in hints["ClientConnectorError", errno.EMFILE]
    assert "proxy" in hints["ClientHttpProxyError", None]
    assert all(hints.values())


async def test_cancellation_passes(carrier: MakeCarrier) -> None:
    with mocked_http() as mocked:
        mocked.get(f"{BASE}/openapi/things", exception=asyncio.CancelledError())
        with pytest.raises(asyncio.CancelledError):
            await carrier(BASE).send(get())


async def test_a_fault_of_ours_is_not_mistaken_for_the_network(carrier: MakeCarrier) -> None:
    with mocked_http() as mocked:
        mocked.get(f"{BASE}/openapi/things", exception=KeyError("ours"))
        with pytest.raises(KeyError, match="ours"):
            await carrier(BASE).send(get())


@pytest.mark.parametrize("body", [b"a" * 1001, b"a" * 300_000])
async def test_a_body_over_the_cap_is_refused(carrier: MakeCarrier, body: bytes) -> None:
    with mocked_http() as mocked:
        mocked.get(f"{BASE}/openapi/things", body=body)
        error = await failure_of(carrier(BASE).send(get(max_reply=1000)))
    assert isinstance(error, DecodeError)
    assert "larger than the 1000 bytes" in str(error)
    assert (error.call, error.status) == ("GET /openapi/things", 200)


async def test_a_body_at_the_cap_is_fine(carrier: MakeCarrier) -> None:
    with mocked_http() as mocked:
        mocked.get(f"{BASE}/openapi/things", body=b"a" * 1000)
        assert len((await carrier(BASE).send(get(max_reply=1000))).body) == 1000


def test_the_search_for_the_canary_finds_it() -> None:
    hidden = aiohttp.ClientResponseError(INFO, (), status=400)
    caused, shadowed = ValueError("fine"), ValueError("fine")
    caused.__cause__ = shadowed.__context__ = hidden
    shadowed.__suppress_context__ = True
    assert "ValueError.__cause__.args" in sightings(caused)
    assert "ValueError.__context__.repr" in sightings(shadowed)
    assert "ValueError.str" in sightings(ValueError(CANARY))
    assert "ExceptionGroup.exceptions.str" in sightings(ExceptionGroup("fine", [ValueError(CANARY)]))
    assert sightings(ValueError("fine")) == []
