"""`FileReader`: reads the parts of a file people write, and collects all that is wrong with them."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

from zadig_async.cli import durations
from zadig_async.cli.yamlfile import Document, FileError, Place, Problem, spell
from zadig_async.errors import ConfigError

T = TypeVar("T")


class FileReader:
    """Reads parts of one document and collects what is wrong with them.

    A part that is wrong reads as empty, so that the rest is still checked; `finish` then raises.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self._problems: list[Problem] = []

    @property
    def problems(self) -> int:
        """How many problems were found so far."""
        return len(self._problems)

    def finish(self) -> None:
        """Raise where anything was wrong.

        Raises:
            FileError: Names every line.
        """
        if self._problems:
            raise FileError(self._document.file, self._problems)

    def mapping(self, value: object, place: Place, known: Iterable[str] | None = None) -> dict[str, Any]:
        """Read a mapping; one with `known` keys may have no others."""
        if not isinstance(value, dict):
            self.wrong(place, f"expected a mapping, got {kind_of(value)}")
            return {}
        if known is None:
            return dict(value)
        names = list(known)
        for key in value:
            if key not in names:
                close = difflib.get_close_matches(key, names, n=1)
                hint = f"Did you mean {close[0]!r}?" if close else f"Known are: {', '.join(names)}."
                self.wrong((*place, key), "unknown key", hint)
        return {key: item for key, item in value.items() if key in names}

    def items(self, table: Mapping[str, Any], key: str, place: Place) -> list[tuple[Place, Any]]:
        """Read the list under a key, each item with its place."""
        value = table.get(key, [])
        if not isinstance(value, list):
            self.wrong((*place, key), f"expected a list, got {kind_of(value)}")
            return []
        return [((*place, key, index), item) for index, item in enumerate(value)]

    def parsed(
        self, table: Mapping[str, Any], key: str, place: Place, parse: Callable[[str], T]
    ) -> tuple[T, ...]:
        """Read a list of texts, each of which has a form of its own."""
        read = []
        for where, item in self.items(table, key, place):
            if isinstance(item, str):
                read.append(self.make(where, partial(parse, item)))
            else:
                self.wrong(where, f"expected text, got {kind_of(item)}", "Put it in quotes.")
        return tuple(item for item in read if item is not None)

    def names(self, table: Mapping[str, Any], key: str, place: Place) -> tuple[str, ...]:
        """Read a list of job names."""
        names = []
        for where, item in self.items(table, key, place):
            if isinstance(item, str) and item:
                names.append(item)
            else:
                self.wrong(where, f"expected a job name, got {kind_of(item)}", "Put it in quotes.")
        return tuple(names)

    def text(self, table: Mapping[str, Any], key: str, place: Place, *, required: bool = True) -> str:
        """Read text; empty where it is missing or wrong."""
        if key not in table:
            if required:
                self.wrong(place, f"{key!r} is missing")
            return ""
        value = table[key]
        if not isinstance(value, str) or (required and not value):
            self.wrong((*place, key), f"expected text, got {kind_of(value)}", "Put it in quotes.")
            return ""
        return value

    def flag(self, table: Mapping[str, Any], key: str, place: Place, *, otherwise: bool = False) -> bool:
        """Read true or false."""
        value = table.get(key, otherwise)
        if not isinstance(value, bool):
            self.wrong((*place, key), f"expected true or false, got {kind_of(value)}")
            return otherwise
        return value

    def count(self, table: Mapping[str, Any], key: str, place: Place) -> int | None:
        """Read a whole number from 1; None where there is none."""
        if key not in table:
            return None
        value = table[key]
        if type(value) is not int or value < 1:
            self.wrong((*place, key), f"expected a whole number from 1, got {kind_of(value)}")
            return None
        return value

    def seconds(self, table: Mapping[str, Any], key: str, place: Place) -> float | None:
        """Read a duration in seconds; None where there is none."""
        if key not in table:
            return None
        value = table[key]
        seconds: float | None = None
        if isinstance(value, str):
            seconds = durations.parse_duration(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            seconds = float(value)
        if seconds is None or not 0 <= seconds < float("inf"):
            self.wrong(
                (*place, key), f"expected a duration, got {kind_of(value)}", f"{durations.MEND.capitalize()}."
            )
            return None
        return seconds

    def make(self, place: Place, make: Callable[[], T]) -> T | None:
        """Make a value, or note why it cannot be made."""
        try:
            return make()
        except ConfigError as error:
            self.wrong(place, str(error), error.hint)
            return None

    def wrong(self, place: Place, text: str, hint: str = "") -> None:
        """Note a problem."""
        self._problems.append(Problem(self._document.line(place), spell(place), text, hint))


def kind_of(value: object) -> str:
    """Name the kind of a value as the people who wrote it would."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text" if value else "empty text"
        case list():
            return "a list"
        case _:
            return "a mapping"
