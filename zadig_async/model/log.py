"""What can be said of a job's log as a whole: `LogReport`, and `LogGap` for every hole in it."""

import attrs


@attrs.frozen
class LogGap:
    """A hole in a log.

    Attributes:
        after: How many lines of the log were told before it.
        count: How many lines are missing, or None where nobody knows.
    """

    after: int
    count: int | None = None

    def __str__(self) -> str:
        if self.count is None:
            return f"lines are missing after line {self.after}, how many is not known"
        return f"{self.count} line{'s are' if self.count != 1 else ' is'} missing after line {self.after}"


@attrs.frozen(kw_only=True)
class LogReport:
    """How much of a job's log was told.

    Attributes:
        lines: How many lines were told, those that filled a gap included.
        gaps: The holes that are left.
        complete: True where every line of the archive was told once and no gap is left, False where lines are
            or may be missing, None where nothing is known to be missing and no archive was to be had.
        digest: BLAKE2b digest (16 bytes, as hex) of all lines in the order of the log, each as
            `zadig_async.orchestrator.logs.told.fingerprint` prepares it and followed by a line feed. Where
            `complete` is True it is the digest of the archive's lines.
        reason: Why `complete` is what it is, in words.
    """

    lines: int
    gaps: tuple[LogGap, ...] = ()
    complete: bool | None = None
    digest: str = ""
    reason: str = ""
