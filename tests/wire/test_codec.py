"""The rule book: no field of any class takes another kind, and every problem says where it is."""

import json
import typing
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import golden
from zadig_async.errors import DecodeError
from zadig_async.model.jobspec import SPEC_OF, ApprovalSpec, BuildSpec, GenericSpec, JobSpec
from zadig_async.model.lazy import Lazy
from zadig_async.model.secret import Secret
from zadig_async.model.status import Phase, Status
from zadig_async.model.task import JobRun, Task, TaskPage, TaskSummary
from zadig_async.model.view import View
from zadig_async.model.workflow import Registry, Workflow, WorkflowSummary
from zadig_async.wire import codec
from zadig_async.wire.names import renames_of

CANARY = "canary-in-the-document"

ROOTS = [WorkflowSummary, Workflow, TaskPage, Task, View, Registry, *dict.fromkeys(SPEC_OF.values())]

WORDS = {
    str: "str",
    Status: "str",
    Secret: "str",
    int: "int",
    bool: "bool",
    float: "float",
    datetime: "moment",
    Any: "anything",
}
WRONG: dict[str, list[Any]] = {
    "str": [1, 1.5, True, [CANARY], {CANARY: CANARY}],
    "int": [1.0, 1.5, True, "1", CANARY, [1], {}],
    "bool": [0, 1, "true", "false", CANARY, [], {}],
    "float": [True, "1.5", CANARY, [], {}],
    "moment": [1.0, True, "1700000000", "2026-01-15T10:00:00Z", CANARY, -1, 253_402_300_800, 10**30, [], {}],
    "object": [1, True, CANARY, [], [{}]],
    "list": [1, True, CANARY, {}, {"0": {}}],
    "anything": [],
}
EXPECTED = {
    "str": "a string",
    "int": "a whole number",
    "bool": "true or false",
    "float": "a number",
    "moment": "a Unix second",
    "object": "an object",
    "list": "a list",
}
RIGHT: dict[str, Any] = {
    "str": "x",
    "int": 7,
    "bool": True,
    "float": 1.5,
    "moment": 1_768_442_400,
    "object": {"a": [1]},
    "anything": "x",
}


