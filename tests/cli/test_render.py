"""What a run looks like: the board, labels, the live table, the summary, the resume command."""

import asyncio
import io
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, cast

import attrs
import pytest
from rich.console import Console

from tests.sinks.test_terminal_oracles import obeyed
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.follow import resume_text
from zadig_async.cli.render import live as live_module
from zadig_async.cli.render import summary, words
from zadig_async.cli.render.board import Board
from zadig_async.cli.render.columns import table
from zadig_async.cli.render.live import LiveRenderer
from zadig_async.cli.render.records import event_record
from zadig_async.errors import ConnectError, JournalError, NotFoundError, PreflightError
from zadig_async.model.gate import Gate, GateKind
from zadig_async.model.ids import TaskRef, WorkflowRef
from zadig_async.model.log import LogGap, LogReport
from zadig_async.model.outcome import Outcome, Verdict
from zadig_async.model.status import Status
from zadig_async.model.user import User
from zadig_async.orchestrator import events
from zadig_async.wire.loglines import LogLine

API = WorkflowRef("shop", "deploy-api")
REF = TaskRef("shop", "deploy-api", 3)
GATE = Gate(
    kind=GateKind.APPROVAL,
    stage="审批",
    job="job-1-0-0-gate",
    name="gate",
    approve_name="job-1-0-0-gate",
    approvers=(User(user_name="alice"), User(user_name="\x1b[31mbob")),
)


def job(status: str, name: str = "job-0-0-0-build", error: str = "") -> events.JobChanged:
    return events.JobChanged(
        workflow=API,
        ref=REF,
        job=name,
        stage="构建",
        type="freestyle",
        before=Status(""),
        after=Status(status),
        error=error,
    )


def ended(verdict: Verdict, ref: TaskRef | None = REF) -> events.Ended:
    return events.Ended(workflow=API, ref=ref, outcome=Outcome(workflow=API, ref=ref, verdict=verdict))


def closed(complete: bool) -> events.LogClosed:
    report = LogReport(lines=1, complete=complete, reason="cut")
    return events.LogClosed(workflow=API, ref=REF, job="job-0-0-0-b", report=report)


def log(text: str, job_name: str = "job-0-0-0-build") -> events.LogLines:
    return events.LogLines(workflow=API, ref=REF, job=job_name, lines=(LogLine(text),))


GATE_OPENED = events.GateOpened(workflow=API, ref=REF, gate=GATE, allowed=False, reason="no rule allows it")


def test_a_board_follows_a_launch_from_nothing_to_its_end() -> None:
    board = Board([API])
    (row,) = board.rows
    assert (row.name, row.state, row.seconds(5)) == ("shop/deploy-api", "to be started", None)
    board.apply(events.Launching(workflow=API, jobs=("build",)), 10)
    board.apply(events.Launched(workflow=API, ref=REF), 11)
    assert (row.name, row.state, row.seconds(12)) == ("shop/deploy-api#3", "queued", 2)
    board.apply(job("running"), 12)
    assert row.now == "构建 / build"
    board.apply(job("passed"), 13)
    board.apply(GATE_OPENED, 13)
    assert row.now == "waits at gate gate for alice, bob"
    assert list(board.unfinished()) == [REF]
    board.apply(events.GateClosed(workflow=API, ref=REF, gate=GATE), 14)
    board.apply(ended(Verdict.SUCCEEDED), 15)
    assert (row.state, row.now, row.seconds(99), row.ended) == ("succeeded", "", 5, True)
    assert [*board.unfinished(), *board.not_started()] == []


def test_a_board_tells_several_launches_of_one_workflow_apart() -> None:
    board = Board([API, API])
    other = TaskRef("shop", "deploy-api", 4)
    board.apply(events.Launched(workflow=API, ref=REF), 1)
    assert list(board.not_started()) == [API]
    board.apply(events.Launched(workflow=API, ref=other), 1)
    board.apply(ended(Verdict.DETACHED), 2)
    assert [row.ref for row in board.rows] == [REF, other]
    assert list(board.unfinished()) == [REF, other]


