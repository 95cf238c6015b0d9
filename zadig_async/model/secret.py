"""Values that must not be shown: tokens, passwords, credentials."""

from typing import Any, Final, final

MASK: Final = "******"


@final
class Secret:
    """A string that hides itself from repr, str, format, logging and pickle.

    `reveal()` is the only way to the value, so that every place that shows it can be found by name.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself. Never log, store or print what this returns."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})" if self._value else "Secret(empty)"

    def __str__(self) -> str:
        return MASK if self._value else ""

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return self._value == other._value if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> Any:
        raise TypeError("a Secret is never pickled: pass the file or variable it comes from instead")
