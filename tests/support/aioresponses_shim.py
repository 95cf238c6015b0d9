"""Makes aioresponses 0.7.9 work with aiohttp 3.14.

Two things changed under it: `ClientResponse` now insists on a `stream_writer`, and `StreamReader` asks its
protocol's parser for more when its buffer runs low, where aioresponses gives it a bare mock. Both get what
they want here, for mocked answers only. When aiohttp needs this no more, `install` says so by failing.
"""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import Mock

import aiohttp
from aioresponses import aioresponses as mock_aiohttp
from aioresponses import compat, core


class _MockedResponse(aiohttp.ClientResponse):
    """A response without a connection."""

    def __init__(self, method: str, url: Any, **parts: Any) -> None:
        parts.setdefault("stream_writer", Mock(output_size=0))
        super().__init__(method, url, **parts)


def _reader(loop: Any = None) -> aiohttp.StreamReader:
    """Make a reader whose parser has nothing more to give."""
    reader: aiohttp.StreamReader = compat.stream_reader_factory(loop)
    nothing_more = Mock()
    nothing_more.feed_data.return_value = ([], False, b"")
    reader._protocol._parser = nothing_more  # there is no public way
    return reader


def install() -> None:
    """Teach aioresponses, once for the process; harmless when done again.

    Raises:
        RuntimeError: aioresponses or aiohttp no longer needs this.
    """
    if "stream_writer" not in inspect.signature(aiohttp.ClientResponse.__init__).parameters:
        raise RuntimeError("aiohttp.ClientResponse takes no stream_writer any more: remove this shim")
    core.ClientResponse = _MockedResponse  # type: ignore[attr-defined]  # imported there, not declared
    core.stream_reader_factory = _reader  # type: ignore[attr-defined]  # imported there, not declared


@contextmanager
def mocked_http() -> Iterator[Any]:
    """Answer aiohttp's requests from a table instead of the network; gives the `aioresponses` object."""
    install()
    with mock_aiohttp() as mocked:
        yield mocked
