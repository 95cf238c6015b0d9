"""Bad weather for logs: no live stream lasts, a share of archive reads and of polls is spoiled."""

import random
from collections.abc import Callable
from typing import Final

from tests.support.fault_spoils import Exchange, Fault, Spoil

_STREAM: Final = "/openapi/logs/sse/"
_ARCHIVE: Final = "/openapi/logs/log/"
_TASK: Final = "/openapi/workflows/custom/task"


class LogWeather:
    """Chooses for a `FaultProxy`. Every live stream ends early, in one of these ways:

    cut by time or by bytes, with FIN or RST; half-open by time or by bytes; refused with 502 or RST; delayed

    A delayed one is opened late and then lasts until it is cut for the server's sake. The share of archive
    reads that is spoiled gets 502, too few bytes, too short a body, RST, or a delay; polls get 502 or RST.

    What befalls the n-th request of its kind depends on the seed and on n alone.
    """

    def __init__(
        self,
        seed: int | str,
        *,
        lasts: tuple[float, float],
        bytes: tuple[int, int] = (0, 60_000),  # noqa: A002 - they are bytes
        archives: float = 0.4,
        polls: float = 0.02,
        late: float = 0.1,
    ) -> None:
        """Make weather.

        Args:
            seed: Where randomness starts.
            lasts: Between how many real seconds a stream lasts.
            bytes: Between how many bytes it lasts that is cut by bytes.
            archives: Share of archive reads that is spoiled.
            polls: Share of reads of a task that is spoiled.
            late: Most real seconds by which something is late.
        """
        self._dice = {kind: random.Random(f"{seed} {kind}") for kind in (_STREAM, _ARCHIVE, _TASK)}
        self._lasts = lasts
        self._bytes = bytes
        self._archives = archives
        self._polls = polls
        self._late = late

    def __call__(self, exchange: Exchange) -> Spoil | None:
        if exchange.target.startswith(_STREAM):
            return self._stream(self._dice[_STREAM])
        if exchange.target.startswith(_ARCHIVE):
            return self._archive(self._dice[_ARCHIVE])
        if exchange.method == "GET" and exchange.target.startswith(_TASK):
            return self._poll(self._dice[_TASK])
        return None

    def _stream(self, dice: random.Random) -> Spoil:
        seconds = dice.uniform(*self._lasts)
        size = dice.randint(*self._bytes)
        late = dice.uniform(0, self._late)
        ways: list[tuple[float, Callable[[], Spoil]]] = [
            (5, lambda: Spoil(Fault.CUT, seconds=seconds)),
            (5, lambda: Spoil(Fault.CUT, seconds=seconds, hard=True)),
            (3, lambda: Spoil(Fault.CUT, seconds=seconds, size=size)),
            (3, lambda: Spoil(Fault.CUT, seconds=seconds, size=size, hard=True)),
            (1, lambda: Spoil(Fault.HALF_OPEN, seconds=seconds)),
            (1, lambda: Spoil(Fault.HALF_OPEN, seconds=seconds, size=size)),
            (1, lambda: Spoil(Fault.BAD_GATEWAY_BEFORE)),
            (1, lambda: Spoil(Fault.RESET_BEFORE)),
            (1, lambda: Spoil(Fault.DELAY, seconds=late)),
        ]
        return dice.choices([way for _, way in ways], [weight for weight, _ in ways])[0]()

    def _archive(self, dice: random.Random) -> Spoil | None:
        strike, size, late = dice.random(), dice.randint(0, 100_000), dice.uniform(0, self._late)
        spoils = [
            Spoil(Fault.BAD_GATEWAY_BEFORE),
            Spoil(Fault.BAD_GATEWAY_AFTER),
            Spoil(Fault.CUT, size=size),
            Spoil(Fault.CUT, size=size, hard=True),
            Spoil(Fault.WRONG_LENGTH),
            Spoil(Fault.RESET_AFTER),
            Spoil(Fault.GARBAGE),
            Spoil(Fault.DELAY, seconds=late),
        ]
        spoil = dice.choice(spoils)
        return spoil if strike < self._archives else None

    def _poll(self, dice: random.Random) -> Spoil | None:
        strike, which = dice.random(), dice.choice((Fault.BAD_GATEWAY_AFTER, Fault.RESET_BEFORE))
        return Spoil(which) if strike < self._polls else None
