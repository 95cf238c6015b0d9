"""What goes over the wire, byte by byte, and what comes back."""

import gzip
import inspect
import random
import socket
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.calls import as_is, get, make_call, post
from tests.support.canary import CANARY, failure_of
from tests.support.raw_server import AGAIN, CLOSE, HANG, READ, RawServer, Script, Send, answer
from zadig_async.errors import ConfigError, ConnectError, DecodeError, TransportError
from zadig_async.model.secret import Secret
from zadig_async.transport.http import HttpCarrier
from zadig_async.transport.options import Connection
from zadig_async.transport.sockets import probing_socket
from zadig_async.wire.call import Call, Reply

MakeCarrier = Callable[..., HttpCarrier]

SERVE: Script = [READ, Send(answer(b'{"ok":1}')), AGAIN]

TARGETS = [
    "/",
    "/openapi/workflows/custom/task?taskId=7&workflowKey=a",
    "/a%2Fb/%2e%2e/c%20d",
    "/a/../b/./c",
    "//double//slash/",
    "/q?a=%26&b=+&c=%E4%B8%AD&d=a/b?c",
    "/q?a&b=&&",
    "/colon:semi;comma,at@",
    "/%00%0d%0a",
    "/%zz%",
    "/?only=query",
    '/|^`{}"<>\\',
]


@pytest.mark.parametrize("prefix", ["", "/zadig", "/a/b"])
async def test_the_target_is_on_the_wire_as_it_is(carrier: MakeCarrier, prefix: str) -> None:
    async with RawServer(SERVE) as server:
        sender = carrier(server.url + prefix)
        for target in TARGETS:
            await sender.send(get(target))
            await sender.send(make_call(as_is, method="POST", target=target, body=b""))
    expected = [f"{prefix}{target}".encode() for target in TARGETS for _ in range(2)]
    assert [request.target for request in server.requests] == expected


@pytest.mark.parametrize(
    "target",
    ["", "x", "?a=b", "/a b", "/a\r\nX: y", "/a\tb", "/中", "/a#b", "/a?", "http://evil.example/", "/\x7f"],
)
async def test_what_cannot_be_on_the_wire_as_it_is_is_refused(carrier: MakeCarrier, target: str) -> None:
    async with RawServer(SERVE) as server:
        error = await failure_of(carrier(server.url).send(get(target)))
    assert isinstance(error, ConfigError)
    assert server.connections == 0


@settings(max_examples=60)
@given(st.text(max_size=30) | st.text("/.?&=%#: ab\\\r\n\x85", max_size=30))
async def test_any_target_is_sent_as_it_is_or_not_at_all(text: str) -> None:
    async with RawServer(SERVE) as server:
        sender = HttpCarrier(Connection(server.url, Secret(CANARY)))
        try:
            await sender.send(get("/" + text))
        except ConfigError:
            assert server.connections == 0
        else:
            assert [request.target for request in server.requests] == [f"/{text}".encode()]
        finally:
            await sender.aclose()


async def test_the_headers_of_a_read(carrier: MakeCarrier) -> None:
    async with RawServer(SERVE) as server:
        await carrier(server.url, user_agent="pipeline/1").send(get())
    (request,) = server.requests
    assert dict(request.headers) == {
        "Host": f"127.0.0.1:{server.port}",
        "Authorization": f"Bearer {CANARY}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "User-Agent": "pipeline/1",
    }
    assert len(request.headers) == 5
    assert request.body == b""


async def test_the_headers_of_a_write(carrier: MakeCarrier) -> None:
    async with RawServer(SERVE) as server:
        await carrier(server.url).send(post(b'{"a":1}'))
    (request,) = server.requests
    assert {name for name, _ in request.headers} == {
        "Host",
        "Authorization",
        "Accept",
        "Accept-Encoding",
        "User-Agent",
        "Content-Type",
        "Content-Length",
        "Connection",
    }
    assert len(request.headers) == 8
    assert request.header("Content-Type") == "application/json"
    assert request.header("Connection") == "close"
    assert request.body == b'{"a":1}'


