"""What it costs to start: CPU of a new interpreter, less that of one that does nothing."""

from typing import Final

from benchmarks.ratio import Cell, Manner, Ratio, Variant


def _fresh(name: str, source: str) -> Cell:
    return Cell(Variant(name, source, Manner.FRESH))


_BARE: Final = _fresh("python", "pass")
_AIOHTTP: Final = _fresh("import aiohttp", "import aiohttp")
_HTTPX: Final = _fresh("import httpx, pydantic", "import httpx, pydantic")
_OURS: Final = _fresh("import zadig_async", "import zadig_async")
_CONNECT: Final = _fresh(
    "import zadig_async + connect",
    "import zadig_async; zadig_async.ZadigClient.connect('http://127.0.0.1:1', token='benchmark')",
)


def _over(ours: Cell, peer: Cell) -> Ratio:
    return Ratio(f"{ours.variant.name} / {peer.variant.name}", ours, peer, net_of=_BARE)


RATIOS: Final = (_over(_OURS, _AIOHTTP), _over(_CONNECT, _AIOHTTP), _over(_HTTPX, _AIOHTTP))
