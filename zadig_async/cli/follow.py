"""Following runs to their end: what `run`, `watch` and `demo` have in common."""

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import IO, TYPE_CHECKING, cast

import attrs

from zadig_async.cli import exits, output
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.log_desk import LogDesk
from zadig_async.cli.log_options import LogChoice
from zadig_async.cli.memory_options import Memory
from zadig_async.cli.render import summary
from zadig_async.cli.render.board import Board
from zadig_async.cli.render.renderer import JsonRenderer, PlainRenderer, Renderer
from zadig_async.cli.screen import Ink, Screen, last_words
from zadig_async.cli.session import Session, interactive
from zadig_async.cli.signals import Ladder
from zadig_async.client.client import ZadigClient
from zadig_async.model.ids import TaskRef, WorkflowRef
from zadig_async.model.outcome import Outcome, Verdict
from zadig_async.orchestrator import events
from zadig_async.orchestrator.orchestrator import Orchestrator
from zadig_async.orchestrator.policy import RunPolicy
from zadig_async.sinks.terminal import safe

if TYPE_CHECKING:
    from rich.console import Console


@attrs.frozen(kw_only=True)
class Followed:
    """How it ended.

    Attributes:
        code: The exit code.
        outcomes: The outcomes in order; none where a second signal cut everything short.
    """

    code: ExitCode
    outcomes: Sequence[Outcome] = ()


@attrs.define(eq=False)
class Following:
    """One run of many launches or tasks, shown as it goes on.

    Whoever reads what is shown may be as slow as they like: polls, votes and files of logs go on.

    Attributes:
        session: The command line.
        policy: What may be done, and how patiently.
        board: The launches and tasks.
        again: Words of a command that goes on in the same way: those that follow `zadig-async watch` and its
            tasks, or, with a journal, `zadig-async resume` and its file.
        memory: What the run is remembered and stopped by.
        logs: How the logs are shown that the policy reads.
        judge: Turns the outcomes into the exit code.
        advise: Whether to say what to do about outcomes that are no success.
    """

    session: Session
    policy: RunPolicy
    board: Board
    again: Sequence[str] = ()
    memory: Memory = attrs.field(factory=Memory)
    logs: LogChoice = attrs.field(factory=LogChoice)
    judge: Callable[[Sequence[Outcome]], ExitCode] = exits.of_outcomes
    advise: bool = True
    _renderer: Renderer = attrs.field(init=False)
    _desk: LogDesk = attrs.field(init=False)
    _note: Callable[[str], None] = attrs.field(init=False, default=output.remark)

    async def follow(
        self, zadig: ZadigClient, work: Callable[[Orchestrator], Awaitable[list[Outcome]]]
    ) -> Followed:
        """Do the work, show what happens, and obey signals.

        Args:
            zadig: The server.
            work: Starts or attaches, and returns the outcomes.

        Raises:
            ConfigError: The directory for logs cannot be used.
        """
        clock = asyncio.get_running_loop().time
        orchestrator = Orchestrator(
            zadig,
            self.policy,
            on_event=lambda event: self._on_event(event, clock()),
            on_log=self._on_log,
            journal=self.memory.journal,
            audit=self.memory.audit,
            switch=self.memory.switch,
        )
        with Ladder(lambda: self._detach(orchestrator), self._last) as ladder:
            try:
                async with Screen() as screen:
                    self._renderer = self._make_renderer(screen, clock)
                    self._note = self._renderer.note
                    return await self._followed(screen, orchestrator, work)
            except asyncio.CancelledError:
                if ladder.count < 2:
                    raise
            finally:
                self._note = output.remark
            text, code = self._last()
            await last_words(text)
            return Followed(code=code)

    async def _followed(
        self,
        screen: Screen,
        orchestrator: Orchestrator,
        work: Callable[[Orchestrator], Awaitable[list[Outcome]]],
    ) -> Followed:
        desk = LogDesk.opened(self.logs, self._renderer.log, self._note)
        async with desk as self._desk, self._renderer, orchestrator:
            outcomes = await work(orchestrator)
            await self._desk.all_closed()
        code = self.judge(outcomes)
        self._renderer.outcomes(outcomes, code, summary.advice(outcomes) if self.advise else ())
        journaled = self.memory.journal is not None
        if any(outcome.verdict in (_OPEN if journaled else _GO_ON) for outcome in outcomes):
            await screen.in_order()
            self._note(self._last()[0])
        return Followed(code=code, outcomes=outcomes)

    def _on_event(self, event: events.Event, now: float) -> None:
        self.board.apply(event, now)
        if not (self.logs.shown and isinstance(event, events.LogEvent)):  # or else the desk shows it
            self._renderer.event(event)

    async def _on_log(self, event: events.LogEvent) -> None:
        await self._desk(event)

    def _detach(self, orchestrator: Orchestrator) -> None:
        orchestrator.detach()
        self._note(
            "Stopping to watch. Nothing more is sent, and tasks on the server go on. Again: stop at once."
        )

    def _last(self) -> tuple[str, ExitCode]:
        """Say what goes on without us and how to go on with it, and return the code of an early end."""
        doubt = list(self.board.in_doubt())
        journal = None if self.memory.journal is None else self.memory.journal.name
        text = resume_text(self.board.unfinished(), doubt, self.board.not_started(), self.again, journal)
        return text, ExitCode.UNKNOWN if doubt else ExitCode.DETACHED

    def _make_renderer(self, screen: Screen, clock: Callable[[], float]) -> Renderer:
        if self.session.json:
            return JsonRenderer(screen, self.logs)
        if not interactive():
            return PlainRenderer(screen, self.logs, [row.workflow for row in self.board.rows])
        from zadig_async.cli.render.live import LiveRenderer  # noqa: PLC0415 - for terminals only

        return LiveRenderer(
            self.board, _console(screen), clock, choice=self.logs, behind=lambda: screen.behind
        )


