"""A calm live table for a terminal, logs scrolling above it."""

import asyncio
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from zadig_async.cli import output
from zadig_async.cli.durations import spell_duration
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.render import summary, words
from zadig_async.cli.render.board import Board, Row
from zadig_async.cli.render.columns import GAP
from zadig_async.cli.render.renderer import Labels
from zadig_async.model.outcome import Outcome, Verdict
from zadig_async.orchestrator import events
from zadig_async.sinks.terminal import safe_line

_EVERY: Final = 0.25
"""Seconds between two drawings."""

_COLOURS: Final = (
    "cyan",
    "magenta",
    "blue",
    "yellow",
    "green",
    "bright_cyan",
    "bright_magenta",
    "bright_blue",
)

_STYLE: Final = {
    Verdict.SUCCEEDED: "green",
    Verdict.BLOCKED: "yellow",
    Verdict.DEADLINE: "yellow",
    Verdict.DETACHED: "yellow",
    Verdict.UNKNOWN: "bold magenta",
}


def _style(verdict: Verdict) -> str:
    return _STYLE.get(verdict, "red")


class LiveRenderer:
    """Draws a board several times a second, and prints logs and what people must know above it.

    All text given to rich is made into `Text`, so nothing in it is taken for markup.
    """

    def __init__(self, board: Board, console: Console, clock: Callable[[], float]) -> None:
        """Prepare to draw.

        Args:
            board: What to draw; fed by somebody else.
            console: The terminal.
            clock: The clock the board's times are of, in seconds.
        """
        self._board = board
        self._console = console
        self._clock = clock
        self._labels = Labels(row.workflow for row in board.rows)
        self._live = Live(
            console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._painter: asyncio.Task[None] | None = None
        self._pending: list[Text] = []

    async def __aenter__(self) -> Self:
        self._live.start()
        self._painter = asyncio.create_task(self._paint(), name="live table")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._painter is not None:
            self._painter.cancel()
            with suppress(asyncio.CancelledError):
                await self._painter
        self._flush()
        self._live.stop()

    async def _paint(self) -> None:
        while True:
            self._flush()
            self._live.update(self.picture(), refresh=True)
            await asyncio.sleep(_EVERY)

    def picture(self) -> Table:
        """Return the table as it is now, no taller than the terminal."""
        rows, hidden = self._visible()
        table = Table(box=None, pad_edge=False, expand=False)
        table.add_column("TASK", no_wrap=True)
        table.add_column("STATE", no_wrap=True)
        table.add_column("TIME", no_wrap=True, justify="right")
        table.add_column("NOW", no_wrap=True, overflow="ellipsis")
        now = self._clock()
        for row in rows:
            seconds = row.seconds(now)
            table.add_row(
                Text(row.name),
                Text("waiting" if row.waits else row.state, style=_state_style(row)),
                Text("" if seconds is None else spell_duration(seconds)),
                Text(row.now),
            )
        if hidden:
            table.add_row(Text(f"and {hidden} more", style="dim"))
        return table

    def _visible(self) -> tuple[list[Row], int]:
        """Return the rows there is room for, those under way first, and how many are left out."""
        room = max(3, self._console.height - 4)
        rows = self._board.rows
        if len(rows) <= room:
            return rows, 0
        under_way = [row for row in rows if row.since is not None and not row.ended]
        others = [row for row in rows if row.since is None or row.ended]
        chosen = {id(row) for row in (*under_way, *others)[:room]}
        return [row for row in rows if id(row) in chosen], len(rows) - room

    def event(self, event: events.Event) -> None:
        """Keep what is to be printed above the table, logs and what a person must know, until it is drawn.

        Each print draws the whole table anew, so a busy log would flicker.
        """
        if isinstance(event, events.LogLines):
            for line in event.lines:
                self._keep(event, " | ", Text(safe_line(line.text) + (" (cut)" if line.truncated else "")))
            return
        text = words.event_words(event)
        if text is not None:
            self._keep(event, " > ", Text(text, style=_event_style(event)))

    def note(self, text: str) -> None:
        """Print words of our own above the table, at once."""
        self._pending.append(Text(text, style="bold"))
        self._flush()

    def outcomes(self, outcomes: Sequence[Outcome], code: ExitCode) -> None:
        """Print the summary where the table was."""
        header, *rows = summary.summary_cells(outcomes)
        self._console.print()
        self._console.print(Text(GAP.join(header), style="dim"), soft_wrap=True)
        for outcome, (task, verdict, *rest) in zip(outcomes, rows, strict=True):
            coloured = Text(verdict, style=_style(outcome.verdict))
            self._console.print(
                Text(GAP).join([Text(task), coloured, *(Text(cell) for cell in rest)]), soft_wrap=True
            )
        output.say()
        output.say(summary.tally(outcomes))

    def _keep(self, event: events.Event, separator: str, text: Text) -> None:
        colour = _COLOURS[zlib.crc32(event.workflow.workflow.encode(errors="replace")) % len(_COLOURS)]
        self._pending.append(Text.assemble((self._labels.of(event) + separator, colour), text))

    def _flush(self) -> None:
        if self._pending:
            self._console.print(Text("\n").join(self._pending), soft_wrap=True)
            self._pending.clear()


def _state_style(row: Row) -> str:
    if row.outcome is not None:
        return _style(row.outcome.verdict)
    return "yellow" if row.waits else ""


def _event_style(event: events.Event) -> str:
    match event:
        case events.Ended():
            return _style(event.outcome.verdict)
        case events.GateOpened() | events.GateNotApproved() | events.PollFailed():
            return "yellow"
        case _:
            return "dim"
