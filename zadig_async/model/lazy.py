"""`Lazy`: a value made the first time somebody looks at it."""

from collections.abc import Callable
from typing import Generic, TypeVar, cast, final

T = TypeVar("T")


@final
class Lazy(Generic[T]):
    """Holds a value, or the way to make it; makes it at most once if making succeeds.

    A poll of a large task costs little because nobody looks at most of it. The shape of a task and its
    plain fields are checked when they arrive; variables, specs and policies when they are looked at.
    """

    __slots__ = ("_make", "_value")

    def __init__(self, make: Callable[[], T]) -> None:
        self._make: Callable[[], T] | None = make
        self._value: T | None = None

    def get(self) -> T:
        """Return the value, making it now if need be. Raises whatever making it raises."""
        if self._make is not None:
            self._value = self._make()
            self._make = None
        return cast("T", self._value)

    def __repr__(self) -> str:
        return "Lazy(unread)" if self._make is not None else f"Lazy({self._value!r})"


def lazy(value: T) -> Lazy[T]:
    """Wrap a value that is already there."""
    made = Lazy(lambda: value)
    made.get()
    return made
