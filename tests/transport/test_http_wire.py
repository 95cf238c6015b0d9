"""What goes over the wire, byte by byte, and what comes back."""

import asyncio
import gzip
import socket
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.calls import as_is, get, make_call, post
from tests.support.canary import CANARY, failure_of
from tests.support.raw_server import AGAIN, HANG, READ, RawServer, Send, answer
from zadig_async.errors import ConfigError, DecodeError, TransportError
from zadig_async.model.secret import Secret
from zadig_async.transport.http import HttpCarrier
from zadig_async.transport.options import Connection
from zadig_async.wire.call import Lane

MakeCarrier = Callable[..., HttpCarrier]

SERVE = [READ, Send(answer(b'{"ok":1}')), AGAIN]

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
    "/|^`{}\"<>\\",
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
    "target", ["", "x", "?a=b", "/a b", "/a\r\nX: y", "/a\tb", "/中", "/a#b", "/a?", "http://evil.example/", "/\x7f"]
)
async def test_what_cannot_be_on_the_wire_as_it_is_is_refused(carrier: MakeCarrier, target: str) -> None:
    async with RawServer(SERVE) as server:
        error = await failure_of(carrier(server.url).send(get(target)))
    assert isinstance(error, ConfigError)
    assert server.connections == 0


@given(st.text(max_size=30))
async def test_any_target_is_sent_as_it_is_or_not_at_all(text: str) -> None:
    async with RawServer(SERVE) as server:
        with closing_later(server.url) as sender:
            try:
                await sender.send(get("/" + text))
            except ConfigError:
                assert server.connections == 0
            else:
                assert [request.target for request in server.requests] == [f"/{text}".encode()]
        await sender.aclose()


def closing_later(url: str) -> closing[HttpCarrier]:
    raise NotImplementedError
