"""Logs to follow, of everything that makes lines hard to tell from each other or from what carries them."""

import random
from collections.abc import Callable, Iterator
from typing import Final

CREDENTIAL: Final = "hunter2-hunter2"
"""A value of a variable that Zadig calls a credential; stands in some lines."""

_COLOURS: Final = ("31", "32;1", "38;5;214")
_FIELDS: Final = (
    "data: {n}",
    "data:",
    "event:message",
    "event: end",
    "id: {n}",
    "retry: 5",
    ": keep-alive {n}",
)
_STACK: Final = (
    "Traceback (most recent call last):",
    '  File "/app/main.py", line 7, in <module>',
    "    connect()",
    '  File "/app/net.py", line 88, in connect',
    "    raise ConnectionRefusedError",
    "ConnectionRefusedError: [Errno 111] Connection refused",
)
_FALSE_END: Final = f"{'=' * 22} job-executor End. Duration: 1.25 seconds {'=' * 22}"


def log_text(seed: int | str, lines: int) -> list[str]:
    """Make a log of about so many lines, the same one each time.

    Most of it cannot be told from other parts of it: single lines that repeat, blank lines, whole blocks that
    repeat, and stretches that repeat with a period, up to several hundred lines long.
    """
    dice = random.Random(seed)
    makers: list[tuple[float, Callable[[random.Random, int], Iterator[str]]]] = [
        (8, _plain),
        (2, _same),
        (2, _blank),
        (2, _indented),
        (1, _chinese),
        (1, _bars),
        (1, _fields),
        (1, _secrets),
        (1, _spaces),
        (0.5, _stacks),
        (0.1, _periodic),
        (0.05, _false_end),
    ]
    weights = [weight for weight, _ in makers]
    made: list[str] = []
    while len(made) < lines:
        _, maker = dice.choices(makers, weights)[0]
        made += maker(dice, len(made))
    return made[:lines]


def _plain(dice: random.Random, at: int) -> Iterator[str]:
    for number in range(dice.randrange(1, 12)):
        text = f"[{at + number}] compiling module {dice.randrange(50)}"
        yield f"\x1b[{dice.choice(_COLOURS)}m{text}\x1b[0m" if dice.random() < 0.2 else text


def _same(dice: random.Random, _at: int) -> Iterator[str]:
    yield from ["waiting for the database ..."] * dice.randrange(1, 40)


def _blank(dice: random.Random, _at: int) -> Iterator[str]:
    yield from [""] * dice.randrange(1, 4)


def _indented(dice: random.Random, _at: int) -> Iterator[str]:
    yield from (f"{' ' * depth}at com.example.Step{depth}" for depth in range(0, dice.randrange(2, 20), 2))


def _chinese(dice: random.Random, at: int) -> Iterator[str]:
    yield from (f"　正在构建服务 {at}，第 {number} 步" for number in range(dice.randrange(1, 5)))


def _bars(dice: random.Random, _at: int) -> Iterator[str]:
    steps = dice.randrange(2, 8)
    yield "\r".join(f"  {100 * step // steps}% |{'#' * step}" for step in range(steps + 1))
    yield "ended as on Windows\r"


def _fields(dice: random.Random, at: int) -> Iterator[str]:
    yield from (dice.choice(_FIELDS).replace("{n}", str(at)) for _ in range(dice.randrange(1, 4)))


def _secrets(_dice: random.Random, at: int) -> Iterator[str]:
    yield f"docker login -u bot -p {CREDENTIAL} # {at}"
    yield CREDENTIAL


def _spaces(_dice: random.Random, at: int) -> Iterator[str]:
    yield f"\t trailing and leading {at} \t "
    yield " "
    yield f"\x1c kept by Go {at}\x1f"
    yield "C:\\build\\r"
    yield f"after a backslash {at}"


def _stacks(dice: random.Random, _at: int) -> Iterator[str]:
    yield from _STACK * dice.randrange(1, 8)


def _periodic(dice: random.Random, at: int) -> Iterator[str]:
    period = [f"retry loop {at}, step {number} of the period" for number in range(dice.randrange(17, 60))]
    yield from period * dice.randrange(8, 25)


def _false_end(_dice: random.Random, _at: int) -> Iterator[str]:
    yield _FALSE_END
