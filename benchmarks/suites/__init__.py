"""Suites: which ratios are measured, by the name of the suite."""

from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks.ratio import Ratio
from benchmarks.suites import codec, http, imports, retry, sse

SUITES: Final[Mapping[str, Sequence[Ratio]]] = {
    "codec": codec.RATIOS,
    "http": http.RATIOS,
    "imports": imports.RATIOS,
    "retry": retry.RATIOS,
    "sse": sse.RATIOS,
    "sse-memory": sse.MEMORY,
}
"""Every ratio, by the name of its suite."""
