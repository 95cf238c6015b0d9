"""`LogFiles`: one file per job and attempt, for machines and for later.

    DIRECTORY/shop/deploy-api-57/job-0-0-0-build.log
    DIRECTORY/shop/deploy-api-57/job-0-0-0-build.2.log      the job ran a second time

A file holds the lines as the server sent them, one line each, carriage returns and colours included; only
credentials are masked. Lines that begin with `##[zadig-async] ` are ours: where lines are missing, where late
ones belong, and last how complete the log is. Such a file is not for a terminal: it may hold anything.
"""

import io
import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import attrs

from zadig_async.errors import ConfigError
from zadig_async.model.log import LogGap, LogReport
from zadig_async.orchestrator import events
from zadig_async.orchestrator.policy import is_chosen
from zadig_async.sinks.lines import GOES_ON, Key, fills_words, key_of, missing_words
from zadig_async.sinks.terminal import safe
from zadig_async.sinks.writer import BackgroundWriter, write_all

PREFIX: Final = "##[zadig-async] "
"""Begins the lines of a log file that are no lines of the log."""

_LONGEST: Final = 200
"""Bytes of a name at most: file systems take 255, and the ending and a number follow."""

_MOST: Final = 1000
"""How many files of one name there may be."""

_PRIVATE_FILE: Final = 0o600
_PRIVATE_DIRECTORY: Final = 0o700

_MEND: Final = "Name a directory you may write to."


def make_directory(directory: Path) -> None:
    """Make the directory for logs, unless it is there.

    Raises:
        ConfigError: It cannot be made, or nothing can be written there.
    """
    try:
        directory.mkdir(_PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{directory}: it cannot be made: {error.strerror}", hint=_MEND) from None
    if not os.access(directory, os.W_OK | os.X_OK):
        raise ConfigError(f"{directory}: no file can be made in it", hint=_MEND)


def file_name(text: str) -> str:
    """Return a text as the name of a file: no separator, leading dot or control character, not too long."""
    kept = "".join(character if character.isalnum() or character in "-_." else "_" for character in text)
    kept = kept.encode()[:_LONGEST].decode(errors="ignore").rstrip(".")
    return f"_{kept[1:]}" if kept.startswith(".") else kept or "_"


class LogFiles:
    """A sink that writes each log into a file of its own, by way of a writer.

    A file that is there is left as it is, whoever made it: a new one gets a number, `build~2.log`. Nothing is
    made before the first line.
    """

    def __init__(self, directory: Path, writer: BackgroundWriter, *, jobs: Collection[str] = ()) -> None:
        """Prepare to write.

        Args:
            directory: Where the files are to be.
            writer: Writes them; it is closed by whoever made it, after these files.
            jobs: Only these jobs, by configured name or job task name; all, if empty.
        """
        self._directory = directory
        self._writer = writer
        self._jobs = frozenset(jobs)
        self._files: dict[Key, _LogFile] = {}

    async def __call__(self, event: events.LogEvent) -> None:
        """Write what an event says.

        Raises:
            UnwritableError: Something of the same log could not be written; it names the file.
        """
        if not is_chosen(event.job, self._jobs):
            return
        key = key_of(event)
        file = self._files.get(key)
        if file is None:
            file = self._files[key] = _LogFile(self._directory / _folder(event), _stem(event))
        text = "".join([f"{line}\n" for line in file.lines(event)])
        try:
            if text:
                file.begun = True
                await self._writer.write(file, text)
        finally:
            if isinstance(event, events.LogClosed):
                self._close(key)

    def close(self) -> None:
        """Close the files whose logs were not closed, and say so in them; never waits."""
        for key, file in list(self._files.items()):
            if file.begun:
                self._writer.put(file, f"{PREFIX}it was not read any further\n")
            self._close(key)

    def _close(self, key: Key) -> None:
        self._writer.close(self._files.pop(key))


def _folder(event: events.LogEvent) -> Path:
    workflow, ref = event.workflow, event.ref
    task = workflow.workflow if ref is None else f"{workflow.workflow}-{ref.task_id}"
    return Path(file_name(workflow.project), file_name(task))


def _stem(event: events.LogEvent) -> str:
    attempt = f".{event.attempt}" if event.attempt > 1 else ""
    return f"{file_name(event.job)}{attempt}"


@attrs.define(eq=False)
class _LogFile:
    """One file, made with the first text.

    `begun` and `fills` are of the event loop's thread, all else is of the writer's.
    """

    folder: Path
    stem: str
    begun: bool = attrs.field(init=False, default=False)
    fills: LogGap | None = attrs.field(init=False, default=None)
    name: str = attrs.field(init=False)
    _raw: io.FileIO | None = attrs.field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self.name = str(self.folder / f"{self.stem}.log")

    def lines(self, event: events.LogEvent) -> Iterator[str]:
        """Yield what an event adds to the file."""
        match event:
            case events.LogLines():
                if event.fills != self.fills:
                    yield PREFIX + (GOES_ON if event.fills is None else fills_words(event.fills))
                    self.fills = event.fills
                for line in event.lines:
                    yield line.text
                    if line.truncated:
                        yield f"{PREFIX}the line before this was cut"
            case events.LogMissing():
                yield PREFIX + missing_words(event.gap)
            case events.LogClosed():
                yield from _report_lines(event.report)

    def write(self, text: str, /) -> None:
        if self._raw is None:
            self._raw = self._make()
        write_all(self._raw, text.encode("utf-8", "backslashreplace"))

    def flush(self) -> None:
        return

    def close(self) -> None:
        if self._raw is not None:
            self._raw.close()

    def _make(self) -> io.FileIO:
        """Make the file and its folders; open none that is there, and go nowhere a link leads."""
        for folder in (self.folder.parent, self.folder):
            folder.mkdir(_PRIVATE_DIRECTORY, exist_ok=True)
            if not stat.S_ISDIR(folder.lstat().st_mode):
                raise NotADirectoryError(0, f"{folder} is a link")
        for number in range(1, _MOST):
            path = self.folder / f"{self.stem}{'' if number == 1 else f'~{number}'}.log"
            self.name = str(path)
            try:
                return io.FileIO(os.open(path, _MAKE, _PRIVATE_FILE), "wb")
            except FileExistsError:
                continue
        raise FileExistsError(0, f"there are {_MOST - 1} files of that name")


def _report_lines(report: LogReport) -> Iterator[str]:
    complete = {True: "complete", False: "NOT complete", None: "perhaps not complete"}[report.complete]
    count = f"{report.lines} line{'' if report.lines == 1 else 's'}"
    yield f"{PREFIX}end: {count}, {complete}: {safe(report.reason)}"
    for gap in report.gaps:
        yield f"{PREFIX}gap: {gap}"
    if report.digest:
        yield f"{PREFIX}digest: {report.digest}"


_MAKE: Final = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
