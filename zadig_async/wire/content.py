"""What an approval lets through, as a digest: if it differs right before the vote, there is no vote.

A gate opens, somebody looks at what will be deployed and says yes; between that and the vote the task may
have become another one. So the digest covers all that says what is deployed, and leaves out what a server
writes while a gate waits without changing that. The latter is the short list, `_MOVING`: a field nobody has
thought of counts as content, because an approval too few is mended by a person, and one too many is not.
"""

import hmac
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from zadig_async.errors import ConfigError
from zadig_async.model.task import Task

KEY_BYTES: Final = 16
"""Shortest key taken: without one, whoever reads a digest could try out values until one fits."""

_DIGITS: Final = 32
_MOST_FIELDS: Final = 3
_MOST_CHANGES: Final = 5
_LONGEST_NAME: Final = 80


@attrs.frozen
class _Moving:
    """Fields of a spec that move while a gate waits.

    Attributes:
        types: Job types it is about.
        fields: Paths from the spec down; `[]` stands for every item of a list.
        why: Why they do not say what is deployed.
    """

    types: tuple[str, ...]
    fields: tuple[str, ...]
    why: str


_VOTE: Final = ("reject_or_approve", "comment", "operation_time")

# Where the server writes to a job's spec after the task was made: Zadig v4.1.0
# .../workflowcontroller/jobcontroller/job_*.go, and .../workflow/workflow_task_v4.go:2087 for the rest.
_MOVING: Final = (
    _Moving(
        ("approval",),
        (
            *(f"native_approval.approve_users[].{field}" for field in _VOTE),
            *(f"lark_approval.approve_users[].{field}" for field in _VOTE),
            *(f"lark_approval.approval_nodes[].approve_users[].{field}" for field in _VOTE),
            *(f"dingtalk_approval.approval_nodes[].approve_users[].{field}" for field in _VOTE),
            "native_approval.reject_or_approve",
            "lark_approval.approval_nodes[].reject_or_approve",
            "dingtalk_approval.approval_nodes[].reject_or_approve",
            "workwx_approval.approval_nodes[].status",
            "workwx_approval.approval_nodes[].sub_nodes",
            "workwx_approval.approval_node_details",
        ),
        "votes; who may vote, and how many must, is content",
    ),
    _Moving(
        ("approval",),
        (
            "native_approval.instance_code",
            "lark_approval.instance_code",
            "dingtalk_approval.instance_code",
            "workwx_approval.instance_id",
        ),
        "the other product's number of the approval, made as it opens",
    ),
    _Moving(
        ("zadig-build", "freestyle", "zadig-test", "zadig-scanning"),
        ("repos[].oauth_token", "repos[].password"),
        "renewed as the job starts; it opens the code host and does not choose the code",
    ),
    _Moving(
        ("zadig-vm-deploy",),
        ("service_and_vm_deploys[].repos[].oauth_token", "service_and_vm_deploys[].repos[].password"),
        "the same",
    ),
    _Moving(
        ("zadig-test",),
        ("junit_report", "archive", "html_report"),
        "whether there are reports to download yet",
    ),
    _Moving(
        ("zadig-scanning",),
        ("sonar_metrics", "is_has_artifact", "link_url"),
        "what was measured, and where to read it",
    ),
    _Moving(("zadig-deploy", "zadig-helm-deploy"), ("origin_revision",), "what was there before"),
    _Moving(
        (
            "k8s-canary-deploy",
            "k8s-canary-release",
            "k8s-blue-green-deploy",
            "k8s-blue-green-release",
            "k8s-gray-release",
            "k8s-gray-rollback",
            "mse-gray-release",
            "mse-gray-offline",
        ),
        ("events",),
        "the job's diary",
    ),
    _Moving(("istio-release",), ("event",), "the job's diary"),
    _Moving(
        ("k8s-blue-green-deploy", "k8s-blue-green-release", "k8s-gray-release"),
        ("deploy_timeout",),
        "filled in, or multiplied by 60, as the job runs",
    ),
    _Moving(("k8s-gray-rollback",), ("rollback_timeout",), "the same"),
    _Moving(("mse-gray-release", "istio-release", "istio-rollback"), ("timeout",), "the same"),
    _Moving(("istio-rollback",), ("replicas",), "always set to 100 as the job starts"),
    _Moving(("mse-gray-offline",), ("offline_services",), "how it went; empty until the job runs"),
    _Moving(("offline-service",), ("service_events[].status", "service_events[].error"), "how it went"),
    _Moving(("k8s-resource-patch",), ("patch_items[].error",), "how it went"),
    _Moving(("sql",), ("results", "detail"), "how it went, and what a rollback did"),
    _Moving(("nacos",), ("nacos_datas[].error", "detail"), "how it went, and what a rollback did"),
    _Moving(("apollo",), ("namespaceList[].error", "detail"), "how it went, and what a rollback did"),
    # the `status` of a TAPD spec is where its iterations are moved to
    _Moving(("tapd",), ("iterations[].error", "detail"), "how it went, and what a rollback did"),
    _Moving(
        ("pingcode",),
        ("workitems[].status", "workitems[].error", "detail"),
        "how it went, and what a rollback did",
    ),
    _Moving(("jira",), ("issues[].status", "issues[].link"), "how it went, and where to read it"),
    _Moving(("meego-transition",), ("work_items[].status", "node_work_items[].status"), "how it went"),
    _Moving(("jenkins",), ("job.job_id", "job.job_output"), "number and log of the run it started"),
    _Moving(("blueking",), ("bk_job_status", "instance_id", "instance_name"), "the run it started"),
    _Moving(("sae-deploy",), ("change_order_id",), "the run it started"),
    _Moving(
        ("workflow-trigger",),
        ("workflow_trigger_events[].task_id", "workflow_trigger_events[].status"),
        "the runs it started",
    ),
    _Moving(
        ("workflow-trigger",),
        ("workflow_trigger_events[].workflow_display_name",),
        "looked up as the job runs; the key stands beside it",
    ),
    _Moving(("grafana",), ("alerts[].status", "alerts[].url"), "what was seen, and where to read it"),
    _Moving(
        ("guanceyun-check",), ("monitors[].status", "monitors[].url"), "what was seen, and where to read it"
    ),
)

