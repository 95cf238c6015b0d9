"""The database of a journal: opened with care, recognised, or made. Everything here blocks."""

import sqlite3
import time
from pathlib import Path
from typing import Final

from zadig_async.errors import JournalError
from zadig_async.journal import files

VERSION: Final = 1
"""Of the tables; raised when a journal can no longer be read by older versions."""

APPLICATION_ID: Final = 0x7A616A31
"""Tells a journal from any other SQLite database; `zaj1` in ASCII."""

_PATIENCE: Final = 5.0
"""Seconds to wait for another process to end its write."""

_PAUSE: Final = 0.02
"""Seconds until the next try where SQLite does not wait by itself."""

_STRICT: Final = sqlite3.sqlite_version_info >= (3, 37)

_TABLES: Final = (
    """
    CREATE TABLE records (
        seq INTEGER PRIMARY KEY, at REAL NOT NULL, server TEXT NOT NULL, project TEXT NOT NULL,
        workflow TEXT NOT NULL, token INTEGER NOT NULL, kind TEXT NOT NULL, run TEXT NOT NULL,
        act TEXT NOT NULL, data TEXT NOT NULL, crc INTEGER NOT NULL
    )"""
    + (" STRICT" if _STRICT else ""),
    """
    CREATE TABLE leases (
        server TEXT NOT NULL, project TEXT NOT NULL, workflow TEXT NOT NULL, owner TEXT NOT NULL,
        token INTEGER NOT NULL, until REAL NOT NULL, crc INTEGER NOT NULL,
        PRIMARY KEY (server, project, workflow)
    ) WITHOUT ROWID"""
    + (", STRICT" if _STRICT else ""),
)

_BACKUP: Final = "Restore the journal from a backup with all its files (PATH, PATH-wal, PATH-head)."

_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_SHUT: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH)


def connect(path: Path) -> sqlite3.Connection:
    """Open the database of a journal, or make it.

    Transactions are the caller's. Text is read as bytes, because SQLite's complaint about bad text shows it.

    Raises:
        JournalError: The file is not ours alone, no journal, damaged, or of a newer version.
        sqlite3.Error: See `explain`.
    """
    log = beside(path, "-wal")
    for each in (log, beside(path, "-shm"), beside(path, "-journal")):
        files.check(each)
    # SQLite throws the log of an empty database away, and with it whatever was not moved over yet.
    if _size(log) and not _size(path):
        raise JournalError(f"{path}: is missing or empty, but {log} is not", hint=_BACKUP)
    files.ensure(path)
    uri = f"{path.absolute().as_uri()}?mode=rw"
    database = sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None)
    try:
        database.text_factory = bytes
        _prepare_in_turn(database, path)
    except BaseException:
        database.close()
        raise
    return database


def beside(path: Path, suffix: str) -> Path:
    """Return the path of a file that belongs to a database."""
    return path.with_name(path.name + suffix)


def explain(name: str, error: sqlite3.Error) -> JournalError:
    """Return SQLite's complaint in our words, and its own behind them.

    Args:
        name: What to call the journal.
        error: What SQLite raised.
    """
    code = primary_code(error)
    if code == sqlite3.SQLITE_FULL:
        return JournalError(
            f"{name}: cannot be written: {error}", hint="Make room on the disk, then try again."
        )
    if code in _BUSY:
        return JournalError(f"{name}: another process keeps it locked: {error}")
    if code in _SHUT:
        return JournalError(
            f"{name}: cannot be opened or written: {error}",
            hint="It needs a local disk, and the right to make files beside it.",
        )
    if code == sqlite3.SQLITE_NOTADB:
        return JournalError(f"{name}: is no journal, or damaged: {error}", hint=_BACKUP)
    if code == sqlite3.SQLITE_IOERR:
        return JournalError(f"{name}: cannot be read or written: {error}", hint="Look at the disk's health.")
    return JournalError(f"{name}: is damaged: {error}", hint=_BACKUP)


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's result code without its refinement, or 0."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def damage(name: str, what: str, hint: str = "") -> JournalError:
    """Return the error for a journal that cannot be trusted; unless told otherwise, a backup mends it."""
    return JournalError(f"{name}: {what}", hint=hint or _BACKUP)


def _prepare_in_turn(database: sqlite3.Connection, path: Path) -> None:
    """Prepare a database, waiting for other processes that do the same.

    SQLite waits by itself, except where it already reads and would have to write: it sees a deadlock there.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            _prepare(database, path)
        except sqlite3.Error as error:
            if primary_code(error) not in _BUSY or time.monotonic() > deadline:
                raise
            if database.in_transaction:
                database.execute("ROLLBACK")
            time.sleep(_PAUSE)
        else:
            return


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    database.execute("PRAGMA trusted_schema=OFF")
    database.execute("PRAGMA cell_size_check=ON")
    _recognise(database, path)  # before anything is changed: it may be somebody else's
    (mode,) = database.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != b"wal":
        raise JournalError(f"{path}: cannot be used there", hint="Keep it on a local disk.")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("PRAGMA fullfsync=ON")  # macOS
    database.execute("PRAGMA checkpoint_fullfsync=ON")
    if not _recognise(database, path):
        database.execute("BEGIN IMMEDIATE")
        if not _recognise(database, path):  # nobody else has made it meanwhile
            for table in _TABLES:
                database.execute(table)
            database.execute(f"PRAGMA application_id={APPLICATION_ID}")
            database.execute(f"PRAGMA user_version={VERSION}")
        database.execute("COMMIT")
    (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != b"ok":
        raise damage(str(path), f"is damaged: {verdict.decode(errors='replace').splitlines()[-1]}")


def _recognise(database: sqlite3.Connection, path: Path) -> bool:
    """Whether it is a journal; False where it is still empty."""
    # One statement, so that all three are of one moment: another process may just be making it.
    application, version, tables = database.execute(
        "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM"
        " pragma_user_version), (SELECT count(*) FROM sqlite_master)"
    ).fetchone()
    if (application, version, tables) == (0, 0, 0):
        return False
    if application != APPLICATION_ID:
        raise JournalError(f"{path}: is a database, but no journal", hint="Name another file.")
    if version > VERSION:
        raise JournalError(
            f"{path}: was written by a newer version of zadig-async (schema {version}, not {VERSION})",
            hint="Use that version with this journal.",
        )
    if version < VERSION or not tables:
        raise damage(str(path), "is damaged: its schema is incomplete")
    return True


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
