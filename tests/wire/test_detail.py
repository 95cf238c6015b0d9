"""Task details: the short cut says what the rule book says, or lets it speak."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support import golden
from tests.support.documents import STATUS, TASKS, Twice, places, put, write
from zadig_async.errors import DecodeError
from zadig_async.model.status import Phase
from zadig_async.model.task import Task, TaskStatus
from zadig_async.wire import codec, detail, strict
from zadig_async.wire.detail import read_status, read_task, status_of

DETAILS = golden.names(golden.GOLDEN, "task-detail-*.json")


def by_the_book(body: bytes) -> Task:
    return codec.structure(strict.parse(body), Task)


def everything(read: Callable[[bytes], Task], body: bytes) -> tuple[Any, ...] | None:
    """Read a task and look at all of it; None if that is refused anywhere."""
    try:
        task = read(body)
        jobs = tuple((job, job.spec) for job in task.jobs())
        return task, task.params, task.stages, jobs, task.gates, task.phase, task.raw, repr(task)
    except DecodeError:
        return None


def status_seen(read: Callable[[bytes], TaskStatus], body: bytes) -> tuple[Any, ...] | None:
    try:
        seen = read(body)
        return seen, seen.jobs, seen.gates, seen.phase, repr(seen)
    except DecodeError:
        return None


def check(body: bytes) -> None:
    """Both ways of reading agree on everything, and a poll believes no end the rule book does not."""
    assert everything(read_task, body) == everything(by_the_book, body)
    polled = status_seen(read_status, body)
    expected = status_seen(lambda body: status_of(by_the_book(body)), body)
    if expected is not None:
        assert polled == expected
    elif polled is not None:  # a poll does not look at every field
        assert not polled[0].status.final


@given(TASKS)
@settings(max_examples=200)
def test_valid_documents(document: dict[str, Any]) -> None:
    body = golden.go_json(document)
    assert status_seen(read_status, body) is not None
    assert everything(read_task, body) is not None
    check(body)


@pytest.mark.parametrize("name", DETAILS)
def test_golden_documents(name: str) -> None:
    check(golden.body(name))
    check((golden.GOLDEN / name).read_bytes())
    assert everything(read_task, golden.body(name)) is not None


@pytest.mark.parametrize("name", ["task-detail-running.json", "task-detail-waiting-approval.json"])
def test_the_short_cut_is_taken(name: str) -> None:
    # The rule book would refuse this; the short cut does not look until somebody asks for all of it.
    body = golden.body(name)[:-1] + b',"new":"\xff"}'
    assert read_task(body) == read_task(golden.body(name))
    assert read_status(body) == read_status(golden.body(name))
    with pytest.raises(DecodeError):
        _ = read_task(body).raw


WRONG: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        7,
        -1,
        1.0,
        0.0,
        1.5,
        1e300,
        10**30,
        "",
        "x",
        "passed",
        [],
        {},
        [None],
        [{}],
        {"status": "passed"},
    ]
)


@given(st.data())
@settings(max_examples=200)
def test_a_value_of_another_kind(data: st.DataObject) -> None:
    document = data.draw(TASKS | st.sampled_from([golden.value(name) for name in DETAILS]))
    at = data.draw(st.sampled_from(places(document)))
    check(golden.go_json(put(document, at, data.draw(WRONG))))


@given(st.data())
@settings(max_examples=100)
def test_a_key_that_stands_twice(data: st.DataObject) -> None:
    document = data.draw(TASKS | st.sampled_from([golden.value(name) for name in DETAILS]))
    keys = [place for place in places(document) if isinstance(place[-1], str)]
    at = data.draw(st.sampled_from(keys))
    old = value_at(document, at)
    new = data.draw(st.sampled_from(["passed", "failed", old]))
    pair = data.draw(st.permutations([old, new]))
    body = write(put(document, at, Twice(*pair)))
    assert everything(by_the_book, body) is None
    check(body)


def value_at(document: Any, at: tuple[str | int, ...]) -> Any:
    for step in at:
        document = document[step]
    return document


@given(TASKS, st.data(), STATUS, STATUS)
@settings(max_examples=100)
def test_a_status_that_stands_twice_is_never_believed(
    document: dict[str, Any], data: st.DataObject, first: str, second: str
) -> None:
    owners = [
        (),
        *(
            place
            for place in places(document)
            if is_part(place) and isinstance(value_at(document, place), dict)
        ),
    ]
    owner = data.draw(st.sampled_from(owners))
    with_status = put(document, owner, {**value_at(document, owner), "status": Twice(first, second)})
    body = write(with_status)
    with pytest.raises(DecodeError, match="status: the key stands twice"):
        read_task(body)
    seen = status_seen(read_status, body)
    assert seen is None or not seen[0].status.final


def is_part(place: tuple[str | int, ...]) -> bool:
    """Whether this is the place of a stage or a job."""
    names = tuple(step for step in place if isinstance(step, str))
    return names in {("stages",), ("stages", "jobs")} and isinstance(place[-1], int)


@pytest.mark.parametrize(
    "body",
    [
        b'{"task_id":1,"workflow_key":"w","status":"failed","status":"passed"}',
        b'{"task_id":1,"workflow_key":"w","status":"failed","status":"passed","stages":[{"name":"s"}]}',
        b'{"task_id":1,"workflow_key":"w","status":"failed","\\u0073tatus":"passed"}',
        b'{"task_id":1,"workflow_key":"w","\\u0073tatus":"failed","sta\\u0074us":"passed"}',
        b'{"task_id":1,"workflow_key":"w","stages":[{"name":"s","jobs":[{"name":"j","status":"failed","status":"passed"}]}]}',
    ],
    ids=["plain", "behind a stage without status", "one escaped", "both escaped", "of a job"],
)
def test_a_second_status_cannot_hide(body: bytes) -> None:
    with pytest.raises(DecodeError, match="status: the key stands twice"):
        read_task(body)
    seen = status_seen(read_status, body)
    assert seen is None or seen[0].status.phase is Phase.QUEUED


@given(st.sampled_from(DETAILS), st.data())
def test_a_body_cut_short_is_refused_at_once(name: str, data: st.DataObject) -> None:
    body = golden.body(name)
    cut = body[: data.draw(st.integers(0, len(body) - 1))]
    for read in (read_task, read_status):
        with pytest.raises(DecodeError):
            read(cut)


@given(st.sampled_from(DETAILS), st.data())
@settings(max_examples=200)
def test_a_byte_changed_on_the_way(name: str, data: st.DataObject) -> None:
    body = bytearray(golden.body(name))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    check(bytes(body))


@given(st.binary(max_size=60))
@example(b"")
@example(b"null")
@example(b"[]")
@example(b'{"task_id":1.0,"workflow_key":"w"}')
@example(b'{"task_id":1e0,"workflow_key":"w"}')
@example(b'{"task_id":1,"workflow_key":"w","remark":"\xff"}')
@example(b'{"task_id":1,"workflow_key":"w","new":"\xff"}')
@example(b'{"task_id":1,"workflow_key":"w","remark":"\\ud800"}')
@example(b'{"task_id":1,"workflow_key":"w","new":1e400}')
@example(b'{"task_id":1,"workflow_key":"w","start_time":99999999999999}')
@example(b'{"task_id":' + b"9" * 5000 + b',"workflow_key":"w"}')
@example(b'\xef\xbb\xbf{"task_id":1,"workflow_key":"w"}')
@example(b'{"task_id":1,"workflow_key":"w"} x')
@example(b"<html>")
@example('{"task_id":1,"workflow_key":"w"}'.encode("utf-16"))
def test_any_bytes(body: bytes) -> None:
    check(body)


@pytest.mark.parametrize(
    "where", [b'"new":%s', b'"params":%s', b'"stages":[{"name":"s","approval":%s}]', b'"remark":%s']
)
@pytest.mark.parametrize(
    "brackets", [b"[" * 200_000 + b"]" * 200_000, b'{"a":' * 100_000 + b"0" + b"}" * 100_000]
)
def test_bottomless_nesting(where: bytes, brackets: bytes) -> None:
    body = b'{"task_id":1,"workflow_key":"w",' + where % brackets + b"}"
    for read in (read_task, read_status):
        with pytest.raises(DecodeError):
            read(body)


@pytest.mark.parametrize(
    "wrong",
    [
        {"task_id": "1"},
        {"task_id": 1.0},
        {"task_id": True},
        {"workflow_key": 1},
        {"project_key": 1},
        {"status": 1},
        {"error": ["x"]},
        {"task_revoker": 1},
        {"start_time": "5"},
        {"end_time": 5.0},
        {"end_time": -1},
        {"stages": {}},
        {"stages": [None]},
        {"stages": [{}]},
        {"stages": [{"name": "s", "status": True}]},
        {"stages": [{"name": "s", "jobs": [{"name": 1}]}]},
        {"stages": [{"name": "s", "jobs": [{"name": "j", "status": 1}]}]},
        {"stages": [{"name": "s", "jobs": [{"name": "j", "start_time": "1"}]}]},
    ],
    ids=str,
)
def test_a_poll_guesses_nothing(wrong: dict[str, Any]) -> None:
    body = golden.go_json({"task_id": 1, "workflow_key": "w", "status": "running", **wrong})
    for read in (read_task, read_status):
        with pytest.raises(DecodeError) as caught:
            read(body)
        assert caught.value.problems


def test_what_a_poll_saw_is_what_a_full_read_says() -> None:
    for name in DETAILS:
        body = golden.body(name)
        task, seen = read_task(body), read_status(body)
        assert seen == status_of(task)
        assert seen.phase is task.phase
        assert [(job.name, job.status) for job in seen.jobs] == [
            (job.name, job.status) for job in task.jobs()
        ]
        assert seen.gates == task.gates


def test_problems_have_the_place_whichever_way_they_are_found() -> None:
    job = b'{"name":"j","job_info":[]}'
    stage = b'{"name":"s","manual_exec":{"enabled":1},"jobs":[' + job + b"]}"
    body = b'{"task_id":1,"workflow_key":"w","stages":[' + stage + b"]}"
    with pytest.raises(DecodeError) as caught:
        _ = read_task(body).stages
    assert caught.value.problems == (
        "$.stages[0].manual_exec.enabled: expected true or false, got a whole number",
    )
    with pytest.raises(DecodeError) as caught:
        _ = read_task(body.replace(b'"enabled":1', b"")).stages
    assert caught.value.problems == ("$.stages[0].jobs[0].job_info: expected an object, got a list",)
    with pytest.raises(DecodeError) as caught:
        _ = read_task(b'{"task_id":1,"workflow_key":"w","params":[{}]}').params
    assert caught.value.problems == ("$.params[0].name: missing",)


def test_nothing_is_parsed_twice_that_was_read_once() -> None:
    task = detail.read_task(golden.body("task-detail-running.json"))
    assert task.stages is task.stages
    assert task.raw is task.raw
    job = next(task.jobs())
    assert job.spec is job.spec