def test_a_refused_launch_is_over_and_one_that_was_never_sent_is_named() -> None:
    board = Board([API, WorkflowRef("shop", "web")])
    board.apply(ended(Verdict.REFUSED, None), 1)
    assert list(board.not_started()) == [WorkflowRef("shop", "web")]


def test_a_launch_is_in_doubt_from_its_sending_to_its_answer() -> None:
    board = Board([API])
    assert (list(board.in_doubt()), list(board.not_started())) == ([], [API])
    board.apply(events.Launching(workflow=API, jobs=("build",)), 1)
    assert (list(board.in_doubt()), list(board.not_started())) == ([API], [])
    board.apply(ended(Verdict.UNKNOWN, None), 2)
    assert (list(board.in_doubt()), list(board.not_started())) == ([API], [])
    told_to_stop = Board([API])
    told_to_stop.apply(events.Launching(workflow=API, jobs=("build",)), 1)
    told_to_stop.apply(ended(Verdict.DETACHED, None), 2)
    assert (list(told_to_stop.in_doubt()), list(told_to_stop.not_started())) == ([], [API])


def test_resuming_is_one_command_to_copy() -> None:
    web, search = WorkflowRef("shop", "web"), WorkflowRef("shop", "search")
    text = resume_text([REF], [search], [web], ["--approve", "shop/*:gate", "--logs"])
    assert text.splitlines() == [
        "Going on without us: shop/deploy-api#3",
        "To watch again: zadig-async watch 'shop/deploy-api#3' --approve 'shop/*:gate' --logs",
        "It may have been started: shop/search. Look: zadig-async tasks list shop/search",
        "Not started: shop/web",
    ]
    assert resume_text([], [], [], []) == "No task is left running."


def test_columns_are_as_wide_as_chinese_looks() -> None:
    assert table(("A", "B"), [("部署", "x"), ("abc", "y")]) == ["A     B", "部署  x", "abc   y"]


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (job(""), None),
        (job("wait_for_approval"), None),
        (job("failed", error="exit\n2"), "构建 / build: failed: exit 2"),
        (job("running", name="strange"), "构建 / strange: running"),
        (
            GATE_OPENED,
            (
                "waits at gate gate for alice, bob: no rule allows it; "
                "approve it in Zadig, or: zadig-async approve 'shop/deploy-api#3'"
            ),
        ),
        (events.LogOpened(workflow=API, ref=REF, job="x"), None),
        (closed(True), None),
        (closed(False), "log of b: 1 line, lines are or may be missing: cut"),
        (events.PollRecovered(workflow=API, ref=REF, failed_for=5), "can be read again after 5.0s"),
        (events.Cancelling(workflow=API, ref=REF, reason="asked to"), "cancelling the task: asked to"),
        (events.Retrying(workflow=API, ref=REF, reason="asked to"), "running the task again: asked to"),
        (
            events.LaunchUnanswered(workflow=API, reason="cut\nshort"),
            "no clear answer to the trigger, looking for its task: cut short",
        ),
        (
            events.Adopted(workflow=API, ref=REF, sure=True),
            "found its task: shop/deploy-api#3, it carries this run's id",
        ),
        (
            events.Adopted(workflow=API, ref=REF, sure=False),
            "found its task: shop/deploy-api#3, no other can be it",
        ),
        (
            events.LaunchRepeated(workflow=API, attempt=2),
            "no task has come of it: launching once more (attempt 2)",
        ),
        (
            events.DuplicateFound(
                workflow=API, ref=REF, duplicate=TaskRef("shop", "x", 4), cancelled=True, reason="late"
            ),
            "DUPLICATE shop/x#4: late; cancelled",
        ),
        (
            events.DuplicateFound(
                workflow=API, ref=REF, duplicate=TaskRef("shop", "x", 4), cancelled=False, reason="late"
            ),
            "DUPLICATE shop/x#4: late; NOT cancelled: look at it",
        ),
        (
            events.JournalFailed(workflow=API, error=JournalError("the disk is full")),
            "could not be written down, nothing new is begun: journal: the disk is full",
        ),
        (
            events.GateJudged(workflow=API, ref=REF, gate=GATE, allowed=True, reason="its window is open"),
            "gate gate: its window is open",
        ),
    ],
)
def test_events_are_told_in_plain_words(event: events.Event, text: str | None) -> None:
    assert words.event_words(event) == text


