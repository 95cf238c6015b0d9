"""What an approval lets through: every change of it is seen, and a vote or a status is none."""

import copy
import hashlib
import json
import secrets
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import documents, golden
from zadig_async.errors import ConfigError
from zadig_async.model.task import Task
from zadig_async.wire.content import content_digest, explain_change
from zadig_async.wire.detail import read_task

KEY = b"0123456789abcdef"
WAITING = golden.value("task-detail-waiting-approval.json")
EVERY = golden.value("task-detail-every-job.json")
SECRET = "s3cr3t-c4n4ry"

BUILD, GATE, DEPLOY = (("stages", index, "jobs", 0) for index in range(3))
VOTER = (*GATE, "spec", "native_approval", "approve_users", 0)


def task(document: Any) -> Task:
    return read_task(golden.go_json(document))


def digest(document: Any) -> str:
    return content_digest(task(document), KEY)


def changed(document: Any, *edits: tuple[documents.Path, Any]) -> Any:
    """Return a copy with other values at some places, new members included."""
    made = copy.deepcopy(document)
    for (*way, last), value in edits:
        inner = made
        for step in way:
            inner = inner[step]
        inner[last] = value
    return made


def without(document: Any, *at: str | int) -> Any:
    made = copy.deepcopy(document)
    inner = made
    for step in at[:-1]:
        inner = inner[step]
    del inner[at[-1]]
    return made