_GO_ON = frozenset({Verdict.DETACHED, Verdict.LOST, Verdict.DEADLINE, Verdict.BLOCKED})
_OPEN = _GO_ON | {Verdict.UNKNOWN}


def _console(screen: Screen) -> "Console":
    from rich.console import Console  # noqa: PLC0415 - for terminals only

    return Console(file=cast("IO[str]", Ink(screen)), markup=False, highlight=False, emoji=False)


def resume_text(
    unfinished: Iterable[TaskRef],
    in_doubt: Iterable[WorkflowRef],
    not_started: Iterable[WorkflowRef],
    again: Sequence[str],
    journal: str | None = None,
) -> str:
    """Say which tasks go on and how to watch them again, and what was not or perhaps started.

    Args:
        unfinished: Tasks that may still run.
        in_doubt: Workflows whose trigger has no answer.
        not_started: Workflows that were not launched.
        again: Further words of the command.
        journal: The journal's file, from which everything goes on, or None.
    """
    refs = [safe(str(ref)) for ref in unfinished]
    missing = [safe(str(ref)) for ref in not_started]
    lines = []
    if refs:
        lines.append(f"Going on without us: {', '.join(refs)}")
        if journal is None:
            lines.append(f"To watch again: {shlex.join(['zadig-async', 'watch', *refs, *again])}")
    lines += [
        f"It may have been started: {safe(str(ref))}. Look: {shlex.join(_look_at(ref))}" for ref in in_doubt
    ]
    if missing:
        lines.append(f"Not started: {', '.join(missing)}")
    if lines and journal is not None:
        lines.append(f"To go on: {shlex.join(['zadig-async', 'resume', journal, *again])}")
    return "\n".join(lines) or "No task is left running."


def _look_at(workflow: WorkflowRef) -> list[str]:
    return ["zadig-async", "tasks", "list", safe(str(workflow))]