def bare(hint: Any) -> Any:
    """Take `Lazy[X]` and `X | None` for `X`."""
    if get_origin(hint) is Lazy:
        return bare(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return bare(next(each for each in get_args(hint) if each is not NoneType))
    return hint


def word(hint: Any) -> str:
    """Name the JSON kind an annotation stands for."""
    hint = bare(hint)
    if get_origin(hint) is tuple:
        return "list"
    if get_origin(hint) is Mapping or attrs.has(hint):
        return "object"
    return WORDS[hint]


@attrs.frozen
class Field:
    """A field that is read from a document."""

    kind: Any
    argument: str
    json_key: str
    hint: Any
    needed: bool

    @property
    def word(self) -> str:
        return word(self.hint)

    @property
    def item(self) -> Any:
        """What the list holds, or the class of the object."""
        hint = bare(self.hint)
        return bare(get_args(hint)[0]) if get_origin(hint) is tuple else hint

    def __str__(self) -> str:
        return f"{self.kind.__name__}.{self.argument}"


def fields_of(kind: Any) -> Iterator[Field]:
    hints = typing.get_type_hints(kind)
    for field in attrs.fields(kind):
        if field.alias == "raw" or (kind, field.alias) in {(Task, "gates"), (JobRun, "spec")}:
            continue  # the object itself, and what is made of the rest of it
        json_key = renames_of(kind).get(field.name, field.alias)
        yield Field(kind, field.alias, json_key, hints[field.name], field.default is attrs.NOTHING)


def reachable(kinds: list[Any]) -> list[Any]:
    seen: dict[Any, None] = {}
    waiting = list(kinds)
    while waiting:
        kind = waiting.pop(0)
        if kind not in seen:
            seen[kind] = None
            waiting += [field.item for field in fields_of(kind) if attrs.has(field.item)]
    return list(seen)


EVERY = reachable(ROOTS)
EVERY_FIELD = [field for kind in EVERY for field in fields_of(kind)]
each_field = pytest.mark.parametrize("field", EVERY_FIELD, ids=str)


def least(kind: Any) -> dict[str, Any]:
    """Return the smallest document the class can be made of."""
    return {field.json_key: RIGHT[field.word] for field in fields_of(kind) if field.needed}


def refused(value: object, kind: Any) -> tuple[str, ...]:
    with pytest.raises(DecodeError) as caught:
        codec.structure(value, kind)
    error = caught.value
    assert not any(CANARY in text for text in (str(error), repr(error), *error.problems))
    assert error.problems[0] in str(error)
    return error.problems


def test_the_walk_finds_the_classes() -> None:
    names = {kind.__name__ for kind in EVERY}
    assert {"Task", "StageRun", "JobRun", "Param", "Repository", "User", "ManualExec", "LarkNode"} <= names
    assert len(EVERY_FIELD) > 400


@each_field
def test_no_field_takes_another_kind(field: Field) -> None:
    for wrong in WRONG[field.word]:
        (problem,) = refused({**least(field.kind), field.json_key: wrong}, field.kind)
        assert problem.startswith(f"$.{field.json_key}: ")
        assert EXPECTED[field.word] in problem


@each_field
def test_null_means_absent_and_absent_means_default(field: Field) -> None:
    document = least(field.kind)
    if field.needed:
        assert refused({**document, field.json_key: None}, field.kind) == (f"$.{field.json_key}: null",)
        del document[field.json_key]
        assert refused(document, field.kind) == (f"$.{field.json_key}: missing",)
    else:
        with_null = codec.structure({**document, field.json_key: None}, field.kind)
        assert with_null == codec.structure(document, field.kind)


@each_field
def test_every_field_is_read(field: Field) -> None:
    item: Any = least(field.item) if attrs.has(field.item) else RIGHT[word(field.item)]
    given: Any = [item] if field.word == "list" else item
    made = codec.structure({**least(field.kind), field.json_key: given}, field.kind)
    name = next(each.name for each in attrs.fields(field.kind) if each.alias == field.argument)
    value = getattr(made, name)
    value = value.get() if isinstance(value, Lazy) else value
    if isinstance(value, Secret):
        assert value.reveal() == given
    elif attrs.has(field.item):
        (made_item,) = value if field.word == "list" else (value,)
        assert made_item == codec.structure(least(field.item), field.item)
    elif field.word == "list":
        assert value == tuple(given)
    elif field.word == "moment":
        assert value == datetime.fromtimestamp(given, UTC)
    else:
        assert value == given
        assert isinstance(value, type(given))


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_only_an_object_makes_a_class(kind: Any) -> None:
    for wrong in (None, 1, True, CANARY, [least(kind)]):
        (problem,) = refused(wrong, kind)
        assert problem.startswith("$: expected an object, got ")


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_unknown_fields_stay_in_raw(kind: Any) -> None:
    document = {**least(kind), "brand_new": {"x": [1, None]}, "另": "one"}
    made = codec.structure(document, kind)
    if any(field.alias == "raw" for field in attrs.fields(kind)):
        assert made.raw == document
    assert made == codec.structure(least(kind), kind)


def test_the_parts_of_a_task_without_raw_are_in_the_raw_of_the_task() -> None:
    document = {
        "task_id": 1,
        "workflow_key": "w",
        "stages": [{"name": "s", "new": 1, "jobs": [{"name": "j", "new": 2}]}],
    }
    assert codec.structure(document, Task).raw == document


def test_a_field_the_server_may_invent_does_not_meet_one_of_ours() -> None:
    document = {"task_id": 1, "workflow_key": "w", "gates": "open", "raw": 1, "ref": 2, "phase": 3}
    task = codec.structure(document, Task)
    assert (task.gates, task.phase) == ((), Phase.QUEUED)


def test_every_problem_is_reported_with_its_place() -> None:
    document = {
        "task_id": "7",
        "params": [{"name": "A"}, {"name": 2, "is_credential": "no"}, None],
        "status": 5,
        "create_time": -1,
        "stages": [
            {"name": "s", "jobs": [{"name": "j", "status": CANARY}, {"status": False, "start_time": CANARY}]},
            {"parallel": 1, "jobs": {}, "manual_exec": {"manual_exec_users": [{"user_id": 8}]}},
        ],
    }
    assert sorted(refused(document, Task)) == sorted(
        [
            "$.task_id: expected a whole number, got a string",
            "$.workflow_key: missing",
            "$.params[1].name: expected a string, got a whole number",
            "$.params[1].is_credential: expected true or false, got a string",
            "$.params[2]: expected an object, got null",
            "$.status: expected a string, got a whole number",
            "$.create_time: a Unix second out of range",
            "$.stages[0].jobs[1].name: missing",
            "$.stages[0].jobs[1].status: expected a string, got true or false",
            "$.stages[0].jobs[1].start_time: expected a Unix second, got a string",
            "$.stages[1].name: missing",
            "$.stages[1].parallel: expected true or false, got a whole number",
            "$.stages[1].jobs: expected a list, got an object",
            "$.stages[1].manual_exec.manual_exec_users[0].user_id: expected a string, got a whole number",
        ]
    )


def test_more_than_one_problem_is_counted() -> None:
    with pytest.raises(DecodeError, match=r"^the answer does not fit: \$\.task_id: missing \(and 1 more\)$"):
        codec.structure({}, Task)


@given(st.text(st.characters(codec="utf-8")))
def test_a_status_keeps_its_spelling(text: str) -> None:
    summary = codec.structure({"task_id": 1, "status": text}, TaskSummary)
    assert type(summary.status) is Status
    assert summary.status == text
    assert summary.status.known or summary.status.phase is Phase.RUNNING


@given(st.integers(0, codec.LAST_SECOND))
def test_times_know_their_zone_and_zero_is_never(second: int) -> None:
    summary = codec.structure({"task_id": 1, "start_time": second}, TaskSummary)
    if second == 0:
        assert summary.started_at is None
    else:
        assert summary.started_at is not None
        assert summary.started_at.tzinfo is UTC
        assert int(summary.started_at.timestamp()) == second


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "名", "task_id"]), inner)
    ),
    max_leaves=8,
)


