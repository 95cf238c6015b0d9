"""What `FaultProxy` can do to an exchange, and ways to choose: by dice, or every live stream."""

import random
from collections.abc import Callable, Sequence
from enum import StrEnum, unique
from typing import Final

import attrs


@unique
class Fault(StrEnum):
    """What goes wrong with one exchange.

    All of them first read the whole request. Those named AFTER, and all that tell of an answer, have
    passed the request on: the server has acted on it.
    """

    RESET_BEFORE = "reset before"
    """The client gets RST; nothing is passed on."""
    RESET_AFTER = "reset after"
    """The client gets RST in place of the answer, as soon as the whole answer is here."""
    CUT = "cut"
    """The client gets `size` bytes of the answer, head included, and then FIN; or FIN `seconds` after the
    request was passed on, whichever comes first. However large the size, the last byte of an answer that
    says where it ends is never passed. Without a size, an answer that ends in time stays whole. With `hard`
    it is RST in place of FIN."""
    BLACK_HOLE = "black hole"
    """Nothing is passed on and nothing answered; the connection stays until the client leaves."""
    BLACK_HOLE_AFTER = "black hole after"
    """The answer is thrown away and nothing answered; the connection stays until the client leaves."""
    DELAY = "delay"
    """The request is passed on `seconds` later, even if the client has left by then."""
    DELIVER_LATE = "deliver late"
    """The client gets RST at once; the request is passed on `seconds` later, its answer thrown away."""
    GATEWAY_TIMEOUT = "gateway timeout"
    """As DELIVER_LATE, but the client gets a page with status 504."""
    BAD_GATEWAY_BEFORE = "bad gateway before"
    """The client gets a page with status 502; nothing is passed on."""
    BAD_GATEWAY_AFTER = "bad gateway after"
    """The client gets a page with status 502 in place of the answer, as soon as the whole answer is here."""
    GARBAGE = "garbage"
    """The client gets bytes that are no HTTP in place of the answer, and then FIN."""
    WRONG_LENGTH = "wrong length"
    """The client gets an answer that announces more bytes than it has, and then FIN."""
    DRIP = "drip"
    """The client gets the whole answer, `size` bytes at a time, with a pause of `seconds` after each."""
    DUPLICATE = "duplicate"
    """The request is passed on twice: once as usual, and, `seconds` after the answer to that began, again
    on a connection of its own. The client gets the first answer, and does not wait for the second."""
    HALF_OPEN = "half open"
    """The client gets `size` bytes of the answer, or what comes in `seconds`, counted as for CUT, and then
    nothing more, not even FIN."""


_SECONDS: Final = {
    Fault.CUT: None,
    Fault.DELAY: 0.05,
    Fault.DELIVER_LATE: 0.05,
    Fault.GATEWAY_TIMEOUT: 0.05,
    Fault.DRIP: 0.001,
    Fault.DUPLICATE: 0.0,
    Fault.HALF_OPEN: None,
}
"""The kinds for which seconds mean something, and what they are where nothing is said."""

_SIZES: Final = {Fault.CUT: None, Fault.DRIP: 7, Fault.HALF_OPEN: 0}
"""The kinds for which a size means something, and what it is where nothing is said."""

_LATE: Final = frozenset({Fault.DELAY, Fault.DELIVER_LATE, Fault.GATEWAY_TIMEOUT, Fault.DUPLICATE})
_CUTTING: Final = frozenset({Fault.CUT, Fault.HALF_OPEN})


