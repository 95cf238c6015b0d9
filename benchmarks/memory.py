"""How much memory this process has: what is resident, and the most there was of it. Linux only."""

import os
from pathlib import Path
from typing import Final

_STATUS: Final = Path("/proc/self/status")
_CLEAR: Final = Path("/proc/self/clear_refs")
_FORGET_PEAK: Final = "5"


def resident_bytes() -> int:
    """Return what is resident now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def forget_peak() -> None:
    """Make what is resident now the most there was."""
    _CLEAR.write_text(_FORGET_PEAK, encoding="ascii")


def peak_bytes() -> int:
    """Return the most that was resident since `forget_peak`."""
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"{_STATUS} names no VmHWM")
