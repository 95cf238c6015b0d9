"""What is measured: variants, cells, ratios of two cells, and what a run found of a ratio."""

import statistics
from collections.abc import Mapping, Sequence
from enum import Enum, unique

import attrs


@unique
class Manner(Enum):
    """How a variant is run, and so what a cost is."""

    PLAIN = "plain"
    """A function, called again and again; CPU seconds per call."""
    ASYNC = "async"
    """A coroutine function, called by so many tasks of one event loop; CPU seconds per call."""
    THREADS = "threads"
    """A function, called by so many threads; CPU seconds of the process per call."""
    KEPT = "kept"
    """A function whose results are kept; bytes per result."""
    LINES = "lines"
    """A coroutine function that reads a log to its end, by so many tasks; CPU seconds per line."""
    CLOCK = "clock"
    """The same; seconds by the clock per line."""
    OPEN = "open"
    """The same, of logs that do not end; resident bytes of a new process per stream open at a time."""
    FRESH = "fresh"
    """Source text, run by a new interpreter; CPU seconds of that process from start to end."""

    @property
    def unit(self) -> str:
        """The unit reports show costs in."""
        return {"kept": "KB", "open": "KB", "fresh": "ms"}.get(self.value, "us")

    @property
    def scale(self) -> float:
        """What to multiply a cost with to have it in that unit."""
        return {"kept": 1e-3, "open": 1e-3, "fresh": 1e3}.get(self.value, 1e6)


@attrs.frozen
class Variant:
    """One way to do the work.

    Attributes:
        name: What reports call it.
        where: `module:function` of its subject, or the source text to run.
        manner: How it is run.
        needs: A package that may be missing; without it the variant is skipped.
    """

    name: str
    where: str
    manner: Manner
    needs: str = ""


@attrs.frozen
class Cell:
    """A variant doing one kind of work.

    Attributes:
        variant: The variant.
        document: Name of the document or log it works on, or empty.
        concurrency: How many calls are under way at a time.
    """

    variant: Variant
    document: str = ""
    concurrency: int = 1


@attrs.frozen
class Ratio:
    """A cost of ours over a cost of a peer; less is better.

    Attributes:
        name: What reports and bars call it.
        ours: The cell above the line.
        peer: The cell below the line.
        net_of: A cell whose cost is first taken from both, or None.
    """

    name: str
    ours: Cell
    peer: Cell
    net_of: Cell | None = None

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells it needs."""
        return (self.ours, self.peer) if self.net_of is None else (self.ours, self.peer, self.net_of)

    def of(self, costs: "Round") -> float:
        """Return the ratio in one round."""
        less = 0.0 if self.net_of is None else costs[self.net_of]
        return (costs[self.ours] - less) / (costs[self.peer] - less)


Round = Mapping[Cell, float]
"""The cost of every cell, measured close together in time."""


@attrs.frozen
class Finding:
    """What the rounds say of a ratio.

    Attributes:
        ratio: Which one.
        bar: Most it is to be, or None where it is only shown.
        hold: Most it may be all the same, or None where it is only shown.
        median: Median over the rounds.
        low: Lower quartile.
        high: Upper quartile.
        rounds: How many rounds there were.
        ours: Median cost of ours, in the unit of its manner.
        peer: Median cost of the peer, in the unit of its manner.
    """

    ratio: Ratio
    bar: float | None
    hold: float | None
    median: float
    low: float
    high: float
    rounds: int
    ours: float
    peer: float

    @property
    def missed(self) -> bool:
        """Whether the median is over the bar."""
        return self.bar is not None and self.median > self.bar

    @property
    def worse(self) -> bool:
        """Whether the median is over what it may be: something has become slower."""
        return self.hold is not None and self.median > self.hold


def finding(
    ratio: Ratio, bar: float | None, rounds: Sequence[Round], *, hold: float | None = None
) -> Finding:
    """Sum up the rounds; a ratio is only ever taken within one round. Without `hold` the bar holds."""
    ratios = [ratio.of(costs) for costs in rounds]
    low, median, high = (
        statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    )

    def typical(cell: Cell) -> float:
        return statistics.median(costs[cell] for costs in rounds) * cell.variant.manner.scale

    hold = bar if hold is None else hold
    return Finding(ratio, bar, hold, median, low, high, len(ratios), typical(ratio.ours), typical(ratio.peer))