async def test_a_write_without_a_body(carrier: MakeCarrier) -> None:
    async with RawServer(SERVE) as server:
        await carrier(server.url).send(make_call(as_is, method="DELETE"))
        await carrier(server.url).send(make_call(as_is, method="POST"))
    for request in server.requests:
        assert request.header("Content-Type") == ""
        assert request.header("Content-Length") in {"", "0"}


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
async def test_redirects_are_not_followed(carrier: MakeCarrier, status: str) -> None:
    async with RawServer(SERVE) as other:
        move = answer(b"", status, [f"Location: {other.url}/login"])
        async with RawServer([READ, Send(move), AGAIN]) as server:
            sender = carrier(server.url)
            for call in (get(), post()):
                reply = await sender.send(call)
                assert reply.status == int(status[:3])
                assert reply.header("location") == f"{other.url}/login"
            assert len(server.requests) == 2
    assert other.connections == 0


async def test_cookies_are_not_kept(carrier: MakeCarrier) -> None:
    baked = answer(b"{}", headers=["Set-Cookie: session=1; Path=/", "Set-Cookie: other=2"])
    async with RawServer([READ, Send(baked), AGAIN]) as server:
        sender = carrier(server.url)
        await sender.send(get())
        await sender.send(get())
    assert [request.header("Cookie") for request in server.requests] == ["", ""]


