"""`Lab`: runs cells in rounds, each round in a new order, so that a neighbour's noise meets all alike."""

import importlib.util
import json
import random
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Self

import attrs

from benchmarks.processes import SERVER_CORE, Child, cost_of_fresh
from benchmarks.ratio import Cell, Manner, Ratio, Round, Variant
from benchmarks.worker import Order


@attrs.frozen
class Pace:
    """How long a run takes.

    Attributes:
        rounds: How many rounds.
        seconds: How long one burst of one cell lasts, not counting what warms it up.
    """

    rounds: int
    seconds: float


def missing(ratio: Ratio) -> str:
    """Return the name of a package without which the ratio cannot be measured, or an empty string."""
    for cell in ratio.cells:
        if cell.variant.needs and importlib.util.find_spec(cell.variant.needs) is None:
            return cell.variant.needs
    return ""


class Lab:
    """A static server and one process for each variant, kept from round to round."""

    def __init__(self) -> None:
        self._opened = ExitStack()
        self._workers: dict[Variant, Child] = {}
        self._url = ""
        self._random = random.Random(2718)

    def __enter__(self) -> Self:
        server = self._opened.enter_context(Child("benchmarks.server", str(SERVER_CORE)))
        self._url = f"http://127.0.0.1:{server.read()}"
        return self

    def __exit__(self, *_: object) -> None:
        self._workers.clear()
        self._opened.close()

    def rounds(self, ratios: Iterable[Ratio], pace: Pace) -> Iterator[Round]:
        """Yield rounds, each with the cost of every cell the ratios need."""
        cells = list(dict.fromkeys(cell for ratio in ratios for cell in ratio.cells))
        for _ in range(pace.rounds):
            self._random.shuffle(cells)
            yield {cell: self._cost(cell, pace.seconds) for cell in cells}

    def _cost(self, cell: Cell, seconds: float) -> float:
        if cell.variant.manner is Manner.FRESH:
            return cost_of_fresh(cell.variant.where)
        order = json.dumps(attrs.asdict(Order(cell.document, cell.concurrency, seconds)))
        if cell.variant.manner is Manner.OPEN:
            with self._new_worker(cell.variant) as worker:
                return float(worker.ask(order))
        return float(self._worker(cell.variant).ask(order))

    def _new_worker(self, variant: Variant) -> Child:
        return Child("benchmarks.worker", variant.where, variant.manner.value, self._url)

    def _worker(self, variant: Variant) -> Child:
        worker = self._workers.get(variant)
        if worker is None:
            worker = self._workers[variant] = self._opened.enter_context(self._new_worker(variant))
        return worker
