"""Only files that are ours alone are opened."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from zadig_async.errors import JournalError
from zadig_async.journal import files

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


def opened(path: Path) -> None:
    os.close(files.open_private(path))


WAYS = [opened, files.ensure, files.check]
MAKING = [opened, files.ensure]

ways = pytest.mark.parametrize("way", WAYS)
making = pytest.mark.parametrize("way", MAKING)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@making
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_file_is_ours_alone(way: Callable[[Path], object], path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        way(path)
    finally:
        os.umask(before)
    assert mode(path) == 0o600


@ways
def test_our_own_file_is_taken_as_it_is(way: Callable[[Path], object], path: Path) -> None:
    path.write_bytes(b"content")
    path.chmod(0o600)
    way(path)
    assert (path.read_bytes(), mode(path)) == (b"content", 0o600)


def test_looking_makes_nothing(path: Path) -> None:
    assert files.check(path) is False
    assert not path.exists()
    opened(path)
    assert files.check(path) is True


@ways
@pytest.mark.parametrize("bits", [0o640, 0o620, 0o604, 0o602, 0o644, 0o666])
def test_a_file_open_to_others_is_refused(way: Callable[[Path], object], path: Path, bits: int) -> None:
    path.touch()
    path.chmod(bits)
    with pytest.raises(JournalError, match=f"mode {bits:03o}") as caught:
        way(path)
    assert str(path) in str(caught.value)
    assert f"chmod 600 {path}" in caught.value.hint
    assert mode(path) == bits


@ways
@pytest.mark.parametrize("there", [True, False])
def test_a_symbolic_link_is_refused(
    way: Callable[[Path], object], path: Path, tmp_path: Path, there: bool
) -> None:
    target = tmp_path / "target"
    if there:
        opened(target)
    path.symlink_to(target)
    with pytest.raises(JournalError, match="is a symbolic link"):
        way(path)
    assert target.exists() is there


@ways
@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_not_a_regular_file_is_refused(way: Callable[[Path], object], path: Path, kind: str) -> None:
    if kind == "folder":
        path.mkdir(mode=0o700)
    else:
        os.mkfifo(path, 0o600)
    with pytest.raises(JournalError, match="is not a regular file"):
        way(path)


@root
@ways
def test_a_file_of_another_owner_is_refused(way: Callable[[Path], object], path: Path) -> None:
    opened(path)
    os.chown(path, 12345, -1)
    with pytest.raises(JournalError, match="belongs to user 12345"):
        way(path)


@making
def test_a_missing_folder_is_named(way: Callable[[Path], object], tmp_path: Path) -> None:
    folder = tmp_path / "missing"
    with pytest.raises(JournalError, match="does not exist") as caught:
        way(folder / "file")
    assert caught.value.hint == f"Make it: mkdir -m 700 {folder}"
    assert not folder.exists()


@ways
def test_other_refusals_say_the_system_s_reason(way: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be opened: File name too long"):
        way(tmp_path / ("x" * 300))


def test_a_link_put_there_after_the_check_is_not_followed(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "target"
    opened(target)
    path.symlink_to(target)
    monkeypatch.setattr(files, "check", lambda _: True)
    with pytest.raises(JournalError, match="is a symbolic link"):
        opened(path)


def test_a_file_put_there_after_the_check_is_looked_at(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.touch(0o644)
    monkeypatch.setattr(files, "check", lambda _: True)
    before = len(list(Path("/dev/fd").iterdir()))
    with pytest.raises(JournalError, match="mode 644"):
        opened(path)
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_descriptor_is_not_inherited(path: Path) -> None:
    fd = files.open_private(path)
    try:
        assert not os.get_inheritable(fd)
    finally:
        os.close(fd)


def test_appending_always_writes_at_the_end(path: Path) -> None:
    fd = files.open_private(path, append=True)
    try:
        os.write(fd, b"one")
        os.lseek(fd, 0, os.SEEK_SET)
        os.write(fd, b"two")
    finally:
        os.close(fd)
    assert path.read_bytes() == b"onetwo"


def test_looking_after_a_file_drops_no_lock_on_it(path: Path) -> None:
    """POSIX drops every lock of a process on a file when it closes any descriptor of it."""
    fcntl = pytest.importorskip("fcntl")
    fd = files.open_private(path)
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX)
        files.ensure(path)
        files.check(path)
        code = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
        done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
        assert "BlockingIOError" in done.stderr, "the lock is gone"
    finally:
        os.close(fd)


def test_a_locked_file_is_refused_and_then_free(path: Path) -> None:
    first, second = files.open_private(path), files.open_private(path)
    try:
        with files.locked(first):
            assert files.lock(second) is False
        assert files.lock(second) is True
        assert files.lock(first) is False
    finally:
        os.close(first)
        os.close(second)
