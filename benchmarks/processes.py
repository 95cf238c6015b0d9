"""Child processes: pinned to a core, spoken to by lines, ended by closing their input."""

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Final, Self

CLIENT_CORE: Final = 0
"""Place of the measured core among those we may use."""
SERVER_CORE: Final = -1
"""Place of the server's core among those we may use."""


def pin(place: int) -> None:
    """Keep this process on one of the cores it may use, where the system allows it and there are two."""
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, {cores[place]})


class Child:
    """A Python module running as a process of its own."""

    def __init__(self, module: str, *arguments: str) -> None:
        command: Sequence[str] = (sys.executable, "-m", module, *arguments)
        self._name = " ".join(command[2:])
        self._process = subprocess.Popen(  # noqa: S603 - our own modules
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, line: str) -> str:
        """Send a line and return the line it answers."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self.read()

    def read(self) -> str:
        """Return the next line it writes.

        Raises:
            RuntimeError: It ended instead; what it wrote to standard error is on ours.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._name} ended with code {self._process.wait()}")
        return line.strip()

    def close(self) -> None:
        """End its input, and with it the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def cost_of_fresh(source: str) -> float:
    """Return the CPU seconds a new interpreter needs to run a source text, its own start included.

    Raises:
        RuntimeError: It failed.
    """
    process = os.posix_spawn(sys.executable, [sys.executable, "-c", source], os.environ)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise RuntimeError(f"{source!r} failed with status {status}")
    return usage.ru_utime + usage.ru_stime