def test_a_name_of_the_servers_is_no_command_to_copy() -> None:
    assert words.shell_word("$(reboot)") == "'$(reboot)'"
    assert words.shell_word("a'b\x1b[0m") == "'a'\"'\"'b'"


def test_advice_names_every_finding_once() -> None:
    error = PreflightError("x", findings=["one", "two"], hint="mend")
    outcome = Outcome(workflow=API, verdict=Verdict.REFUSED, error=error)
    assert summary.advice([outcome, outcome]) == [
        "shop/deploy-api: mend",
        "shop/deploy-api: one",
        "shop/deploy-api: two",
    ]


def console(height: int = 24, colours: Literal["standard"] | None = None) -> Console:
    return Console(
        file=io.StringIO(), force_terminal=True, width=100, height=height, color_system=colours, markup=False,
        highlight=False, emoji=False,
    )  # fmt: skip


def shown(screen: Console) -> str:
    file = screen.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


async def test_the_live_table_shows_rows_and_prints_logs_above_it() -> None:
    board, screen = Board([API]), console()
    clock = asyncio.get_running_loop().time
    async with LiveRenderer(board, screen, clock) as live:
        for event in (events.Launched(workflow=API, ref=REF), job("running")):
            board.apply(event, clock())
            live.event(event)
        await live.log(log("[bold]not markup[/bold] :smile: \x1b]0;x\x07部署"))
        picture = live.picture()
    text = shown(screen)
    assert "deploy-api/build | [bold]not markup[/bold] :smile: 部署" in text
    assert picture.row_count == 1
    outcome = Outcome(workflow=API, ref=REF, verdict=Verdict.SUCCEEDED)
    live.outcomes([outcome], ExitCode.SUCCEEDED, ["do nothing"])
    assert "shop/deploy-api#3  succeeded" in shown(screen)
    assert shown(screen).endswith("1 of 1 succeeded.\ndo nothing\n")


async def test_the_live_table_colours_what_is_ours_where_the_terminal_has_colours() -> None:
    for coloured in (True, False):
        screen = console(colours="standard" if coloured else None)
        async with LiveRenderer(Board([API]), screen, lambda: 0.0) as live:
            live.event(GATE_OPENED)
            await live.log(log("text"))
        label = "\x1b[95mdeploy-api/build | \x1b[0m" if coloured else "deploy-api/build | "
        assert f"{label}text\n" in shown(screen)
        assert ("\x1b[33mwaits at gate" in shown(screen)) == coloured


async def test_a_terminal_that_is_behind_is_not_drawn_on_and_logs_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_module, "_EVERY", 0)
    monkeypatch.setattr(live_module, "ROOM", 40)
    behind = False
    board, screen = Board([API]), console()

    async def draw() -> str:
        """Let the painter go round, and return what it has drawn meanwhile."""
        before = len(shown(screen))
        for _ in range(10):
            await asyncio.sleep(0)
        return shown(screen)[before:]

    async with LiveRenderer(board, screen, lambda: 0.0, behind=lambda: behind) as live:
        assert "TASK" in await draw()
        behind = True
        await draw()
        await live.log(log("first"))
        waits = asyncio.create_task(live.log(log("second")))
        await asyncio.sleep(0)
        live.event(GATE_OPENED)
        assert await draw() == ""
        assert not waits.done()
        behind = False
        text = await draw()
        assert waits.done()
    assert text.index("| first") < text.index("| second") < text.index("> waits at gate")


async def test_what_a_stopped_terminal_was_to_show_is_shown_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_module, "ROOM", 1)
    screen = console()
    async with LiveRenderer(Board([API]), screen, lambda: 0.0, behind=lambda: True) as live:
        waits = asyncio.create_task(live.log(log("first")))
        await asyncio.sleep(0)
        assert not waits.done()
    await waits
    assert "deploy-api/build | first" in shown(screen)


