"""Task details as a Zadig server writes them, in three sizes, running and passed.

Shapes are those of Zadig v4.1.0 (workflow_task_v4.go: typed specs of builds, freestyle jobs, deployments
and plugins); bytes are those of Go's encoder: compact, UTF-8, `<`, `>` and `&` escaped, zero times and
empty optional fields left out, optional objects null.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final

import attrs

PROJECT: Final = "shop"
WORKFLOW: Final = "shop-release"

_T0: Final = 1_768_442_400
_ESCAPES: Final = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)
_MESSAGES: Final = (
    "fix: 订单超时重试 <retry & backoff>",
    "feat: add coupon limits",
    "chore: bump base image",
    "Merge pull request #1287 from hotfix",
)


@attrs.frozen
class Document:
    """One task detail.

    Attributes:
        name: What the reports call it, such as `30 KB running`.
        task_id: Number of the task, by which the server finds the document.
        jobs: How many jobs the task has.
        body: The bytes.
    """

    name: str
    task_id: int
    jobs: int
    body: bytes = attrs.field(repr=False)


def go_json(value: object) -> bytes:
    """Write a value as Go's `encoding/json` does."""
    # The escaped characters cannot stand outside of strings, so the whole text can be translated.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES).encode()


def task_detail(task_id: int, jobs: int, *, passed: bool) -> dict[str, Any]:
    """Return a task with so many jobs: all of them passed, or half of them and one running."""
    task: dict[str, Any] = {
        "task_id": task_id,
        "workflow_key": WORKFLOW,
        "workflow_name": "商城发布流水线",
        "params": [
            {
                "name": "VERSION",
                "description": "发布版本号",
                "type": "string",
                "value": "1.8.3",
                "repo": None,
                "default": "",
                "is_credential": False,
                "source": "runtime",
            }
        ],
        "status": "passed" if passed else "running",
        "reverted": False,
        "remark": "",
        "task_creator": "王小明",
        "task_revoker": "王小明",
        "create_time": _T0,
        "start_time": _T0 + 2,
    }
    if passed:
        task["end_time"] = _T0 + 40 + 40 * jobs
    task["stages"] = list(_stages(task_id, jobs, passed=passed))
    task |= {
        "project_key": PROJECT,
        "is_restart": False,
        "debug": False,
        "approval_ticket_id": "",
        "approval_id": "",
    }
    return task


