"""A stand-in for the terminal filter that is still being written."""

from zadig_async.sinks import terminal


class _LineFilter:
    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def line(self, text: str) -> str:
        return text if self._colour else terminal.safe_line(text)


if not hasattr(terminal, "LineFilter"):
    terminal.LineFilter = _LineFilter