_EACH: Final = 0
"""Stands for every item of a list in a path; the keys of objects are text, so none can be mistaken for it."""

_Path = tuple[str | int, ...]


def _path(field: str) -> _Path:
    steps: list[str | int] = []
    for part in field.split("."):
        steps += [part.removesuffix("[]"), _EACH] if part.endswith("[]") else [part]
    return tuple(steps)


def _left_out() -> Mapping[str, frozenset[_Path]]:
    paths: dict[str, set[_Path]] = {}
    for row in _MOVING:
        for job_type in row.types:
            paths.setdefault(job_type, set()).update(map(_path, row.fields))
    return {job_type: frozenset(found) for job_type, found in paths.items()}


_LEFT_OUT: Final = _left_out()
_NOTHING: Final[frozenset[_Path]] = frozenset()


def content_digest(task: Task, key: bytes) -> str:
    """Return a digest of what an approval of this task lets through, 32 hexadecimal digits.

    Covers the keys of workflow and project, all variables, and for every job its stage, name, type and spec;
    credentials too, which is why the digest is keyed. The order of keys in the server's JSON does not count,
    that of stages, jobs and lists does.

    Args:
        task: The task, read in full.
        key: Secret, at least `KEY_BYTES` random bytes, kept apart from the digests. Digests are comparable
            only under one key.

    Raises:
        ConfigError: The key is too short, or the task was not read from a server.
        DecodeError: The server sent a document that can be read in two ways.
    """
    given: object = key
    if not isinstance(given, bytes) or len(given) < KEY_BYTES:
        raise ConfigError(
            f"content_digest: the key must be at least {KEY_BYTES} bytes", hint="Use secrets.token_bytes(32)."
        )
    return hmac.digest(key, _canonical(_content(task)).encode(), "sha256").hex()[:_DIGITS]