def _stages(task_id: int, jobs: int, *, passed: bool) -> Iterator[dict[str, Any]]:
    """Yield stages of at most 8 jobs; a running task has ended the first half and is at the next job."""
    ended = jobs if passed else jobs // 2
    width = min(8, max(1, jobs // 2))
    for stage, first in enumerate(range(0, jobs, width)):
        numbers = range(first, min(first + width, jobs))
        made = [
            _job(task_id, stage, number, "passed" if number < ended else "running" if number == ended else "")
            for number in numbers
        ]
        status = "passed" if numbers[-1] < ended else "running" if first <= ended else ""
        yield {
            "name": f"发布-{stage}",
            "status": status,
            **_span(status, first, len(made)),
            "parallel": stage % 2 == 0,
            "manual_exec": None,
            "jobs": made,
            "error": "",
        }


def _span(status: str, number: int, length: int) -> dict[str, int]:
    """Return start and end as Go's `omitempty` leaves them."""
    start = _T0 + 10 + 40 * number
    if not status:
        return {}
    return {"start_time": start} | ({"end_time": start + 38 * length} if status == "passed" else {})


def _job(task_id: int, stage: int, number: int, status: str) -> dict[str, Any]:
    kind, configured, spec = _KINDS[number % len(_KINDS)]
    service = f"svc-{number % 40:02d}"
    keyed = kind in {"zadig-build", "zadig-deploy"}
    info = {"job_name": configured} | ({"service_module": "api", "service_name": service} if keyed else {})
    return {
        "name": f"job-{stage}-{number % 8}-0-{configured}",
        "key": f"{configured}.{service}.api" if keyed else configured,
        "display_name": f"{configured}-{service}-api" if keyed else configured,
        "origin_name": configured,
        "type": kind,
        "status": status,
        "reverted": False,
        **_span(status, number, 1),
        "cost_seconds": {"passed": 38, "running": 17}.get(status, 0),
        "error": "",
        "breakpoint_before": False,
        "breakpoint_after": False,
        "spec": spec(task_id, service, done=status == "passed"),
        "error_policy": {"policy": "retry", "maximum_retry": 2, "approval_users": []}
        if kind == "zadig-deploy"
        else None,
        "error_handler_user_id": "",
        "error_handler_username": "",
        "retry_count": 0,
        "job_info": info,
    }


def _image(task_id: int, service: str) -> str:
    return f"registry.example.com/shop/{service}:20260115100215-{task_id}-release-1.8"


def _build(task_id: int, service: str, *, done: bool) -> dict[str, Any]:
    commit = hashlib.sha256(service.encode()).hexdigest()[:40]
    return {
        "repos": [
            {
                "source": "gitlab",
                "repo_owner": "mall",
                "repo_namespace": "mall",
                "repo_name": service,
                "branch": "release/1.8",
                "merge_branches": [],
                "enable_commit": False,
                "commit_id": commit,
                "commit_message": _MESSAGES[int(commit[:2], 16) % len(_MESSAGES)],
                "author_name": "lilei",
                "hidden": False,
                "is_primary": True,
                "codehost_id": 3,
                "oauth_token": "",
                "address": "https://git.example.com",
                "source_from": "",
                "param_name": "",
                "job_name": "",
                "service_name": "",
                "service_module": "",
                "repo_index": 0,
                "submission_id": "",
                "disable_ssl": False,
            }
        ],
        "image": _image(task_id, service) if done else "",
        "package": "",
        "service_name": service,
        "service_module": "api",
        "envs": [],
    }


def _freestyle(_task_id: int, _service: str, *, done: bool) -> dict[str, Any]:
    return {
        "repos": [],
        "image": "",
        "package": "report.tar.gz" if done else "",
        "service_name": "",
        "service_module": "",
        "envs": [
            {
                "key": "GATE",
                "value": "p95<300ms && errors<1%",
                "type": "string",
                "registry_id": "",
                "is_credential": False,
                "description": "",
            }
        ],
    }


def _deploy(task_id: int, service: str, *, done: bool) -> dict[str, Any]:
    return {
        "env": "prod-sh",
        "env_alias": "上海生产",
        "production": True,
        "service_type": "k8s",
        "deploy_contents": ["image"],
        "skip_check_run_status": False,
        "service_and_images": [
            {
                "service_name": service,
                "service_module": "api",
                "image": _image(task_id, service) if done else "",
            }
        ],
        "yaml_content": "",
        "user_supplied_value": "",
        "variable_kvs": [],
        "origin_revision": 41,
        "value_merge_strategy": "",
    }


def _plugin(_task_id: int, _service: str, *, done: bool) -> dict[str, Any]:
    return {
        "name": "notify",
        "is_offical": False,
        "category": "",
        "description": "",
        "repo_url": "",
        "version": "v0.0.1",
        "image": "registry.example.com/plugins/notify:v0.0.1",
        "args": [],
        "cmds": [],
        "envs": [{"name": "ROOM", "value": "$(room)"}],
        "inputs": [],
        "outputs": [{"name": "MSG_ID", "description": ""}] if done else [],
    }


_KINDS: Final = (
    ("zadig-build", "build", _build),
    ("freestyle", "smoke", _freestyle),
    ("zadig-deploy", "deploy", _deploy),
    ("plugin", "notify", _plugin),
)

SIZES: Final = {"3 KB": 4, "30 KB": 40, "300 KB": 368}
"""Jobs by the name of the size."""


def _documents() -> Iterator[Document]:
    for size, jobs in SIZES.items():
        for passed in (False, True):
            task_id = jobs + (1000 if passed else 0)
            body = go_json(task_detail(task_id, jobs, passed=passed))
            yield Document(f"{size} {'passed' if passed else 'running'}", task_id, jobs, body)


DOCUMENTS: Final = {document.name: document for document in _documents()}
"""Every document by its name."""
