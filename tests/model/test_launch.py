"""Launches: what runs is said in full, and what cannot be right is refused before anything is sent."""

from types import MappingProxyType
from typing import Any

import attrs
import pytest

from tests.support.canary import CANARY
from zadig_async.errors import ConfigError
from zadig_async.model.ids import WorkflowRef
from zadig_async.model.inputs import ApprovalInput, PluginInput, RepoParam
from zadig_async.model.launch import ALL_JOBS, Launch

REPO = RepoParam(codehost_name="gitlab", repo_namespace="ns", repo_name="r", branch="main")


def launch(**more: Any) -> Launch:
    return Launch("shop", "deploy", **{"jobs": ["build"], **more})


def test_a_launch() -> None:
    made = Launch(
        "shop",
        "deploy",
        params={"branch": "main", "code": REPO},
        jobs=["build", "deploy"],
        inputs={"gate": ApprovalInput()},
        allow_bypass=["prod-gate"],
    )
    assert made.ref == WorkflowRef("shop", "deploy")
    assert made.jobs == ("build", "deploy")
    assert made.params == {"branch": "main", "code": REPO}
    assert made.inputs == {"gate": ApprovalInput()}
    assert made.allow_bypass == frozenset({"prod-gate"})


def test_all_jobs_is_said_and_not_assumed() -> None:
    assert launch(jobs=ALL_JOBS).jobs is ALL_JOBS
    assert repr(ALL_JOBS) == "ALL_JOBS"
    with pytest.raises(ConfigError, match="names no job, so Zadig would run nothing") as caught:
        Launch("shop", "deploy", params={"a": "b"})
    assert "jobs=ALL_JOBS" in caught.value.hint
    with pytest.raises(ConfigError, match="names no job"):
        Launch("shop", "deploy", jobs=[], inputs={})


def test_inputs_alone_name_jobs() -> None:
    assert Launch("shop", "deploy", inputs={"gate": ApprovalInput()}).jobs == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"jobs": "build"}, "Launch.jobs: expected a list of job names, got str"),
        ({"jobs": 5}, "Launch.jobs: expected a list of job names, got int"),
        ({"jobs": None}, "Launch.jobs: expected a list of job names, got NoneType"),
        ({"jobs": [1]}, "Launch.jobs: expected job names, got int"),
        ({"jobs": [""]}, "Launch.jobs: expected job names, got str"),
        ({"jobs": ["a", "b", "a"]}, "Launch.jobs: a job is named twice"),
        ({"params": [("a", "b")]}, "Launch.params: expected a mapping of names to values, got list"),
        ({"params": {1: "b"}}, "Launch.params: expected names as strings, got int"),
        ({"params": {"a": 1}}, "Launch.params['a']: expected a string or RepoParam, got int"),
        ({"params": {"a": True}}, "Launch.params['a']: expected a string or RepoParam, got bool"),
        ({"params": {"a": None}}, "Launch.params['a']: expected a string or RepoParam, got NoneType"),
        ({"inputs": [ApprovalInput()]}, "Launch.inputs: expected a mapping of job names to inputs, got list"),
        ({"inputs": {"a": {}}}, "Launch.inputs['a']: expected a JobInput, got dict"),
        ({"inputs": {"a": ApprovalInput}}, "Launch.inputs['a']: expected a JobInput, got type"),
        ({"allow_bypass": "prod-gate"}, "Launch.allow_bypass: expected gate names, got str"),
        ({"allow_bypass": True}, "Launch.allow_bypass: expected gate names, got bool"),
    ],
)
def test_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        launch(**change)
    assert str(caught.value) == message


@pytest.mark.parametrize("keys", [("", "w"), ("p", ""), (None, "w"), ("p", 5)])
def test_a_workflow_is_named(keys: tuple[Any, Any]) -> None:
    with pytest.raises(ConfigError, match=r"^(project|workflow): "):
        Launch(*keys, jobs=["a"])


def test_what_was_given_can_be_changed_later_without_harm() -> None:
    params, inputs, jobs = {"a": "1"}, {"gate": ApprovalInput()}, ["build"]
    made = Launch("shop", "deploy", params=params, inputs=inputs, jobs=jobs)
    params["a"] = "2"
    inputs.clear()
    jobs.append("deploy")
    assert (made.params, dict(made.inputs), made.jobs) == ({"a": "1"}, {"gate": ApprovalInput()}, ("build",))
    assert isinstance(made.params, MappingProxyType)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        made.jobs = ()  # type: ignore[misc]  # the point of the test


def test_no_value_is_shown() -> None:
    made = launch(params={"PASSWORD": CANARY}, inputs={"p": PluginInput(inputs={"TOKEN": CANARY})})
    for text in (repr(made), str(made), f"{made}"):
        assert CANARY not in text
    assert "PASSWORD" in repr(made)
