"""Where launches came from: written into the journal by `run`, read by `resume`. Never a value of theirs."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs


@attrs.frozen(kw_only=True)
class Origin:
    """Where the launches of a batch came from.

    Attributes:
        words: Options under which they run, as words of a command line.
        file: Launch file, as a full path, or empty.
        file_digest: What the launch file held then.
        input_file: File of inputs, as a full path, or empty.
        concurrency: How many launches are under way at once, or None for the policy's own.
        stdin: Whether the launch file came from standard input, and cannot be read again.
        audit: Audit file, as a full path, or empty for the journal's own.
        stop_file: Stop file, as a full path, or empty.
    """

    words: tuple[str, ...] = ()
    file: str = ""
    file_digest: str = ""
    input_file: str = ""
    concurrency: int | None = None
    stdin: bool = False
    audit: str = ""
    stop_file: str = ""

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Origin":
        """Read what a journal has kept; empty where a program of another kind has written it."""
        return cls(
            words=tuple(kept.get("words", ())),
            file=kept.get("file", ""),
            file_digest=kept.get("file_digest", ""),
            input_file=kept.get("input_file", ""),
            concurrency=kept.get("concurrency"),
            stdin=kept.get("stdin", False),
            audit=kept.get("audit", ""),
            stop_file=kept.get("stop_file", ""),
        )

    @property
    def file_has_changed(self) -> bool:
        """Whether the launch file holds something else now, or cannot be read."""
        return bool(self.file) and file_digest(self.file) != self.file_digest


def origin_of(
    words: Sequence[str],
    *,
    file: str | None,
    input_file: str | None,
    concurrency: int | None,
    audit: str | None,
    stop_file: str | None,
) -> dict[str, Any]:
    """Return what a journal keeps of where launches came from.

    Args:
        words: Options under which they run.
        file: Launch file, or None; `-` for standard input, which cannot be read again.
        input_file: File of inputs, or None.
        concurrency: How many launches are under way at once, or None for the policy's own.
        audit: Audit file, or None.
        stop_file: Stop file, or None.
    """
    origin = Origin(
        words=tuple(words),
        file=_full(file),
        file_digest=file_digest(_full(file)),
        input_file=_full(input_file),
        concurrency=concurrency,
        stdin=file == _STDIN,
        audit=_full(audit),
        stop_file=_full(stop_file),
    )
    return {**attrs.asdict(origin), "words": list(words)}


_STDIN: Final = "-"


def _full(file: str | None) -> str:
    return "" if file in {None, _STDIN} else str(Path(str(file)).absolute())


def file_digest(file: str) -> str:
    """Return the digest of a file's content, or an empty string where it cannot be read."""
    if not file:
        return ""
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except OSError:
        return ""