def explain_change(before: Task, after: Task) -> str:
    """Return in a few words what of a task's content differs, or an empty string.

    Names jobs, variables and fields, never what they hold.

    Raises:
        ConfigError: A task was not read from a server.
        DecodeError: The server sent a document that can be read in two ways.
    """
    old, new = _content(before), _content(after)
    if _canonical(old) == _canonical(new):
        return ""
    changes = [f"another {what}" for what in ("workflow", "project") if old[what] != new[what]]
    changes += _named(old["variables"], new["variables"], "variable")
    changes += _named(_jobs(old), _jobs(new), "job")
    if not changes:
        changes.append("the stages, or the order of jobs or variables")
    return _listed(changes, _MOST_CHANGES, "; ")


def _content(task: Task) -> dict[str, Any]:
    """Return all that says what is deployed, in the server's own words."""
    raw = task.raw
    if not raw:
        raise ConfigError(
            f"the content of {task.ref} is not known: it was not read from a server",
            hint="Read the task in full with tasks.get.",
        )
    return {
        "workflow": task.workflow_key,
        "project": task.project_key,
        "variables": raw.get("params") or [],
        "stages": [_stage(stage) for stage in raw.get("stages") or []],
    }


def _stage(stage: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": stage.get("name"),
        "parallel": stage.get("parallel"),
        "jobs": [_job(job) for job in stage.get("jobs") or []],
    }


def _job(job: Mapping[str, Any]) -> dict[str, Any]:
    kind = job.get("type")
    left_out = _LEFT_OUT.get(kind, _NOTHING) if isinstance(kind, str) else _NOTHING
    return {"name": job.get("name"), "type": kind, "spec": _kept(job.get("spec"), (), left_out)}


def _kept(value: Any, at: _Path, left_out: frozenset[_Path]) -> Any:
    """Return a value without what is left out below it."""
    if isinstance(value, Mapping):
        return {
            key: _kept(inner, (*at, key), left_out)
            for key, inner in value.items()
            if (*at, key) not in left_out
        }
    if isinstance(value, list):
        return [_kept(item, (*at, _EACH), left_out) for item in value]
    return value


def _canonical(value: Any) -> str:
    # escapes keep a lone surrogate writable, which Go never sends but JSON allows
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _jobs(content: Mapping[str, Any]) -> list[Any]:
    return [job for stage in content["stages"] for job in stage["jobs"]]


def _named(old: Any, new: Any, what: str) -> list[str]:
    """Tell what differs between two lists of objects with names; their order aside."""
    before, after = _by_name(old), _by_name(new)
    changes = [f"{what} {_short(name)} is gone" for name in before if name not in after]
    changes += [f"{what} {_short(name)} is new" for name in after if name not in before]
    for name in before:
        if name in after and (fields := [_short(path) for path in _differences(before[name], after[name])]):
            changes.append(f"{what} {_short(name)}: {_listed(fields, _MOST_FIELDS, ', ')}")
    return changes


def _by_name(items: Any) -> dict[str, Any]:
    """Return objects by their names; of what has no name of its own, its place."""
    names: dict[str, Any] = {}
    for index, item in enumerate(items if isinstance(items, list) else [items]):
        name = item.get("name") if isinstance(item, Mapping) else None
        names[name if isinstance(name, str) and name not in names else f"#{index + 1}"] = item
    return names


def _differences(old: Any, new: Any, at: str = "") -> Iterator[str]:
    """Yield the paths at which two values differ."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            path = f"{at}.{key}" if at else key
            if key in old and key in new:
                yield from _differences(old[key], new[key], path)
            else:
                yield path
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (former, later) in enumerate(zip(old, new, strict=True)):
            yield from _differences(former, later, f"{at}[{index}]")
    elif _canonical(old) != _canonical(new):
        yield at


def _listed(parts: list[str], most: int, between: str) -> str:
    more = f" and {len(parts) - most} more" if len(parts) > most else ""
    return between.join(parts[:most]) + more


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
