"""Files that are ours alone: opened so that nobody else can read, change or swap what is remembered.

Every refusal is a `JournalError` that names the file and how to mend it. Windows has other means than modes
and owners; there only the kind of a file is checked.
"""

import errno
import os
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from zadig_async.errors import JournalError

if sys.platform != "win32":
    import fcntl

_PRIVATE: Final = 0o600
_FLAGS: Final = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_CAREFUL: Final = (
    _FLAGS | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
)
"""Follows no link, and does not wait for the other end of a pipe."""

_CREATING: Final = threading.Lock()
"""Held while a file is made that SQLite will open, see `ensure`."""


def open_private(path: Path, *, append: bool = False) -> int:
    """Open a file for reading and writing, or make it; return its descriptor.

    Not for a file that SQLite opens in the same process: see `ensure`.

    Args:
        path: The file.
        append: Whether every write goes to the end.

    Raises:
        JournalError: It cannot be opened, or is not ours alone.
    """
    more = os.O_APPEND if append else 0
    fd = _create(path, more)
    if fd is not None:
        return fd
    check(path)
    try:
        fd = os.open(path, _CAREFUL | more)
    except OSError as error:
        raise _refused(path, error) from None
    try:
        _inspect(path, os.fstat(fd))
    except BaseException:
        os.close(fd)
        raise
    return fd


def ensure(path: Path) -> None:
    """Make a file unless it is there already, and check it without opening it.

    Closing any descriptor of a file drops all locks this process has on it (POSIX), those of SQLite
    included; then two processes may write into one database at a time. So a database that may be open is
    only looked at. The lock keeps another thread from having SQLite open a file we are about to close.

    Raises:
        JournalError: It cannot be made, or is not ours alone.
    """
    with _CREATING:
        fd = _create(path, 0)
        if fd is None:
            check(path)
        else:
            os.close(fd)


def check(path: Path) -> bool:
    """Whether a file is there; it is not opened.

    Raises:
        JournalError: It is not ours alone, or cannot be looked at.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _refused(path, error) from None
    _inspect(path, found)
    return True


def sync(fd: int) -> None:
    """Return when what was written to a file survives a loss of power."""
    if sys.platform == "darwin":
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)  # fsync leaves it in the drive's cache there
    elif sys.platform == "win32":
        os.fsync(fd)
    else:
        os.fdatasync(fd)


def lock(fd: int) -> bool:
    """Take an open file for ourselves unless somebody has it; tells whether we have it now.

    Always true on Windows.
    """
    if sys.platform != "win32":
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


@contextmanager
def locked(fd: int) -> Iterator[None]:
    """Have an open file for ourselves, after waiting for whoever has it. Does nothing on Windows."""
    if sys.platform != "win32":
        fcntl.flock(fd, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if sys.platform != "win32":
            fcntl.flock(fd, fcntl.LOCK_UN)


def _create(path: Path, more: int) -> int | None:
    """Make a file that is not there; None where one is."""
    try:
        fd = os.open(path, _FLAGS | more | os.O_CREAT | os.O_EXCL, _PRIVATE)
    except FileExistsError:
        return None
    except OSError as error:
        raise _refused(path, error) from None
    try:
        _sync_folder(path.parent)
    except OSError as error:
        os.close(fd)
        raise _refused(path, error) from None
    return fd


def _sync_folder(folder: Path) -> None:
    """Make the name of a new file survive a loss of power."""
    if sys.platform == "win32":
        return
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _inspect(path: Path, found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise JournalError(f"{path}: is a symbolic link", hint="Name the file itself.")
    if not stat.S_ISREG(found.st_mode):
        raise JournalError(f"{path}: is not a regular file", hint="Name a file on a local disk.")
    if sys.platform == "win32":
        return
    if found.st_uid != os.geteuid():
        raise JournalError(
            f"{path}: belongs to user {found.st_uid}, and this process runs as user {os.geteuid()}",
            hint="Run as the file's owner, or use a file of your own.",
        )
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        raise JournalError(
            f"{path}: others may read or write it (mode {mode:03o})",
            hint=f"Make sure nobody has changed it, then: chmod 600 {path}",
        )


def _refused(path: Path, error: OSError) -> JournalError:
    if error.errno == errno.ELOOP:
        return JournalError(f"{path}: is a symbolic link", hint="Name the file itself.")
    if error.errno in (errno.ENOENT, errno.ENOTDIR) and not path.parent.is_dir():
        return JournalError(
            f"{path}: the folder {path.parent} does not exist", hint=f"Make it: mkdir -m 700 {path.parent}"
        )
    return JournalError(f"{path}: cannot be opened: {error.strerror or type(error).__name__}")
