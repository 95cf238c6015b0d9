"""An owner is called gone only where that is proven."""

import os
import platform
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.journal.ground import start
from zadig_async.journal.owner import (
    _INITIAL_PIDNS,
    _Life,
    _look_up,
    _parse,
    _Process,
    _proven,
    describe,
    identity,
    is_gone,
)

linux = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")

US = _Process(host="ci", machine="aa", boot="b1", pidns=_INITIAL_PIDNS, timens="7", pid=40, start="900")
THEM = attrs.evolve(US, pid=50, start="800")


def altered(process: _Process, part: str, value: str = "") -> _Process:
    change: dict[str, Any] = {part: value}
    return attrs.evolve(process, **change)


def gone(theirs: _Process, ours: _Process = US, life: _Life | None = None) -> bool:
    return _proven(theirs, ours, lambda _: life)


@pytest.mark.parametrize(
    ("life", "expected"),
    [
        (None, True),
        (_Life("800"), False),
        (_Life("801"), True),
        (_Life("800", ended=True), True),
        (_Life(""), False),
    ],
    ids=["no such pid", "it", "another one", "a zombie", "cannot be read"],
)
def test_on_the_same_boot_the_kernel_decides(life: _Life | None, expected: bool) -> None:
    assert gone(THEM, life=life) is expected


@pytest.mark.parametrize("part", ["host", "pidns", "timens"])
def test_a_process_elsewhere_is_never_gone(part: str) -> None:
    assert gone(altered(THEM, part, "9")) is False


@pytest.mark.parametrize("part", ["host", "boot", "pidns", "timens", "start"])
def test_what_is_not_known_proves_nothing(part: str) -> None:
    assert gone(altered(THEM, part)) is False
    if part != "start":
        assert gone(THEM, altered(US, part)) is False
        assert gone(altered(THEM, part), altered(US, part)) is False


def test_after_a_reboot_everybody_is_gone() -> None:
    assert gone(attrs.evolve(THEM, boot="b0"), life=_Life("800")) is True


@pytest.mark.parametrize("part", ["host", "machine", "pidns"])
def test_another_boot_of_what_may_be_another_machine_proves_nothing(part: str) -> None:
    before = attrs.evolve(THEM, boot="b0")
    assert gone(altered(before, part, "9")) is False
    assert gone(altered(before, part), altered(US, part)) is False


def test_another_boot_seen_from_a_container_proves_nothing() -> None:
    # Host name and machine id may be those of an image; it may run on two machines.
    inside = attrs.evolve(US, pidns="4026532000")
    assert gone(attrs.evolve(inside, boot="b0"), inside) is False


def test_no_two_owners_are_the_same() -> None:
    assert len({identity() for _ in range(100)}) == 100


def test_an_owner_in_this_process_is_never_gone() -> None:
    assert not is_gone(identity())


@linux
def test_on_linux_every_part_is_known_here() -> None:
    process = _parse(identity())
    assert process is not None
    assert (process.pid, process.host) == (os.getpid(), platform.node())
    assert all([process.boot, process.pidns, process.timens, process.start])


FULL = "host=x machine=aa boot=b-1 pidns=1 timens=2 pid=3 start=4 id=5"


@pytest.mark.parametrize(
    "owner",
    [
        "",
        "a",
        "pid=1",
        "host=x pid=1",
        f"{FULL} ",
        f" {FULL}",
        f"{FULL}\n",
        FULL.replace("pid=3", "pid=0"),
        "\0",
    ],
)
def test_an_owner_of_another_form_is_never_gone(owner: str) -> None:
    assert not is_gone(owner)
    assert describe(owner) == owner


def test_an_owner_reads_well() -> None:
    assert describe(identity()) == f"process {os.getpid()} on {platform.node()}"


def test_any_host_name_is_read_back() -> None:
    owner = re.sub("host=[^ ]*", "host=a%20b%3Dc%C3%BC", identity())
    process = _parse(owner)
    assert process is not None
    assert process.host == "a b=cü"


@pytest.fixture
def other() -> Iterator["subprocess.Popen[str]"]:
    with start("own", ".") as child:
        yield child
        child.kill()


def said(child: "subprocess.Popen[str]") -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip().strip('"')


@linux
def test_a_process_is_gone_from_when_it_is_killed(other: "subprocess.Popen[str]") -> None:
    owner = said(other)
    assert not is_gone(owner)
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(owner), "a zombie has ended"
    other.wait()
    assert is_gone(owner)


@linux
def test_a_stopped_process_is_not_gone(other: "subprocess.Popen[str]") -> None:
    owner = said(other)
    other.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, other.pid, os.WSTOPPED | os.WNOWAIT)
    assert not is_gone(owner)


@linux
def test_a_pid_that_was_given_to_another_process_is_noticed(other: "subprocess.Popen[str]") -> None:
    owner = said(other)
    process = _parse(owner)
    assert process is not None
    assert is_gone(owner.replace(f"start={process.start}", "start=1"))


_FIRST_THREAD_ENDS = """
import ctypes, sys, threading
threading.Thread(target=sys.stdin.read).start()
print("ready", flush=True)
ctypes.CDLL(None).syscall({"x86_64": 60}.get(__import__("platform").machine(), 93), 0)
"""


@linux
def test_a_process_that_lost_only_its_first_thread_is_not_gone() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _FIRST_THREAD_ENDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()
            state = ""
            while state != "Z":  # the thread is about to end
                state = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0]
            life = _look_up(child.pid)
            assert life is not None
            assert not life.ended
        finally:
            child.kill()


def test_asking_for_a_pid_that_cannot_be_proves_nothing() -> None:
    assert _look_up(10**17) == _Life()
