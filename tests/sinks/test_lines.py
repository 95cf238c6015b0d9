"""Logs as labelled lines: what is shown, what stands before it, and what is ours."""

import re
from typing import Any

import pytest

from tests.sinks.told import EVIL, JOB, NOON, REF, Paper, closed, lines, missing, opened, unavailable
from zadig_async.model.ids import TaskRef, WorkflowRef
from zadig_async.model.log import LogGap
from zadig_async.orchestrator import events
from zadig_async.orchestrator.policy import is_chosen
from zadig_async.sinks.lines import Labels, TerminalLines
from zadig_async.wire.loglines import LogLine

WEB = TaskRef("shop", "deploy-web-site", 3)


async def shown(*told: events.LogEvent, labels: Labels | None = None, **settings: Any) -> list[str]:
    paper = Paper()
    sink = TerminalLines(paper.write, labels=labels, **settings)
    for event in told:
        await sink(event)
    return paper.lines


async def test_a_log_is_shown_line_by_line_behind_its_workflow_and_job() -> None:
    found = await shown(opened(), lines("go: ok", "  done  "), closed(), labels=Labels())
    assert found == ["deploy-api/build | go: ok", "deploy-api/build |   done"]


async def test_without_labels_there_is_the_log_alone() -> None:
    assert await shown(lines("go: ok")) == ["go: ok"]


async def test_labels_are_aligned_to_the_widest_so_far() -> None:
    found = await shown(lines("a"), lines("b", ref=WEB), lines("c"), labels=Labels())
    assert found == ["deploy-api/build | a", "deploy-web-site/build | b", "deploy-api/build      | c"]


async def test_a_label_that_is_too_long_does_not_widen_the_others() -> None:
    long = "job-0-0-0-" + "x" * 60
    found = await shown(lines("a", job=long), lines("b"), labels=Labels())
    assert found[1].index("|") == 41


async def test_labels_know_how_wide_chinese_is() -> None:
    labels = Labels([WorkflowRef("shop", "部署")])
    assert labels.of(lines("x", ref=TaskRef("shop", "a", 1), job="b")) == "a/b "


@pytest.mark.parametrize(
    ("event", "label"),
    [
        (lines("x", attempt=2), "deploy-api/build.2"),
        (lines("x", job="job-0-0-2-build"), "deploy-api/build[2]"),
        (lines("x", job="strange"), "deploy-api/strange"),
        (lines("x", job=f"job-0-0-0-{EVIL}"), "deploy-api/redtxt"),
    ],
)
async def test_logs_that_could_be_mixed_up_are_told_apart(event: events.LogEvent, label: str) -> None:
    assert await shown(event, labels=Labels()) == [f"{label} | x"]


async def test_two_tasks_of_one_workflow_bear_their_numbers() -> None:
    other = TaskRef("shop", "deploy-api", 58)
    labels = Labels([REF.of, other.of, WEB.of])
    found = await shown(lines("a"), lines("b", ref=other), lines("c", ref=WEB), labels=labels)
    assert [line.split()[0] for line in found] == [
        "deploy-api#57/build",
        "deploy-api#58/build",
        "deploy-web-site/build",
    ]


async def test_a_cut_line_says_so() -> None:
    assert await shown(lines(LogLine("long", truncated=True), "short")) == ["long (cut)", "short"]


async def test_what_is_missing_is_marked_where_it_is_missing() -> None:
    found = await shown(lines("a"), missing(1, 12), lines("b"), missing(2, 1), missing(2, None))
    assert found == [
        "a",
        "~~~ 12 lines are missing here ~~~",
        "b",
        "~~~ 1 line is missing here ~~~",
        "~~~ lines are missing here, how many is not known ~~~",
    ]


async def test_lines_that_come_late_are_introduced_once_and_left_once() -> None:
    gap = LogGap(3, 2)
    found = await shown(
        lines("a"), lines("m1", fills=gap), lines("m2", fills=gap), lines("b"), lines("c"), labels=Labels()
    )
    assert found == [
        "deploy-api/build | a",
        "deploy-api/build > ~~~ these belong after line 3, where 2 lines were missing ~~~",
        "deploy-api/build | m1",
        "deploy-api/build | m2",
        "deploy-api/build > ~~~ the log goes on ~~~",
        "deploy-api/build | b",
        "deploy-api/build | c",
    ]


