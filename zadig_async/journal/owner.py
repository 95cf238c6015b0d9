"""Who owns a lease: a process, named so that another one can prove that it has ended.

An owner reads `host=ci-1 machine=9c.. boot=1f.. pidns=40.. timens=40.. pid=812 start=71516 id=5b..`. A part
that is not known is empty, and then nothing is ever proven; the lease still runs out by itself.
"""

import hashlib
import os
import platform
import re
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

import attrs

_FORM: Final = re.compile(
    r"host=(?P<host>[^ ]*) machine=(?P<machine>[0-9a-f]*) boot=(?P<boot>[0-9a-f-]*) pidns=(?P<pidns>[0-9]*)"
    r" timens=(?P<timens>[0-9]*) pid=(?P<pid>[1-9][0-9]{0,17}) start=(?P<start>[0-9]*) id=[0-9a-f]+",
    re.ASCII,
)

_INITIAL_PIDNS: Final = "4026531836"
"""What Linux calls the pid namespace of the machine itself (include/linux/proc_ns.h, PROC_PID_INIT_INO).

Only there do host name and machine id stand for a machine. Containers have both from their image and their
settings, so that two of them, on two machines with two boots, may look alike.
"""

_SALT: Final = b"zadig_async journal owner\0"
"""A machine id must not be shown as it is (man 5 machine-id)."""


@attrs.frozen(kw_only=True)
class _Process:
    """The parts of an owner; what is not known is empty.

    Attributes:
        host: Host name.
        machine: Digest of the machine id.
        boot: Boot id of the kernel.
        pidns: Pid namespace, in which `pid` counts.
        timens: Time namespace, in which `start` counts.
        pid: Process id.
        start: When it started, in clock ticks since the boot.
    """

    host: str
    machine: str
    boot: str
    pidns: str
    timens: str
    pid: int
    start: str


@attrs.frozen
class _Life:
    """What the kernel says of a pid that is taken.

    Attributes:
        start: When the process started, in clock ticks since the boot; empty where that cannot be read.
        ended: Whether it has ended and only its parent has not asked yet.
    """

    start: str = ""
    ended: bool = False


def identity() -> str:
    """Return a new owner: this process, and a random part, so that no two owners are the same."""
    here = _here()
    parts = {
        "host": quote(here.host, safe=""),
        "machine": here.machine,
        "boot": here.boot,
        "pidns": here.pidns,
        "timens": here.timens,
        "pid": here.pid,
        "start": here.start,
        "id": secrets.token_hex(6),
    }
    return " ".join(f"{name}={value}" for name, value in parts.items())


def describe(owner: str) -> str:
    """Return an owner in a few words, such as `process 812 on ci-1`."""
    process = _parse(owner)
    return owner if process is None else f"process {process.pid} on {process.host or 'an unnamed host'}"


def is_gone(owner: str) -> bool:
    """Whether it is proven that the owner's process has ended. What cannot be known counts as alive."""
    theirs = _parse(owner)
    return theirs is not None and _proven(theirs, _here(), _look_up)


def _parse(owner: str) -> _Process | None:
    match = _FORM.fullmatch(owner)
    if match is None:
        return None
    return _Process(
        host=unquote(match["host"]),
        machine=match["machine"],
        boot=match["boot"],
        pidns=match["pidns"],
        timens=match["timens"],
        pid=int(match["pid"]),
        start=match["start"],
    )


def _proven(theirs: _Process, ours: _Process, look_up: Callable[[int], _Life | None]) -> bool:
    if not (theirs.host == ours.host != "" and theirs.boot and ours.boot):
        return False
    if theirs.boot != ours.boot:
        same_machine = theirs.machine == ours.machine != ""
        return same_machine and theirs.pidns == ours.pidns == _INITIAL_PIDNS
    if not (theirs.pidns == ours.pidns != "" and theirs.timens == ours.timens != "" and theirs.start):
        return False
    life = look_up(theirs.pid)
    if life is None:
        return True
    return life.ended or (life.start != "" and life.start != theirs.start)


def _here() -> _Process:
    linux = sys.platform == "linux"
    return _Process(
        host=platform.node(),
        machine=_machine() if linux else "",
        boot=_read("/proc/sys/kernel/random/boot_id") if linux else "",
        pidns=_namespace("pid") if linux else "",
        timens=_namespace("time") if linux else "",
        pid=os.getpid(),
        start=_life(os.getpid()).start if linux else "",
    )


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _machine() -> str:
    name = _read("/etc/machine-id")
    if not re.fullmatch(r"[0-9a-f]{32}", name):
        return ""  # missing, empty, or `uninitialized`
    return hashlib.sha256(_SALT + name.encode()).hexdigest()[:16]


def _namespace(kind: str) -> str:
    try:
        link = Path(f"/proc/self/ns/{kind}").readlink()
    except FileNotFoundError:
        # A kernel before 5.6 has no time namespaces, so all processes are in one.
        return "0" if kind == "time" and Path("/proc/self/ns/pid").is_symlink() else ""
    except OSError:
        return ""
    match = re.search(r"\[([0-9]+)\]", str(link))
    return match[1] if match else ""


def _look_up(pid: int) -> _Life | None:
    """Return what the kernel says of a pid, or None where it says that there is no such process.

    The signal asks the kernel itself. /proc does not show everything to everybody (`hidepid`).
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except (OSError, OverflowError):
        pass  # it is there and is not ours, or cannot be asked for
    return _life(pid)


def _life(pid: int) -> _Life:
    spaces = re.search(r"^NSpid:(.*)$", _read("/proc/self/status"), re.MULTILINE)
    if spaces is None or spaces[1].split() != [str(os.getpid())]:
        return _Life()  # this /proc counts pids in another namespace than we do
    # The name stands in brackets and may hold any character, so count from the last bracket.
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    try:
        state, threads, start = fields[0], int(fields[17]), fields[19]
    except (IndexError, ValueError):
        return _Life()
    # A process whose first thread has ended looks ended too, while its other threads run on.
    return _Life(start, state in ("Z", "X") and threads <= 1)
