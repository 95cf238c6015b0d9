"""`KillSwitch`: one pull, by hand or by a file, and nothing more is written."""

from pathlib import Path
from typing import Final

import attrs

from zadig_async.errors import ConfigError

_NO_REASON: Final = "pulled without a reason"


def _absolute(file: object) -> Path | None:
    """Return the path as it is meant now: the current folder may be another one later."""
    if file is None:
        return None
    if not isinstance(file, Path):
        raise ConfigError(f"KillSwitch.file: expected a Path or None, got {type(file).__name__}")
    try:
        return file.absolute()
    except OSError as error:
        raise ConfigError(
            f"KillSwitch.file: the current folder cannot be read ({error.strerror})", hint="Use a full path."
        ) from None


@attrs.define(eq=False)
class KillSwitch:
    """Stops every write that is not yet on the wire; what was sent before is not called back.

    Asked right before each attempt of a write. Once it was found pulled it stays so for this object, even
    if the file is taken away again: there is no way back but a new object.

    Attributes:
        file: Whatever stands under this name pulls the switch: a file, a folder, a link that leads nowhere.
            Its content does not matter. None for a switch that is only pulled by hand.
    """

    file: Path | None = attrs.field(default=None, converter=_absolute, on_setattr=attrs.setters.frozen)
    _reason: str | None = attrs.field(init=False, default=None)

    def pull(self, reason: str) -> None:
        """Pull it; the first reason is kept.

        May be called from a signal handler and from any thread: it takes no lock, and writes one field.
        """
        if self._reason is None:
            self._reason = reason or _NO_REASON

    def pulled(self) -> str | None:
        """Return why nothing may be written, or None where it may.

        Looks at the file each time: one look where there is none but its folder exists takes two calls of
        the system. If nobody can tell whether it is there, it counts as pulled.
        """
        if self._reason is None and self.file is not None:
            found = _found(self.file)
            if found:
                self.pull(found)
        return self._reason


def _found(file: Path) -> str:
    """Return why a file counts as there, or an empty string where it surely is not."""
    try:
        file.lstat()
    except FileNotFoundError:
        return _folder_missing(file.parent)
    except (OSError, ValueError) as error:
        return f"cannot tell whether {file} is there: {_why(error)}"
    return f"{file} is there"


def _folder_missing(folder: Path) -> str:
    # nobody can put a file into a folder that is not there, so a mistyped path would never stop anything
    try:
        folder.stat()
    except (OSError, ValueError) as error:
        return f"cannot look into {folder}: {_why(error)}"
    return ""


def _why(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
