"""A calm live table for a terminal, logs scrolling above it."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from zadig_async.cli.durations import spell_duration
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.log_options import LogChoice
from zadig_async.cli.render import summary, words
from zadig_async.cli.render.board import Board, Row
from zadig_async.cli.render.columns import GAP
from zadig_async.cli.render.renderer import terminal_lines
from zadig_async.model.outcome import Outcome, Verdict
from zadig_async.orchestrator import events
from zadig_async.sinks.lines import Labels, tint
from zadig_async.sinks.writer import ROOM

_EVERY: Final = 0.25
"""Seconds between two drawings."""

_SGR: Final = {"bold": "1", "dim": "2", "green": "32", "yellow": "33", "red": "31", "bold magenta": "1;35"}
"""The styles used here as a terminal knows them."""

_STYLE: Final = {
    Verdict.SUCCEEDED: "green",
    Verdict.BLOCKED: "yellow",
    Verdict.DEADLINE: "yellow",
    Verdict.DETACHED: "yellow",
    Verdict.UNKNOWN: "bold magenta",
}


def _style(verdict: Verdict) -> str:
    return _STYLE.get(verdict, "red")


class _Raw:
    """Lines that rich prints as they are: they are made for the terminal already, and there may be many."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, _console: Console, _options: ConsoleOptions) -> RenderResult:
        yield Segment(self._text)


class LiveRenderer:
    """Draws a board several times a second, and prints logs and what people must know above it.

    While the terminal takes nothing, because it was stopped, nothing is drawn; logs wait for it, and nothing
    else does. All text of the server given to rich is made into `Text`, so nothing in it is taken for markup.
    """

    def __init__(
        self,
        board: Board,
        console: Console,
        clock: Callable[[], float],
        *,
        choice: LogChoice = LogChoice(),  # noqa: B008 - frozen
        behind: Callable[[], bool] = lambda: False,
    ) -> None:
        """Prepare to draw.

        Args:
            board: What to draw; fed by somebody else.
            console: The terminal; what is printed on it must not block.
            clock: The clock the board's times are of, in seconds.
            choice: How logs are shown.
            behind: Tells whether the terminal has not taken all that was printed.
        """
        self._board = board
        self._console = console
        self._clock = clock
        self._behind = behind
        self._coloured = console.color_system is not None and not console.no_color
        self._labels = Labels(row.workflow for row in board.rows)
        self._lines = terminal_lines(choice, self._write, self._labels, coloured=self._coloured)
        self._live = Live(
            console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._painter: asyncio.Task[None] | None = None
        self._pending: list[str] = []
        self._held = 0
        self._taken = asyncio.Event()

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
            if not self._behind():
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
        """Keep what a person must know, to be printed above the table when it is drawn next.

        Each print draws the whole table anew, so it would flicker.
        """
        text = words.event_words(event)
        if text is not None:
            label = self._labels.of(event) + " > "
            if self._coloured:
                label = tint(label, self._labels.plain(event))
            self._keep(f"{label}{self._styled(text, _event_style(event))}\n")

    async def log(self, event: events.LogEvent) -> None:
        """Keep lines of a log, to be printed above the table; waits while the terminal does not take them."""
        await self._lines(event)

    def note(self, text: str) -> None:
        """Print words of our own above the table, at once."""
        self._keep(f"{self._styled(text, 'bold')}\n")
        self._flush()

    def outcomes(self, outcomes: Sequence[Outcome], code: ExitCode, advice: Sequence[str]) -> None:
        """Print the summary where the table was."""
        header, *rows = summary.summary_cells(outcomes)
        self._console.print()
        self._console.print(Text(GAP.join(header), style="dim"), soft_wrap=True)
        for outcome, (task, verdict, *rest) in zip(outcomes, rows, strict=True):
            coloured = Text(verdict, style=_style(outcome.verdict))
            self._console.print(
                Text(GAP).join([Text(task), coloured, *(Text(cell) for cell in rest)]), soft_wrap=True
            )
        for line in ("", summary.tally(outcomes), *advice):
            self._console.print(Text(line), soft_wrap=True)

    async def _write(self, text: str) -> None:
        """Keep lines to be printed; wait while more is kept than there is room for."""
        self._keep(text)
        while self._held > ROOM:
            self._taken.clear()
            await self._taken.wait()

    def _keep(self, text: str) -> None:
        self._pending.append(text)
        self._held += len(text)

    def _flush(self) -> None:
        if self._pending:
            self._console.print(_Raw("".join(self._pending)), soft_wrap=True)
            self._pending.clear()
            self._held = 0
            self._taken.set()

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{_SGR[style]}m{text}\x1b[0m" if self._coloured else text


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