async def test_the_live_table_is_no_taller_than_the_terminal_and_shows_what_moves() -> None:
    refs = [TaskRef("shop", f"w{number}", 1) for number in range(50)]
    board, screen = Board(refs=refs), console(height=10)
    for number in (48, 49):
        board.apply(
            events.TaskChanged(
                workflow=refs[number].of, ref=refs[number], before=Status(""), after=Status("running")
            ),
            0,
        )
    screen.print(LiveRenderer(board, screen, lambda: 0.0).picture())
    text = shown(screen)
    assert len(text.splitlines()) <= 10
    assert "shop/w48#1" in text
    assert "shop/w49#1" in text
    assert "and 44 more" in text


async def test_the_live_table_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    async with LiveRenderer(Board([API]), console(), lambda: 0.0):
        assert len(asyncio.all_tasks()) == len(before) + 1
    assert asyncio.all_tasks() == before


def every_event() -> list[events.Event]:
    """Make one of each kind of event."""
    missing = NotFoundError("no", status=500)
    values: dict[str, Any] = {
        "workflow": API,
        "ref": REF,
        "jobs": ("build",),
        "before": Status(""),
        "after": Status("running"),
        "gate": GATE,
        "allowed": True,
        "error": ConnectError("refused"),
        "lines": (LogLine("text"),),
        "count": 2,
        "fills": LogGap(1, 2),
        "gap": LogGap(1),
        "report": LogReport(lines=3, gaps=(LogGap(1, 2),), complete=False),
        "sure": True,
        "attempt": 2,
        "duplicate": TaskRef("shop", "deploy-api", 4),
        "cancelled": False,
        "failing_for": 1.5,
        "failed_for": 1.5,
        "outcome": Outcome(workflow=API, verdict=Verdict.LOST, error=missing, gates=(GATE,)),
    }
    kinds: list[Callable[..., events.Event]] = [
        kind
        for kind in vars(events).values()
        if isinstance(kind, type)
        and issubclass(kind, events.Event)
        and kind not in {events.Event, events.LogEvent}
    ]
    assert len(kinds) > 20
    return [
        kind(
            **{
                field.name: "x" if field.type is str else values[field.name]
                for field in attrs.fields(cast("type[events.Event]", kind))
            }
        )
        for kind in kinds
    ]


@pytest.mark.parametrize("event", every_event(), ids=lambda event: type(event).__name__)
def test_every_event_has_a_json_record_with_all_it_knows(event: events.Event) -> None:
    record = event_record(event, datetime(2030, 1, 1, tzinfo=UTC))
    assert json.loads(json.dumps(record)) == record
    assert {"event", "at", "workflow", "task"} <= set(record)
    assert {field.name for field in attrs.fields(type(event))} - {"ref"} <= set(record)
    assert "raw" not in json.dumps(record)


def test_hostile_names_are_harmless_in_every_line() -> None:
    evil = "\x1b]52;c;x\x07\u202e\r\n"
    ref = TaskRef("shop", "w", 1)
    gate = Gate(
        kind=GateKind.APPROVAL, stage=evil, name=evil, approve_name=evil, approvers=(User(user_name=evil),)
    )
    told = [
        events.GateOpened(workflow=ref.of, ref=ref, gate=gate, allowed=True, reason=evil),
        events.GateNotApproved(workflow=ref.of, ref=ref, gate=gate, error=None, reason=evil),
        events.GateClosed(workflow=ref.of, ref=ref, gate=gate),
        events.TaskChanged(workflow=ref.of, ref=ref, before=Status(evil), after=Status(evil)),
        job(evil, name=evil, error=evil),
    ]
    text = "".join(words.event_words(event) or "" for event in told)
    assert text
    assert obeyed(text) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot change its zone by TZ")
def test_the_last_moment_of_all_can_be_shown_in_any_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    monkeypatch.setenv("TZ", "UTC-8")
    time.tzset()
    try:
        assert words.clock_words(last) == "9999-12-31 23:59:59+00:00"
        assert words.clock_words(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01 08:00:00"
    finally:
        monkeypatch.undo()
        time.tzset()
    assert words.clock_words(None) == "-"