@given(JSON, st.data())
def test_any_document_is_read_or_refused(value: Any, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(EVERY))
    document: Any = value
    if isinstance(value, dict) and data.draw(st.booleans()):
        keys = [field.json_key for field in fields_of(kind)]
        document = {**least(kind), **dict(zip(keys, value.values(), strict=False))}
    try:
        codec.structure(document, kind)
    except DecodeError as error:
        problems = error.problems
    else:
        return
    assert all(problem.startswith("$") for problem in problems)


def test_a_list_under_a_name() -> None:
    rows = {"workflows": [{"workflow_key": "a"}, {"workflow_key": "b"}]}
    assert [row.workflow_key for row in codec.member(rows, "workflows", WorkflowSummary)] == ["a", "b"]
    assert codec.member({"workflows": None}, "workflows", WorkflowSummary) == ()
    for wrong, problem in (
        ([], "$: expected an object, got a list"),
        ({}, "$.workflows: missing"),
        ({"workflows": {}}, "$.workflows: expected a list, got an object"),
        ({"workflows": [{}]}, "$.workflows[0].workflow_key: missing"),
    ):
        with pytest.raises(DecodeError) as caught:
            codec.member(wrong, "workflows", WorkflowSummary)
        assert caught.value.problems == (problem,)


# Specs


def specs() -> list[tuple[str, str, dict[str, Any]]]:
    stages = golden.value("task-detail-every-job.json")["stages"]
    return [(job["name"], job["type"], job["spec"]) for stage in stages for job in stage["jobs"]]


def test_the_golden_task_has_every_type_with_a_spec_of_its_own() -> None:
    # The server shows a helm deployment as zadig-deploy; build and deploy are gone from v4.
    assert {job_type for _, job_type, _ in specs()} == set(SPEC_OF) - {"zadig-helm-deploy", "build", "deploy"}


@pytest.mark.parametrize(("name", "job_type", "given"), specs(), ids=[row[0] for row in specs()])
def test_golden_spec(name: str, job_type: str, given: dict[str, Any]) -> None:
    spec = codec.spec_of(job_type, given, job=name)
    assert type(spec) is SPEC_OF[job_type]
    assert spec is not None
    assert spec.raw == given
    if type(spec) is not GenericSpec:
        assert spec != type(spec)(), "not one field was read"


def test_an_unknown_type_keeps_its_spec() -> None:
    spec = codec.spec_of("from-the-future", {"a": [None]}, job="j")
    assert type(spec) is GenericSpec
    assert spec.raw == {"a": [None]}
    assert codec.spec_of("zadig-build", None, job="j") is None


def test_a_broken_spec_leaves_the_rest_of_the_task_alone() -> None:
    job = {
        "name": "job-0-0-0-b",
        "type": "zadig-build",
        "spec": {"image": 5, "envs": [{"key": "k", "value": [CANARY]}]},
    }
    task = codec.structure(
        {"task_id": 1, "workflow_key": "w", "stages": [{"name": "s", "jobs": [job]}]}, Task
    )
    broken = task.job("job-0-0-0-b")
    assert broken is not None
    for _ in range(2):  # looking again changes nothing
        with pytest.raises(DecodeError) as caught:
            _ = broken.spec
        assert caught.value.problems == (
            "$..jobs[?@.name=='job-0-0-0-b'].spec.image: expected a string, got a whole number",
            "$..jobs[?@.name=='job-0-0-0-b'].spec.envs[0].value: expected a string, got a list",
        )
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("value", [1, [], "x", True])
def test_a_spec_is_an_object(value: object) -> None:
    with pytest.raises(DecodeError, match="spec: expected an object"):
        codec.spec_of("approval", value, job="j")


def test_credentials_of_specs_are_secrets() -> None:
    tapd = codec.spec_of("tapd", {"tapd_client_secret": CANARY}, job="j")
    build = codec.spec_of("zadig-build", {"repos": [{"oauth_token": CANARY, "password": CANARY}]}, job="j")
    assert isinstance(build, BuildSpec)
    assert build.repos[0].oauth_token == Secret(CANARY)
    assert CANARY not in repr((tapd, build))


def test_specs_share_nothing_with_others() -> None:
    spec: JobSpec | None = codec.spec_of("approval", json.loads('{"type":"native"}'), job="j")
    assert isinstance(spec, ApprovalSpec)
    assert (spec.kind, spec.native, spec.approvers, spec.needed) == ("native", None, (), 0)
