"""A static HTTP/1.1 server in a process of its own: fixed bytes, as little CPU as Python allows.

`python -m benchmarks.server CORE` prints its port and serves until its standard input ends. It answers any
request whose target holds `taskId=N` with document N, a request for a live log with the stream its job and
its number of lines stand for, and `/release` by ending all streams still open. It keeps connections open,
and reads no bodies.
"""

import asyncio
import re
import sys
from typing import Final

from benchmarks.feed import RELEASE, Feed
from benchmarks.logs import PREFIX
from benchmarks.payloads import DOCUMENTS
from benchmarks.processes import pin

_TASK: Final = re.compile(rb"[?&]taskId=(\d+)")
_END: Final = b"\r\n\r\n"


def _answer(status: bytes, body: bytes) -> bytes:
    head = (
        b"HTTP/1.1 " + status + b"\r\n"
        b"Content-Type: application/json; charset=utf-8\r\n"
        b"Date: Thu, 15 Jan 2026 02:00:00 GMT\r\n"
        b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n"
    )
    return head + body


_ANSWERS: Final = {
    str(document.task_id).encode(): _answer(b"200 OK", document.body) for document in DOCUMENTS.values()
}
_DONE: Final = _answer(b"200 OK", b"{}")
_NOTHING: Final = _answer(b"404 Not Found", b"{}")


class Static(asyncio.Protocol):
    """One connection; requests may come in pieces and several at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._feed: Feed | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        *requests, self._rest = (self._rest + data).split(_END)
        for request in requests:
            target = request.split(b" ", 2)[1]
            found = _TASK.search(target)
            if found:
                self._transport.write(_ANSWERS.get(found[1], _NOTHING))
            elif target.startswith(PREFIX):
                self._feed = Feed(self._transport, target)
                self._feed.go_on()
            elif target == RELEASE:
                Feed.release()
                self._transport.write(_DONE)
            else:
                self._transport.write(_NOTHING)

    def pause_writing(self) -> None:
        if self._feed is not None:
            self._feed.pause()

    def resume_writing(self) -> None:
        if self._feed is not None:
            self._feed.go_on()

    def connection_lost(self, error: Exception | None) -> None:
        if self._feed is not None:
            self._feed.stop()


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Static, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    pin(int(sys.argv[1]))
    asyncio.run(_serve())
