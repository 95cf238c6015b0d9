"""A small Zadig v4.1 for tests and demos: the server's bytes, errors and quirks, on a clock of your choice.

Here belongs everything that plays the server. It is written from the server's contract and imports nothing
of the client, so that an error in one is not repeated in the other. Names are imported when they are used,
and only `Emulator` needs aiohttp.

    from zadig_async.emulator import Emulator

    async with Emulator() as emulator:
        print(emulator.url, emulator.token)
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zadig_async.emulator.clock import Clock, LoopClock, ManualClock
    from zadig_async.emulator.dialect import Dialect
    from zadig_async.emulator.exchange import Dropped, Request, Response, Stream
    from zadig_async.emulator.faults import Fault, Faults
    from zadig_async.emulator.ledger import Ledger
    from zadig_async.emulator.script import Script, ScriptError
    from zadig_async.emulator.server import Emulator
    from zadig_async.emulator.world import World

_HOMES = {
    "Clock": "clock",
    "Dialect": "dialect",
    "Dropped": "exchange",
    "Emulator": "server",
    "Fault": "faults",
    "Faults": "faults",
    "Ledger": "ledger",
    "LoopClock": "clock",
    "ManualClock": "clock",
    "Request": "exchange",
    "Response": "exchange",
    "Script": "script",
    "ScriptError": "script",
    "Stream": "exchange",
    "World": "world",
}

__all__ = [
    "Clock",
    "Dialect",
    "Dropped",
    "Emulator",
    "Fault",
    "Faults",
    "Ledger",
    "LoopClock",
    "ManualClock",
    "Request",
    "Response",
    "Script",
    "ScriptError",
    "Stream",
    "World",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