async def test_each_gap_that_is_filled_is_named() -> None:
    found = await shown(lines("m", fills=LogGap(3, 1)), lines("n", fills=LogGap(9)))
    assert found == [
        "~~~ these belong after line 3, where 1 line was missing ~~~",
        "m",
        "~~~ these belong after line 9, where lines were missing ~~~",
        "n",
    ]


async def test_a_log_goes_on_only_where_it_was_left() -> None:
    gap = LogGap(3, 1)
    found = await shown(lines("a"), lines("m", fills=gap), lines("b"), grep=re.compile("[ab]"))
    assert found == ["a", "b"]


async def test_a_job_without_a_log_says_why() -> None:
    assert await shown(unavailable(f"it has {EVIL}")) == ["~~~ no log: it has redtxt ~~~"]


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (closed(True), []),
        (closed(None, "no archive"), ["~~~ 2 lines, perhaps not all: no archive ~~~"]),
        (
            closed(False, f"cut {EVIL}", count=1, gaps=(LogGap(1, 4), LogGap(1))),
            [
                (
                    "~~~ 1 line, lines are or may be missing: cut redtxt; 4 lines are missing after line 1; "
                    "lines are missing after line 1, how many is not known ~~~"
                )
            ],
        ),
    ],
)
async def test_an_end_is_told_unless_the_log_is_complete(event: events.LogClosed, text: list[str]) -> None:
    assert await shown(event) == text


async def test_what_a_log_holds_is_harmless() -> None:
    assert await shown(lines(EVIL, "10%\r20%")) == ["redtxt", "20%"]


async def test_only_lines_that_match_are_shown() -> None:
    found = await shown(
        lines("fine", "error: x", "\x1b[31merr\x1b[0mor: y"),
        lines("fine"),
        lines("fine", fills=LogGap(1, 1)),
        missing(3, 1),
        grep=re.compile("^error"),
    )
    assert found == ["error: x", "error: y", "~~~ 1 line is missing here ~~~"]


async def test_what_matches_does_not_depend_on_kept_colours() -> None:
    text = "\x1b[31merr\x1b[0mor: y"
    assert await shown(lines(text, "m"), grep=re.compile("^error"), colour=True) == [text]


async def test_only_chosen_jobs_are_shown() -> None:
    test = "job-1-0-0-test"
    told = (lines("a"), lines("b", job=test), missing(1, 1, job=test), closed(False, job=test))
    assert await shown(*told, jobs=["build"]) == ["a"]
    assert await shown(*told, jobs=[JOB]) == ["a"]
    assert (await shown(*told, jobs=["test"]))[0] == "b"


async def test_times_are_those_of_our_clock_with_milliseconds_and_zone() -> None:
    found = await shown(lines("a"), labels=Labels(), clock=lambda: NOON)
    assert found == ["deploy-api/build | 2030-01-02T12:00:00.007+08:00 a"]


async def test_on_a_terminal_each_log_has_a_colour_that_stays() -> None:
    first = await shown(lines("a"), lines("b"), labels=Labels(), terminal=True)
    assert first == [f"\x1b[95mdeploy-api/build | \x1b[0m{letter}" for letter in "ab"]
    (other,) = await shown(lines("a", job="job-0-1-0-lint"), labels=Labels(), terminal=True)
    assert other == "\x1b[94mdeploy-api/lint | \x1b[0ma"
    assert "\x1b" not in "".join(await shown(lines("a"), labels=Labels()))


async def test_each_attempt_begins_with_a_filter_of_its_own() -> None:
    found = await shown(
        lines("a", fills=LogGap(0, 1)), closed(), lines("b", attempt=2), lines("c", fills=LogGap(0, 1))
    )
    assert found.count("~~~ these belong after line 0, where 1 line was missing ~~~") == 2
    assert "~~~ the log goes on ~~~" not in found


def test_a_job_is_chosen_by_its_whole_names_only() -> None:
    assert is_chosen(JOB, ())
    assert is_chosen(JOB, ["x", "build"])
    assert not is_chosen(JOB, ["buil", "job-0-0-0"])
