"""The judge of logs sees what is wrong, and nothing else."""

from typing import Any

import pytest

from tests.support.log_texts import CREDENTIAL, log_text
from tests.support.log_truth import Heard, LogEar, Verdict, digest, judge, plain
from zadig_async import LogGap, LogReport, TaskRef, WorkflowRef
from zadig_async.orchestrator import events
from zadig_async.wire.loglines import LogLine

REF = TaskRef("shop", "api", 1)
TRUTH = ["a", "b", "b", "c", "d", "d", "e", "b", "c", "f"]


def lines(text: str, fills: LogGap | None = None) -> events.LogLines:
    return events.LogLines(
        workflow=WorkflowRef("shop", "api"),
        ref=REF,
        job="j",
        lines=tuple(LogLine(letter) for letter in text),
        fills=fills,
    )


def missing(gap: LogGap) -> events.LogMissing:
    return events.LogMissing(workflow=WorkflowRef("shop", "api"), ref=REF, job="j", gap=gap)


def said(complete: bool | None, *told: events.LogEvent, **report: Any) -> Verdict:
    heard = Heard()
    for event in told:
        heard.take(event)
    report.setdefault("lines", heard.count)
    closed = LogReport(complete=complete, **report)
    heard.take(events.LogClosed(workflow=WorkflowRef("shop", "api"), ref=REF, job="j", report=closed))
    return judge(heard, TRUTH, ["secret"])


def test_the_whole_truth() -> None:
    verdict = said(True, lines("abbcd"), lines("debcf"), digest=digest(TRUTH))
    assert verdict.wrongs == ()
    assert (verdict.true, verdict.told, verdict.same_digest) == (10, 10, True)


def test_a_hole_that_is_filled_is_none() -> None:
    gap = LogGap(3)
    verdict = said(True, lines("abb"), missing(gap), lines("bcf"), lines("cdde", gap), digest=digest(TRUTH))
    assert verdict.wrongs == ()


@pytest.mark.parametrize("count", [None, 4])
def test_a_hole_that_is_left_is_said(count: int | None) -> None:
    gap = LogGap(3, count)
    verdict = said(False, lines("abb"), missing(gap), lines("bcf"), gaps=(gap,))
    assert verdict.wrongs == ()
    assert (verdict.marked, verdict.lost, verdict.gaps) == (4, 0, 1)


def test_a_hole_may_be_filled_in_part() -> None:
    gap = LogGap(3)
    verdict = said(False, lines("abb"), missing(gap), lines("cf"), lines("dd", gap), gaps=(gap,))
    assert verdict.wrongs == ()
    assert verdict.marked == 3


@pytest.mark.parametrize("after", [0, 2, 3])
def test_a_hole_may_be_noticed_late_and_is_near_then(after: int) -> None:
    verdict = said(False, lines("abbddebcf"), gaps=(LogGap(after),))
    assert verdict.wrongs == ()
    assert (verdict.marked, verdict.gaps) == (1, 1)


@pytest.mark.parametrize("after", [4, 9, 20])
def test_a_hole_that_is_noticed_late_at_the_wrong_place_is_wrong(after: int) -> None:
    assert "1 missing" in said(False, lines("abbddebcf"), gaps=(LogGap(after),)).wrongs[0]


def test_the_end_may_be_missing_where_it_is_said() -> None:
    assert said(False, lines("abbcd")).wrongs == ()
    assert said(False, lines("abbcd")).marked == 5


@pytest.mark.parametrize(
    ("complete", "told", "report", "wrong"),
    [
        (None, [lines("abbcd")], {}, "0 lines twice, 5 missing"),
        (False, [lines("abcddebcf")], {}, "0 lines twice, 1 missing"),
        (False, [lines("abbbcddebcf")], {}, "1 lines twice, 0 missing"),
        (False, [lines("abbcddecbf")], {}, "lines are not in their order"),
        (False, [lines("bbcddebcf")], {}, "0 lines twice, 1 missing"),
        (False, [lines("abb"), missing(LogGap(3)), lines("bbf")], {"gaps": (LogGap(3),)}, "1 lines twice"),
        (False, [lines("abb"), missing(LogGap(3, 2)), lines("bcf")], {"gaps": (LogGap(3, 2),)}, "4 missing"),
        (None, [lines("abb"), missing(LogGap(3)), lines("cdd")], {"gaps": (LogGap(3),)}, "4 missing"),
        (False, [lines("abb"), missing(LogGap(3)), lines("bcf")], {}, "0 lines twice, 4 missing"),
        (False, [lines("abb"), missing(LogGap(4)), lines("cddebcf")], {}, "a gap after line 4, told after 3"),
        (False, [lines("abb"), lines("c", LogGap(2))], {}, "a fill of a hole that nobody told of"),
        (True, [lines("abbcddebc")], {"digest": digest(TRUTH)}, "said to be complete, and is not"),
        (True, [lines("abbcddebcf")], {"digest": digest("x")}, "another digest than the truth's"),
        (False, [lines("abbcddebcf")], {"lines": 9}, "9 lines reported, 10 told"),
    ],
)
def test_wrongs(
    complete: bool | None, told: list[events.LogEvent], report: dict[str, Any], wrong: str
) -> None:
    verdict = said(complete, *told, **report)
    assert wrong in "; ".join(verdict.wrongs)
    assert verdict.false_complete is (complete is True and told != [lines("abbcddebcf")])


def test_a_secret_is_seen() -> None:
    heard = Heard()
    heard.take(lines("a"))
    heard.stretches[0].lines[0] = "a secret of ours"
    assert "a secret was shown" in judge(heard, ["a secret of ours"], ["secret"]).wrongs


def test_what_never_closes_is_wrong() -> None:
    heard = Heard()
    heard.take(lines("abbcddebcf"))
    assert judge(heard, TRUTH).wrongs == ("never closed",)


def test_attempts_and_jobs_are_told_apart() -> None:
    ear = LogEar()
    for attempt in (1, 2):
        ear.take(
            events.LogLines(
                workflow=REF.of, ref=REF, job="j", attempt=attempt, lines=(LogLine(f"{attempt}"),)
            )
        )
    ear.take(events.Launched(workflow=REF.of, ref=REF))
    assert {key[3]: heard.stretches[0].lines for key, heard in ear.logs.items()} == {1: ["1"], 2: ["2"]}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("  a b \t", "a b"),
        ("　全角　", "全角"),
        ("\x1ckept\x1f", "\x1ckept\x1f"),
        (" 10% \r 20% ", "10%\r20%"),
        ("windows\r", "windows"),
        ("\r", ""),
        ("x" * 300_000, "x" * 262_144),
        ("login hunter2 now", "login ****** now"),
    ],
)
def test_what_is_left_of_a_line(text: str, left: str) -> None:
    assert plain(text, ["hunter2"]) == left


def test_logs_are_the_same_each_time_and_hard_to_tell_from_themselves() -> None:
    text = log_text(1, 3000)
    assert text == log_text(1, 3000)
    assert text != log_text(2, 3000)
    assert len(text) == 3000
    for needle in (CREDENTIAL, "", "data:", "正在", "\r", "\x1b[", "of the period", "waiting for"):
        assert any(needle in line for line in text)
    assert len(set(text)) < 2000
