"""A carrier to a given URL with the canary as its token, closed after the test."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.support.canary import CANARY
from zadig_async.model.secret import Secret
from zadig_async.transport.http import HttpCarrier
from zadig_async.transport.options import Connection, Limits, Timeouts

SHORT = Timeouts(connect=5, poll_total=5, write_total=5, read=5, stream_open=5)
USUAL = Limits()


@pytest.fixture
async def carrier() -> AsyncIterator[Callable[..., HttpCarrier]]:
    """Make carriers: `carrier(url, timeouts=..., limits=..., **options_of_the_connection)`."""
    made: list[HttpCarrier] = []

    def make(
        url: str, *, timeouts: Timeouts = SHORT, limits: Limits = USUAL, parts: Any = None, **options: Any
    ) -> HttpCarrier:
        connection = Connection(url, Secret(CANARY), **options)
        made.append(HttpCarrier(connection, timeouts=timeouts, limits=limits, **(parts or {})))
        return made[-1]

    yield make
    for each in made:
        await each.aclose()
