"""Events of logs as JSON lines."""

import json
import re
from typing import Any

import pytest

from tests.sinks.told import EVIL, JOB, START, Paper, closed, lines, missing, opened, unavailable
from zadig_async.model.log import LogGap
from zadig_async.orchestrator import events
from zadig_async.sinks.jsonl import JsonLines
from zadig_async.wire.loglines import LogLine

HEAD = {"at": "2030-01-02T00:00:00+00:00", "workflow": "shop/deploy-api", "task": "shop/deploy-api#57"}


async def written(*told: events.LogEvent, **settings: Any) -> list[str]:
    paper = Paper()
    sink = JsonLines(paper.write, lambda: START, **settings)
    for event in told:
        await sink(event)
    assert len(paper.texts) == len(paper.lines), "one object, one line, written at once"
    return paper.lines


@pytest.mark.parametrize(
    ("event", "record"),
    [
        (opened(attempt=2), {"event": "log_opened", "attempt": 2}),
        (
            lines("a", LogLine("b", truncated=True)),
            {"event": "log_lines", "lines": ["a", "b"], "cut": [1], "fills": None},
        ),
        (
            lines("a", fills=LogGap(3, 1)),
            {"event": "log_lines", "lines": ["a"], "cut": [], "fills": {"after": 3, "count": 1}},
        ),
        (missing(3, None), {"event": "log_missing", "gap": {"after": 3, "count": None}}),
        (unavailable("none"), {"event": "log_unavailable", "type": "zadig-deploy", "reason": "none"}),
        (
            closed(False, "cut", gaps=(LogGap(1, 4),)),
            {
                "event": "log_closed",
                "report": {
                    "lines": 2,
                    "gaps": [{"after": 1, "count": 4}],
                    "complete": False,
                    "digest": "d1",
                    "reason": "cut",
                },
            },
        ),
    ],
)
async def test_an_event_is_one_object_with_all_it_knows(
    event: events.LogEvent, record: dict[str, Any]
) -> None:
    (line,) = await written(event)
    assert json.loads(line) == {**HEAD, "job": JOB, "attempt": 1, **record}


async def test_json_is_harmless_keeps_its_meaning_and_chinese_readable() -> None:
    (line,) = await written(lines(EVIL, "部署", "half \ud83d"))
    assert json.loads(line)["lines"] == [EVIL, "部署", "half \ud83d"]
    assert not {"\x1b", "\x07", "\u202e", "\ud83d"} & set(line)
    assert "部署" in line


async def test_only_lines_that_match_are_written_and_marks_always() -> None:
    cut = LogLine("error: \x1b[31mx", truncated=True)
    found = await written(lines("fine", cut), lines("fine"), missing(3, 1), grep=re.compile("error: x"))
    first, second = (json.loads(line) for line in found)
    assert (first["lines"], first["cut"], second["event"]) == ([cut.text], [0], "log_missing")


async def test_only_chosen_jobs_are_written() -> None:
    found = await written(lines("a"), lines("b", job="job-1-0-0-test"), jobs=["test"])
    assert [json.loads(line)["lines"] for line in found] == [["b"]]