async def test_the_environment_is_not_asked(
    carrier: MakeCarrier, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password other")
    async with RawServer(SERVE) as server, RawServer(SERVE) as proxy:
        monkeypatch.setenv("NETRC", str(netrc))
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        await carrier(server.url).send(get())
    assert proxy.connections == 0
    assert server.requests[0].header("Authorization") == f"Bearer {CANARY}"


async def test_a_proxy_sees_no_token(carrier: MakeCarrier) -> None:
    refuse = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    async with RawServer([READ, Send(refuse)]) as proxy:
        error = await failure_of(carrier("https://zadig.example.com", proxy=proxy.url).send(post()))
    assert type(error) is ConnectError
    assert "status 407" in str(error)
    assert [request.line for request in proxy.requests] == [b"CONNECT zadig.example.com:443 HTTP/1.1"]
    assert proxy.requests[0].header("Authorization") == ""


@pytest.mark.parametrize("stream", [False, True])
async def test_a_refusal_that_repeats_the_token_does_not_show_it(carrier: MakeCarrier, stream: bool) -> None:
    refusal = answer(f"no such token: {CANARY}".encode(), status="400 Bad Request")
    async with RawServer([READ, Send(refusal)]) as server:
        if stream:
            async with carrier(server.url).stream(get()) as opened:
                reply = opened.head
        else:
            reply = await carrier(server.url).send(get())
    assert (reply.status, reply.body) == (400, b"no such token: ******")


async def test_header_names_are_lower_case_in_a_reply(carrier: MakeCarrier) -> None:
    async with RawServer([READ, Send(answer(headers=["X-Zadig-Auth-REASON: Mixed"]))]) as server:
        reply = await carrier(server.url).send(get())
    assert reply.header("x-zadig-auth-reason") == "Mixed"
    assert all(name == name.lower() for name in reply.headers)


def chunks(body: bytes, size: int) -> bytes:
    """Write a body in the chunked transfer coding."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def chunked(body: bytes, *headers: str, size: int = 1000) -> bytes:
    return answer(b"", headers=["Transfer-Encoding: chunked", *headers], sized=False) + chunks(body, size)


BODY = b'{"a":"' + b"x" * 9000 + b'"}'


@pytest.mark.parametrize(
    "sent",
    [
        answer(BODY),
        answer(BODY, sized=False),
        chunked(BODY),
        chunked(BODY, size=1),
        answer(gzip.compress(BODY), headers=["Content-Encoding: gzip"]),
        answer(gzip.compress(BODY), headers=["Content-Encoding: gzip"], sized=False),
        chunked(gzip.compress(BODY), "Content-Encoding: gzip", size=7),
        chunked(zlib.compress(BODY), "Content-Encoding: deflate"),
        chunked(BODY, "Content-Encoding: identity"),
    ],
    ids=[
        "sized",
        "to the end",
        "chunked",
        "byte by byte",
        "gzip",
        "gzip to the end",
        "gzip chunked",
        "deflate",
        "identity",
    ],
)
async def test_every_way_to_send_a_body(carrier: MakeCarrier, sent: bytes) -> None:
    async with RawServer([READ, Send(sent), CLOSE]) as server:
        reply = await carrier(server.url).send(get())
    assert reply.body == BODY


NOISE = random.Random(1).randbytes(2_000_000)
"""Too large for any buffer between here and there, compressed or not."""


@pytest.mark.parametrize("call", [get(max_reply=9000), post(max_reply=9000)], ids=["read", "write"])
@pytest.mark.parametrize(
    "sent",
    [
        answer(NOISE),
        answer(NOISE, sized=False),
        chunked(NOISE),
        answer(gzip.compress(NOISE), headers=["Content-Encoding: gzip"]),
        chunked(gzip.compress(NOISE), "Content-Encoding: gzip"),
    ],
    ids=["sized", "to the end", "chunked", "gzip", "gzip chunked"],
)
async def test_a_body_over_the_cap(carrier: MakeCarrier, sent: bytes, call: Call[Reply]) -> None:
    async with RawServer([READ, Send(sent), HANG]) as server:
        error = await failure_of(carrier(server.url).send(call))
        await server.left.wait()  # not read to its end, so the connection is closed and not kept
    assert isinstance(error, DecodeError)
    assert "larger than the 9000 bytes" in str(error)


async def test_a_body_that_says_it_is_too_large_is_not_waited_for(carrier: MakeCarrier) -> None:
    async with RawServer([READ, Send(answer(headers=["Content-Length: 9001"], sized=False)), HANG]) as server:
        error = await failure_of(carrier(server.url).send(get(max_reply=9000)))
        await server.left.wait()
    assert isinstance(error, DecodeError)


@pytest.mark.parametrize("cut", [1, 12, 50])
async def test_compressed_data_that_stops_in_the_middle(carrier: MakeCarrier, cut: int) -> None:
    sent = answer(gzip.compress(BODY)[:-cut], headers=["Content-Encoding: gzip"])
    async with RawServer([READ, Send(sent), CLOSE]) as server:
        error = await failure_of(carrier(server.url).send(get()))
    assert isinstance(error, DecodeError)
    assert "stops in the middle" in str(error)


async def test_two_lengths_are_not_http(carrier: MakeCarrier) -> None:
    async with RawServer([READ, Send(chunked(BODY, "Content-Length: 10")), HANG]) as server:
        error = await failure_of(carrier(server.url).send(get()))
    assert type(error) is TransportError


async def test_a_bomb_costs_no_memory(carrier: MakeCarrier) -> None:
    engine = zlib.compressobj(9, wbits=31)
    packed = b"".join([*(engine.compress(bytes(2**20)) for _ in range(200)), engine.flush()])
    cap = 2**20
    async with RawServer(
        [READ, Send(chunked(packed, "Content-Encoding: gzip", size=50_000)), CLOSE]
    ) as server:
        sender = carrier(server.url)
        tracemalloc.start()
        try:
            error = await failure_of(sender.send(get(max_reply=cap)))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert isinstance(error, DecodeError)
    assert f"larger than the {cap} bytes" in str(error)
    assert peak < 4 * cap


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "nonsense"])
async def test_unknown_encodings_are_refused(carrier: MakeCarrier, encoding: str) -> None:
    sent = answer(b"anything", headers=[f"Content-Encoding: {encoding}"])
    async with RawServer([READ, Send(sent)]) as server:
        error = await failure_of(carrier(server.url).send(get()))
    assert isinstance(error, DecodeError)
    assert error.status == 200


async def test_sockets_are_made_by_us_with_probes_on(carrier: MakeCarrier) -> None:
    made: list[socket.socket] = []

    def recording(address: tuple[Any, ...]) -> socket.socket:
        made.append(probing_socket(address))
        return made[-1]

    async with RawServer([READ, Send(answer()), HANG]) as server:
        sender = carrier(server.url, parts={"socket_factory": recording})
        await sender.send(get())
        assert [each.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) for each in made] == [1]
    default = inspect.signature(HttpCarrier).parameters["socket_factory"].default
    assert default is probing_socket