def turned(value: Any) -> Any:
    """Return a value with the keys of all objects in reverse order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value


PARAM = {**WAITING["params"][0], "name": "TOKEN", "value": SECRET, "is_credential": True}
WITH_SECRET = changed(WAITING, (("params", 0), PARAM))
REPO = (*BUILD, "spec", "repos", 0)
DEPLOY_2 = {**WAITING["stages"][2]["jobs"][0], "name": "job-2-1-0-deploy"}
TWO_DEPLOYS = changed(WAITING, (("stages", 2, "jobs"), [WAITING["stages"][2]["jobs"][0], DEPLOY_2]))

CHANGES: dict[str, tuple[Any, Any, str]] = {
    "image": (
        WAITING,
        changed(WAITING, ((*BUILD, "spec", "image"), SECRET)),
        "job job-0-0-0-build: spec.image",
    ),
    "deployed image": (
        WAITING,
        changed(WAITING, ((*DEPLOY, "spec", "service_and_images", 0, "image"), SECRET)),
        "job job-2-0-0-deploy: spec.service_and_images[0].image",
    ),
    "service": (
        WAITING,
        changed(WAITING, ((*DEPLOY, "spec", "service_and_images", 0, "service_name"), SECRET)),
        "job job-2-0-0-deploy: spec.service_and_images[0].service_name",
    ),
    "one service more": (
        WAITING,
        changed(WAITING, ((*DEPLOY, "spec", "service_and_images"), [{"image": "a"}, {"image": SECRET}])),
        "job job-2-0-0-deploy: spec.service_and_images",
    ),
    "environment": (
        WAITING,
        changed(WAITING, ((*DEPLOY, "spec", "env"), SECRET), ((*DEPLOY, "spec", "production"), False)),
        "job job-2-0-0-deploy: spec.env, spec.production",
    ),
    "commit": (
        WAITING,
        changed(WAITING, ((*REPO, "commit_id"), SECRET)),
        "job job-0-0-0-build: spec.repos[0].commit_id",
    ),
    "branch": (
        WAITING,
        changed(WAITING, ((*REPO, "branch"), SECRET)),
        "job job-0-0-0-build: spec.repos[0].branch",
    ),
    "tag": (WAITING, changed(WAITING, ((*REPO, "tag"), SECRET)), "job job-0-0-0-build: spec.repos[0].tag"),
    "pull requests": (
        WAITING,
        changed(WAITING, ((*REPO, "prs"), [7])),
        "job job-0-0-0-build: spec.repos[0].prs",
    ),
    "variable of a job": (
        WAITING,
        changed(WAITING, ((*BUILD, "spec", "envs", 0, "value"), SECRET)),
        "job job-0-0-0-build: spec.envs[0].value",
    ),
    "variable": (
        WAITING,
        changed(WAITING, (("params", 0, "value"), SECRET)),
        "variable RELEASE: value",
    ),
    "credential": (
        WITH_SECRET,
        changed(WITH_SECRET, (("params", 0, "value"), f"{SECRET}2")),
        "variable TOKEN: value",
    ),
    "one variable more": (
        WAITING,
        changed(WAITING, (("params",), [*WAITING["params"], PARAM])),
        "variable TOKEN is new",
    ),
    "one variable less": (WAITING, without(WAITING, "params", 0), "variable RELEASE is gone"),
    "order of variables": (
        WAITING,
        changed(WAITING, (("params",), WAITING["params"][::-1])),
        "the stages, or the order of jobs or variables",
    ),
    "one job less": (WAITING, without(WAITING, "stages", 0, "jobs", 0), "job job-0-0-0-build is gone"),
    "one job more": (WAITING, TWO_DEPLOYS, "job job-2-1-0-deploy is new"),
    "another job": (
        WAITING,
        changed(WAITING, ((*DEPLOY, "name"), "job-2-0-0-x")),
        "job job-2-0-0-deploy is gone; job job-2-0-0-x is new",
    ),
    "order of jobs": (
        TWO_DEPLOYS,
        changed(TWO_DEPLOYS, (("stages", 2, "jobs"), TWO_DEPLOYS["stages"][2]["jobs"][::-1])),
        "the stages, or the order of jobs or variables",
    ),
    "a job before the gate that was after it": (
        WAITING,
        changed(
            WAITING,
            (("stages", 0, "jobs"), [*WAITING["stages"][0]["jobs"], *WAITING["stages"][2]["jobs"]]),
            (("stages", 2, "jobs"), []),
        ),
        "the stages, or the order of jobs or variables",
    ),
    "a stage of another name": (
        WAITING,
        changed(WAITING, (("stages", 2, "name"), SECRET)),
        "the stages, or the order of jobs or variables",
    ),
    "jobs at the same time": (
        WAITING,
        changed(WAITING, (("stages", 2, "parallel"), True)),
        "the stages, or the order of jobs or variables",
    ),
    "type": (
        WAITING,
        changed(WAITING, ((*DEPLOY, "type"), "zadig-vm-deploy")),
        "job job-2-0-0-deploy: spec.origin_revision, type",
    ),
    "a field nobody knows": (
        WAITING,
        changed(WAITING, ((*DEPLOY, "spec", "new_field"), SECRET)),
        "job job-2-0-0-deploy: spec.new_field",
    ),
    "a true that was a one": (
        changed(WAITING, ((*DEPLOY, "spec", "new_field"), 1)),
        changed(WAITING, ((*DEPLOY, "spec", "new_field"), True)),
        "job job-2-0-0-deploy: spec.new_field",
    ),
    "no spec": (WAITING, changed(WAITING, ((*DEPLOY, "spec"), None)), "job job-2-0-0-deploy: spec"),
    "who has to agree": (
        WAITING,
        changed(WAITING, ((*GATE, "spec", "native_approval", "needed_approvers"), 0)),
        "job job-1-0-0-go-live: spec.native_approval.needed_approvers",
    ),
    "workflow": (WAITING, changed(WAITING, (("workflow_key",), SECRET)), "another workflow"),
    "project": (WAITING, changed(WAITING, (("project_key",), SECRET)), "another project"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_content_changes_the_digest_and_is_named_without_its_values(name: str) -> None:
    before, after, words = CHANGES[name]
    assert digest(before) != digest(after)
    assert explain_change(task(before), task(after)) == words
    assert SECRET not in words


NO_CHANGES: dict[str, Any] = {
    "a vote": changed(
        WAITING,
        ((*VOTER, "reject_or_approve"), "approve"),
        ((*VOTER, "comment"), "zadig-async: go"),
        ((*VOTER, "operation_time"), 1790000200),
    ),
    "a rejection, told as a whole": changed(
        WAITING,
        ((*GATE, "spec", "native_approval", "reject_or_approve"), "reject"),
        ((*GATE, "spec", "native_approval", "instance_code"), "a1"),
    ),
    "statuses": changed(
        WAITING,
        (("status",), "reject"),
        (("stages", 1, "status"), "reject"),
        ((*GATE, "status"), "reject"),
        ((*DEPLOY, "status"), "prepare"),
    ),
    "times": changed(
        WAITING,
        (("start_time",), 1),
        (("end_time",), 2),
        ((*GATE, "end_time"), 3),
        ((*GATE, "cost_seconds"), 4),
        (("stages", 1, "end_time"), 5),
    ),
    "words": changed(
        WAITING,
        (("error",), "x"),
        (("stages", 1, "error"), "x"),
        ((*GATE, "error"), "x"),
        (("remark",), "x"),
        (("task_revoker",), "x"),
        (("workflow_name",), "x"),
        ((*DEPLOY, "retry_count"), 2),
    ),
    "a renewed token": changed(WAITING, ((*REPO, "oauth_token"), "new"), ((*REPO, "password"), "new")),
    "the number of the task": changed(WAITING, (("task_id",), 42)),
}


@pytest.mark.parametrize("name", NO_CHANGES)
def test_what_moves_while_a_gate_waits_is_no_change(name: str) -> None:
    assert digest(NO_CHANGES[name]) == digest(WAITING)
    assert explain_change(task(WAITING), task(NO_CHANGES[name])) == ""


@pytest.mark.parametrize("ended", ["rejected", "approval-timeout", "cancelled"])
def test_the_end_of_a_gate_is_no_change(ended: str) -> None:
    assert explain_change(task(WAITING), task(golden.value(f"task-detail-{ended}.json"))) == ""


def test_what_is_built_is_a_change() -> None:
    words = explain_change(task(golden.value("task-detail-running.json")), task(WAITING))
    assert words == "job job-0-0-0-build: spec.image"


MOVING = {
    # by hand, from the golden file of every type: nothing else in any spec may be left out
    "approval": {
        "native_approval.instance_code",
        "native_approval.reject_or_approve",
        "lark_approval.instance_code",
        "lark_approval.approval_nodes[].reject_or_approve",
        "dingtalk_approval.instance_code",
        "dingtalk_approval.approval_nodes[].reject_or_approve",
        "workwx_approval.instance_id",
        "workwx_approval.approval_node_details",
        "workwx_approval.approval_nodes[].status",
    },
    "zadig-build": {"repos[].oauth_token"},
    "freestyle": {"repos[].oauth_token"},
    "zadig-test": {"repos[].oauth_token", "junit_report", "archive", "html_report"},
    "zadig-scanning": {
        "sonar_metrics",
        *(
            f"sonar_metrics.{metric}"
            for metric in ("QualityGateStatus", "Ncloc", "Bugs", "Vulnerabilities", "CodeSmells", "Coverage")
        ),
        "is_has_artifact",
        "link_url",
    },
    "zadig-deploy": {"origin_revision"},
    "k8s-canary-deploy": {"events", "events[]", "events[].event_type", "events[].time", "events[].message"},
    "k8s-canary-release": {"events"},
    "k8s-blue-green-deploy": {
        "events",
        "events[]",
        "events[].event_type",
        "events[].time",
        "events[].message",
        "deploy_timeout",
    },
    "k8s-blue-green-release": {"deploy_timeout"},
    "k8s-gray-release": {"events", "deploy_timeout"},
    "k8s-gray-rollback": {"events", "rollback_timeout"},
    "mse-gray-release": {"events", "timeout"},
    "mse-gray-offline": {
        "offline_services",
        "offline_services[]",
        *(f"offline_services[].{field}" for field in ("service_name", "status", "error")),
    },
    "istio-release": {
        "event",
        "event[]",
        "event[].event_type",
        "event[].time",
        "event[].message",
        "timeout",
    },
    "istio-rollback": {"replicas", "timeout"},
    "offline-service": {"service_events[].status", "service_events[].error"},
    "k8s-resource-patch": {"patch_items[].error"},
    "sql": {
        "detail",
        "results",
        "results[]",
        *(f"results[].{field}" for field in ("sql", "elapsed_time", "rows_affected", "status")),
    },
    "nacos": {"nacos_datas[].error"},
    "apollo": {"namespaceList[].error"},
    "tapd": {"iterations[].error"},
    "jira": {"issues[].status", "issues[].link"},
    "meego-transition": {"work_items[].status"},
    "jenkins": {"job.job_id", "job.job_output"},
    "blueking": {"bk_job_status", "instance_id", "instance_name"},
    "workflow-trigger": {
        *(f"workflow_trigger_events[].{field}" for field in ("task_id", "status", "workflow_display_name"))
    },
    "grafana": {"alerts[].status"},
}


def of_job(job: Any) -> Any:
    return {"task_id": 1, "workflow_key": "w", "stages": [{"name": "s", "jobs": [job]}]}


def written(at: Iterable[str | int]) -> str:
    """Write a place as a path in which all items of a list are one."""
    path = ""
    for step in at:
        path += "[]" if isinstance(step, int) else f".{step}"
    return path.removeprefix(".")


def test_in_every_type_of_job_exactly_what_moves_is_left_out() -> None:
    found: dict[str, set[str]] = {}
    for job in (job for stage in EVERY["stages"] for job in stage["jobs"]):
        before = digest(of_job(job))
        for at in documents.places(job["spec"]):
            after = digest(of_job({**job, "spec": documents.put(job["spec"], at, "another")}))
            if after == before:
                found.setdefault(job["type"], set()).add(written(at))
    assert found == MOVING


USER = {"id": "u", "reject_or_approve": "approve", "comment": "c", "operation_time": 7}
UNVOTED = {"id": "u"}


@pytest.mark.parametrize(
    ("job_type", "before", "after"),
    [
        (
            "approval",
            {key: {"approval_nodes": [{"approve_users": [UNVOTED]}]}},
            {key: {"approval_nodes": [voted]}},
        )
        for key in ("lark_approval", "dingtalk_approval")
        for voted in ({"approve_users": [USER]}, {"approve_users": [UNVOTED], "reject_or_approve": "approve"})
    ]
    + [
        (
            "approval",
            {"lark_approval": {"approve_users": [UNVOTED]}},
            {"lark_approval": {"approve_users": [USER]}},
        ),
        (
            "approval",
            {"workwx_approval": {"approval_nodes": [{}]}},
            {"workwx_approval": {"approval_nodes": [{"sub_nodes": [{"status": 2}]}]}},
        ),
        ("zadig-helm-deploy", {}, {"origin_revision": 3}),
        (
            "zadig-vm-deploy",
            {"service_and_vm_deploys": [{"repos": [{}]}]},
            {"service_and_vm_deploys": [{"repos": [{"oauth_token": "x", "password": "y"}]}]},
        ),
        ("nacos", {}, {"detail": "x"}),
        ("apollo", {}, {"detail": "x"}),
        ("tapd", {}, {"detail": "x"}),
        ("pingcode", {"workitems": [{}]}, {"workitems": [{"status": "failed", "error": "x"}], "detail": "x"}),
        ("meego-transition", {"node_work_items": [{}]}, {"node_work_items": [{"status": "passed"}]}),
        ("sae-deploy", {}, {"change_order_id": "x"}),
        ("k8s-blue-green-release", {}, {"events": [{"message": "x"}]}),
        ("mse-gray-offline", {}, {"events": [{"message": "x"}]}),
        ("grafana", {"alerts": [{}]}, {"alerts": [{"url": "x"}]}),
        ("guanceyun-check", {"monitors": [{}]}, {"monitors": [{"url": "x", "status": "normal"}]}),
    ],
)
def test_what_the_golden_file_lacks_is_left_out_too(job_type: str, before: Any, after: Any) -> None:
    job = {"name": "job-0-0-0-x", "type": job_type}
    assert digest(of_job({**job, "spec": before})) == digest(of_job({**job, "spec": after}))


@pytest.mark.parametrize(
    ("job_type", "before", "after"),
    [
        ("tapd", {"status": "open"}, {"status": "done"}),  # where iterations are moved to
        ("meego-transition", {"link": "https://a"}, {"link": "https://b"}),
        ("k8s-gray-release", {"gray_replica": 1}, {"gray_replica": 5}),
        ("approval", {"native_approval.instance_code": 1}, {"native_approval.instance_code": 2}),
        ("approval", {"instance_code": 1}, {"instance_code": 2}),
        ("approval", {"lark_approval": {"comment": "a"}}, {"lark_approval": {"comment": "b"}}),
        ("sql", {"sql": {"detail": "a"}}, {"sql": {"detail": "b"}}),
        ("from-the-future", {"status": "a", "events": []}, {"status": "b", "events": [1]}),
    ],
)
def test_what_only_looks_as_if_it_moved_is_content(job_type: str, before: Any, after: Any) -> None:
    job = {"name": "job-0-0-0-x", "type": job_type}
    assert digest(of_job({**job, "spec": before})) != digest(of_job({**job, "spec": after}))


@pytest.mark.parametrize("document", [WAITING, EVERY])
def test_the_order_of_keys_does_not_matter(document: Any) -> None:
    assert list(turned(document)) != list(document)
    assert digest(turned(document)) == digest(document)


def test_the_digest_is_short_hexadecimal_and_always_the_same() -> None:
    first = digest(WAITING)
    assert len(bytes.fromhex(first)) == 16
    assert digest(copy.deepcopy(WAITING)) == first


def test_without_the_key_nobody_can_try_out_values() -> None:
    digests = {content_digest(task(WITH_SECRET), key) for key in (KEY, KEY + b"x", secrets.token_bytes(100))}
    assert len(digests) == 3
    keyless = hashlib.sha256(json.dumps(WITH_SECRET, sort_keys=True).encode()).hexdigest()
    assert not any(keyless.startswith(made) for made in digests)


@pytest.mark.parametrize("key", [b"", b"x" * 15, "x" * 16, None])
def test_a_key_that_can_be_guessed_is_refused(key: Any) -> None:
    with pytest.raises(ConfigError, match="at least 16 bytes"):
        content_digest(task(WAITING), key)


def test_a_task_that_was_not_read_has_no_digest() -> None:
    made = Task(task_id=7, workflow_key="w", project_key="p")
    with pytest.raises(ConfigError, match="the content of p/w#7 is not known"):
        content_digest(made, KEY)
    with pytest.raises(ConfigError, match="the content of p/w#7 is not known"):
        explain_change(task(WAITING), made)


def test_no_stages_and_no_variables_are_content_too() -> None:
    bare = {"task_id": 1, "workflow_key": "w", "stages": None}
    assert digest(bare) == digest({**bare, "params": None, "stages": []})
    assert digest(bare) != digest(of_job({"name": "job-0-0-0-x"}))


def test_a_long_list_of_changes_is_cut() -> None:
    jobs = [{"name": f"job-0-{n}-0-x", "type": "t"} for n in range(9)]
    many = {**of_job({"name": "a"}), "stages": [{"name": "s", "jobs": jobs}]}
    words = explain_change(task(many), task({**many, "stages": []}))
    assert words.count("is gone") == 5
    assert words.endswith(" and 4 more")
    long = of_job({"name": "x" * 500, "spec": {f"{letter}{'y' * 500}": 1 for letter in "abcde"}})
    words = explain_change(task(long), task(of_job({"name": "x" * 500, "spec": {}})))
    assert words.endswith(" and 2 more")
    assert len(words) < 500


@given(documents.TASKS, documents.TASKS, st.booleans())
def test_a_digest_differs_exactly_where_a_change_is_told(one: Any, two: Any, same: bool) -> None:
    first, second = (read_task(documents.write(document)) for document in (one, turned(one) if same else two))
    assert (content_digest(first, KEY) == content_digest(second, KEY)) is (
        explain_change(first, second) == ""
    )
    assert not same or explain_change(first, second) == ""