@attrs.frozen
class Spoil:
    """An order to spoil one exchange.

    Attributes:
        kind: What goes wrong; says also what the other two mean.
        seconds: Real seconds.
        size: Bytes.
        hard: Whether a cut is made with RST.

    Raises:
        ValueError: A number is below 0, or something means nothing for this kind, or is missing.
    """

    kind: Fault
    seconds: float | None = attrs.field(default=None, kw_only=True)
    size: int | None = attrs.field(default=None, kw_only=True)
    hard: bool = attrs.field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        for name, value, known in (("seconds", self.seconds, _SECONDS), ("size", self.size, _SIZES)):
            if value is None:
                continue
            if self.kind not in known:
                raise ValueError(f"{name} mean nothing to {self.kind.name}")
            if value < 0:
                raise ValueError(f"{name} must not be below 0, and are {value}")
        if self.kind is Fault.CUT and self.seconds is None and self.size is None:
            raise ValueError("CUT needs seconds or a size")
        if self.kind is Fault.DRIP and self.size == 0:
            raise ValueError("DRIP needs a size above 0")
        if self.hard and self.kind is not Fault.CUT:
            raise ValueError(f"hard means nothing to {self.kind.name}")

    @property
    def wait(self) -> float:
        """The seconds, or their default."""
        return self.seconds if self.seconds is not None else _SECONDS.get(self.kind) or 0.0

    @property
    def bytes(self) -> int:
        """The size, or its default."""
        return self.size if self.size is not None else _SIZES.get(self.kind) or 0


@attrs.frozen
class Exchange:
    """One request, as soon as its head is complete.

    Attributes:
        number: Which request of the proxy this is, over all connections, from 1.
        method: The method.
        target: What is asked for, as it was sent: path and query.
    """

    number: int
    method: str
    target: str


Choose = Callable[[Exchange], Spoil | None]
"""Decides about an exchange; None lets it pass untouched."""


def _any(_exchange: Exchange) -> bool:
    return True


class Dice:
    """Spoils a share of the exchanges at random, and the same ones each time.

    What befalls the n-th exchange that matches depends on the seed and on n alone; whether the rate, too,
    lets it be befallen. Which exchange is the n-th is for the client to say, if it has several in flight.

    Attributes:
        matched: How many exchanges have matched so far.
    """

    def __init__(
        self,
        seed: int | str,
        rate: float,
        kinds: Sequence[Fault],
        *,
        matches: Callable[[Exchange], bool] = _any,
        seconds: tuple[float, float] = (0.0, 0.1),
        size: tuple[int, int] = (0, 300),
    ) -> None:
        """Take the dice.

        Args:
            seed: Where randomness starts.
            rate: Share of the matching exchanges to spoil, from 0 to 1.
            kinds: What may befall them, evenly; one named twice comes twice as often.
            matches: Which exchanges are concerned.
            seconds: Bounds of how late DELAY, DELIVER_LATE, GATEWAY_TIMEOUT and DUPLICATE are.
            size: Bounds of how many bytes CUT and HALF_OPEN let pass.

        Raises:
            ValueError: The rate is no share, or there is no kind.
        """
        if not 0 <= rate <= 1:
            raise ValueError(f"the rate must be from 0 to 1, and is {rate}")
        if not kinds:
            raise ValueError("dice need at least one kind of fault")
        self._random = random.Random(seed)
        self._rate = rate
        self._kinds = tuple(kinds)
        self._matches = matches
        self._seconds = seconds
        self._size = size
        self.matched = 0

    def __call__(self, exchange: Exchange) -> Spoil | None:
        if not self._matches(exchange):
            return None
        self.matched += 1
        draw = self._random.random
        # Always four, so that the n-th exchange gets the same four whatever befell those before it.
        strike, which, when, where = draw(), draw(), draw(), draw()
        if strike >= self._rate:
            return None
        kind = self._kinds[int(which * len(self._kinds))]
        first, last = self._size
        early, late = self._seconds
        return Spoil(
            kind,
            seconds=early + when * (late - early) if kind in _LATE else None,
            size=first + int(where * (last - first + 1)) if kind in _CUTTING else None,
        )


def cut_streams(*, seconds: float | None = None, size: int | None = None) -> Choose:
    """Make a choice that cuts every live log, and nothing else, as CUT does."""
    spoil = Spoil(Fault.CUT, seconds=seconds, size=size)

    def choose(exchange: Exchange) -> Spoil | None:
        return spoil if exchange.target.startswith("/openapi/logs/sse/") else None

    return choose
