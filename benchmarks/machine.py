"""The machine and the versions a result belongs to."""

import os
import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

from benchmarks.payloads import DOCUMENTS

_PACKAGES: Final = (
    *("aiohttp", "aiohttp-sse-client2", "aiolimiter", "attrs", "cattrs", "httpx", "httpx-sse", "httpx2"),
    *("msgspec", "orjson", "pydantic", "requests", "tenacity"),
)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )


def _versions() -> Iterator[str]:
    for package in _PACKAGES:
        try:
            yield f"{package} {metadata.version(package)}"
        except metadata.PackageNotFoundError:
            yield f"{package} not installed"


def facts() -> Iterator[str]:
    """Yield what a reader has to know to judge a result, line by line."""
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    yield f"{_processor()}, {os.cpu_count()} cores{load}; {platform.system()} {platform.release()}"
    yield f"{platform.python_implementation()} {platform.python_version()}; {', '.join(_versions())}"
    yield "bodies: " + ", ".join(f"{d.name} {len(d.body) / 1000:.1f} KB" for d in DOCUMENTS.values())
