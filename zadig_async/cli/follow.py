"""Following runs to their end: what `run`, `watch` and `demo` have in common."""

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import attrs

from zadig_async.cli import exits, output
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.memory_options import Memory
from zadig_async.cli.render import summary
from zadig_async.cli.render.board import Board
from zadig_async.cli.render.renderer import JsonRenderer, PlainRenderer, Renderer
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

    Attributes:
        session: The command line.
        policy: What may be done, and how patiently.
        board: The launches and tasks.
        again: Words of a command that goes on in the same way: those that follow `zadig-async watch` and its
            tasks, or, with a journal, `zadig-async resume` and its file.
        memory: What the run is remembered and stopped by.
        judge: Turns the outcomes into the exit code.
        advise: Whether to say what to do about outcomes that are no success.
    """

    session: Session
    policy: RunPolicy
    board: Board
    again: Sequence[str] = ()
    memory: Memory = attrs.field(factory=Memory)
    judge: Callable[[Sequence[Outcome]], ExitCode] = exits.of_outcomes
    advise: bool = True
    _renderer: Renderer = attrs.field(init=False)

    async def follow(
        self, zadig: ZadigClient, work: Callable[[Orchestrator], Awaitable[list[Outcome]]]
    ) -> Followed:
        """Do the work, show what happens, and obey signals.

        Args:
            zadig: The server.
            work: Starts or attaches, and returns the outcomes.
        """
        clock = asyncio.get_running_loop().time
        self._renderer = self._make_renderer(clock)

        def on_event(event: events.Event) -> None:
            self.board.apply(event, clock())
            self._renderer.event(event)

        outcomes: Sequence[Outcome] | None = None
        orchestrator = Orchestrator(
            zadig,
            self.policy,
            on_event=on_event,
            journal=self.memory.journal,
            audit=self.memory.audit,
            switch=self.memory.switch,
        )
        with Ladder(lambda: self._detach(orchestrator), self._last) as ladder:
            try:
                async with self._renderer, orchestrator:
                    outcomes = await work(orchestrator)
            except asyncio.CancelledError:
                if ladder.count < 2:
                    raise
        if outcomes is None:
            text, code = self._last()
            self._renderer.note(text)
            return Followed(code=code)
        code = self.judge(outcomes)
        self._renderer.outcomes(outcomes, code)
        if self.advise and not self.session.json:
            output.say_lines(summary.advice(outcomes))
        journaled = self.memory.journal is not None
        if any(outcome.verdict in (_OPEN if journaled else _GO_ON) for outcome in outcomes):
            self._renderer.note(self._last()[0])
        return Followed(code=code, outcomes=outcomes)

    def _detach(self, orchestrator: Orchestrator) -> None:
        orchestrator.detach()
        self._renderer.note(
            "Stopping to watch. Nothing more is sent, and tasks on the server go on. Again: stop at once."
        )

    def _last(self) -> tuple[str, ExitCode]:
        """Say what goes on without us and how to go on with it, and return the code of an early end."""
        doubt = list(self.board.in_doubt())
        journal = None if self.memory.journal is None else self.memory.journal.name
        text = resume_text(self.board.unfinished(), doubt, self.board.not_started(), self.again, journal)
        return text, ExitCode.UNKNOWN if doubt else ExitCode.DETACHED

    def _make_renderer(self, clock: Callable[[], float]) -> Renderer:
        if self.session.json:
            return JsonRenderer()
        if not interactive():
            return PlainRenderer(row.workflow for row in self.board.rows)
        from zadig_async.cli.render.live import LiveRenderer  # noqa: PLC0415 - for terminals only

        return LiveRenderer(self.board, _console(), clock)


_GO_ON = frozenset({Verdict.DETACHED, Verdict.LOST, Verdict.DEADLINE, Verdict.BLOCKED})
_OPEN = _GO_ON | {Verdict.UNKNOWN}


def _console() -> "Console":
    from rich.console import Console  # noqa: PLC0415 - for terminals only

    return Console(markup=False, highlight=False, emoji=False)


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
