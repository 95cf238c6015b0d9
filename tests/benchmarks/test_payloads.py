"""The benchmarks' payloads are task details such as the server's, and the short cut reads them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.payloads import DOCUMENTS, PROJECT, WORKFLOW, Document, go_json
from zadig_async.model.jobspec import BuildSpec, DeploySpec, PluginSpec
from zadig_async.model.status import Phase
from zadig_async.model.task import Task
from zadig_async.wire import codec, strict
from zadig_async.wire.detail import read_status, read_task, status_of

KILOBYTES = {"3 KB": 3.5, "30 KB": 32.8, "300 KB": 300.6}

every_document = pytest.mark.parametrize("document", DOCUMENTS.values(), ids=lambda document: document.name)


def objects(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from objects(part)


@every_document
def test_sizes_are_those_the_bars_were_set_for(document: Document) -> None:
    size, _, state = document.name.rpartition(" ")
    assert state in {"running", "passed"}
    assert len(document.body) / 1000 == pytest.approx(KILOBYTES[size], rel=0.20)


@every_document
def test_the_bytes_are_those_of_go(document: Document) -> None:
    assert not set(b"<>&\n") & set(document.body)
    assert b"\\u003c" in document.body
    assert "王小明".encode() in document.body
    value = strict.parse(document.body)
    assert go_json(value) == document.body  # compact, in the order it was written
    for made in objects(value):
        assert not {"start_time", "end_time"} & {key for key, part in made.items() if part == 0}
    for job in (job for stage in value["stages"] for job in stage["jobs"]):
        assert None not in job["spec"].values()  # of raw specs the server drops what is null


@every_document
def test_the_client_reads_all_of_it(document: Document) -> None:
    task = read_task(document.body)
    assert (task.project_key, task.workflow_key, task.task_id) == (PROJECT, WORKFLOW, document.task_id)
    jobs = list(task.jobs())
    assert len(jobs) == len({job.name for job in jobs}) == document.jobs
    assert {type(job.spec) for job in jobs} == {BuildSpec, DeploySpec, PluginSpec}
    assert [param.name for param in task.params] == ["VERSION"]
    assert task == codec.structure(json.loads(document.body), Task)
    assert read_status(document.body) == status_of(task)


@every_document
def test_states_are_those_of_one_moment(document: Document) -> None:
    task = read_task(document.body)
    phases = [job.status.phase for job in task.jobs()]
    if task.status == "passed":
        assert set(phases) == {Phase.SUCCEEDED}
        assert task.ended_at is not None
        return
    assert (task.status, task.ended_at) == ("running", None)
    half = document.jobs // 2
    waiting = [Phase.QUEUED] * (document.jobs - half - 1)
    assert phases == [Phase.SUCCEEDED] * half + [Phase.RUNNING] + waiting
    assert [stage.status.phase for stage in task.stages].count(Phase.RUNNING) == 1


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name.endswith("running")])
def test_the_short_cut_is_what_gets_measured(name: str) -> None:
    # The rule book refuses this field; the short cut does not read it.
    body = DOCUMENTS[name].body[:-1] + b',"new":"\xff"}'
    assert read_task(body).task_id == read_status(body).task_id == DOCUMENTS[name].task_id
