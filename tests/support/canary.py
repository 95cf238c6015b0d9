"""A token that must never be seen, and the search for it in everything an error carries."""

import traceback
from collections.abc import Awaitable
from typing import Final

import pytest

CANARY: Final = "canary-eyJhbGciOiJIUzI1NiJ9.never-show-me"
"""A token to give to the code under test."""


def sightings(error: BaseException) -> list[str]:
    """Name every place in which an error, its causes, contexts and groups show the canary."""
    found: list[str] = []
    seen: set[int] = set()
    waiting = [(type(error).__name__, error)]
    while waiting:
        path, current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        shown = {
            "str": str(current),
            "repr": repr(current),
            "args": repr(current.args),
            "attributes": repr(getattr(current, "__dict__", {})),
            "traceback": "".join(traceback.TracebackException.from_exception(current).format()),
        }
        found += [f"{path}.{place}" for place, text in shown.items() if CANARY in text]
        for name in ("__cause__", "__context__"):
            link = getattr(current, name)
            if link is not None:
                waiting.append((f"{path}.{name}", link))
        waiting += [(f"{path}.exceptions", each) for each in getattr(current, "exceptions", ())]
    return found


async def failure_of(step: Awaitable[object]) -> BaseException:
    """Await a step that must fail; return its error, having made sure that it shows no canary."""
    with pytest.raises(Exception) as caught:
        await step
    assert sightings(caught.value) == []
    return caught.value
