"""The kill switch: pulled from anywhere, never unpulled, and pulled where nobody can tell."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from zadig_async.errors import ConfigError
from zadig_async.orchestrator.switch import KillSwitch


def test_nothing_pulls_it_by_itself(tmp_path: Path) -> None:
    for switch in (KillSwitch(), KillSwitch(tmp_path / "STOP")):
        assert [switch.pulled() for _ in range(3)] == [None, None, None]


def test_a_pull_counts_at_once_and_the_first_reason_is_kept(tmp_path: Path) -> None:
    for switch in (KillSwitch(), KillSwitch(tmp_path / "STOP")):
        switch.pull("wrong release")
        switch.pull("something else")
        assert switch.pulled() == "wrong release"


def test_a_pull_without_a_reason_is_still_one() -> None:
    switch = KillSwitch()
    switch.pull("")
    assert switch.pulled()


def test_a_file_pulls_it_for_good(tmp_path: Path) -> None:
    file = tmp_path / "STOP"
    switch = KillSwitch(file)
    assert switch.pulled() is None
    file.touch()
    assert switch.pulled() == f"{file} is there"
    file.unlink()
    assert switch.pulled() == f"{file} is there"
    assert KillSwitch(file).pulled() is None


def test_a_pull_by_hand_stays_when_there_is_a_file_as_well(tmp_path: Path) -> None:
    file = tmp_path / "STOP"
    switch = KillSwitch(file)
    switch.pull("wrong release")
    file.touch()
    assert switch.pulled() == "wrong release"


def test_anything_under_that_name_pulls_it(tmp_path: Path) -> None:
    folder, loop, nowhere = (tmp_path / name for name in ("folder", "loop", "nowhere"))
    folder.mkdir()
    loop.symlink_to(loop)
    nowhere.symlink_to(tmp_path / "missing")
    for file in (folder, loop, nowhere):
        assert KillSwitch(file).pulled() == f"{file} is there"


def folder_missing(at: Path) -> Path:
    return at / "missing" / "STOP"


def folder_is_a_file(at: Path) -> Path:
    (at / "file").touch()
    return at / "file" / "STOP"


def folder_is_a_loop(at: Path) -> Path:
    (at / "loop").symlink_to(at / "loop")
    return at / "loop" / "STOP"


def folder_leads_nowhere(at: Path) -> Path:
    (at / "nowhere").symlink_to(at / "missing")
    return at / "nowhere" / "STOP"


def name_too_long(at: Path) -> Path:
    return at / ("x" * 5000)


def name_no_file_can_have(at: Path) -> Path:
    return at / "a\x00b"


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (folder_missing, "No such file or directory"),
        (folder_is_a_file, "Not a directory"),
        (folder_is_a_loop, "symbolic links"),
        (folder_leads_nowhere, "No such file or directory"),
        (name_too_long, "too long"),
        (name_no_file_can_have, "null"),
    ],
)
def test_where_nobody_can_tell_it_counts_as_pulled(
    make: Callable[[Path], Path], why: str, tmp_path: Path
) -> None:
    reason = KillSwitch(make(tmp_path)).pulled()
    assert reason is not None
    assert why in reason
    assert str(tmp_path) in reason


@contextmanager
def nobody() -> Iterator[None]:
    """Root may look anywhere, so it gives that up for a while."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_where_nobody_may_look_it_counts_as_pulled(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0)
    switch = KillSwitch(locked / "STOP")
    with nobody():
        reason = switch.pulled()
    assert reason == f"cannot tell whether {locked / 'STOP'} is there: Permission denied"


def test_a_folder_that_is_taken_away_pulls_it_for_good(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    switch = KillSwitch(folder / "STOP")
    assert switch.pulled() is None
    folder.rmdir()
    assert switch.pulled()
    folder.mkdir()
    assert switch.pulled()


def test_the_file_is_the_one_that_was_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    switch = KillSwitch(Path("STOP"))
    monkeypatch.chdir(there)
    (there / "STOP").touch()
    assert switch.pulled() is None
    (here / "STOP").touch()
    assert switch.pulled() == f"{here / 'STOP'} is there"


def test_a_signal_handler_may_pull_it() -> None:
    switch = KillSwitch()
    before = signal.signal(signal.SIGUSR1, lambda *_: switch.pull("SIGUSR1"))
    try:
        signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert switch.pulled() == "SIGUSR1"


def test_another_thread_may_pull_it() -> None:
    switch = KillSwitch()
    thread = threading.Thread(target=switch.pull, args=["from afar"])
    thread.start()
    thread.join()
    assert switch.pulled() == "from afar"


@pytest.mark.parametrize("file", ["STOP", 7, b"STOP"])
def test_the_file_has_to_be_a_path(file: object) -> None:
    with pytest.raises(ConfigError, match=f"expected a Path or None, got {type(file).__name__}"):
        KillSwitch(file)


def test_the_file_cannot_be_exchanged(tmp_path: Path) -> None:
    switch = KillSwitch(tmp_path / "STOP")
    with pytest.raises(AttributeError):
        switch.file = None
    assert not hasattr(switch, "reset")
