"""Small scenarios for tests: one project `shop`, one workflow for each thing that can happen."""

from collections.abc import Mapping
from typing import Any

from tests.support.peers import TOKEN

Json = dict[str, Any]


def job(name: str, *, duration: float = 6.0, **more: Any) -> Json:
    """A job that runs a script."""
    return {"name": name, "duration": duration, "prepare": 1.0, **more}


def gate(name: str = "gate", *, users: tuple[str, ...] = ("bot", "alice"), **more: Any) -> Json:
    """A native approval job."""
    return {"name": name, "approval": {"users": list(users), "timeout": 30, **more}}


def workflow(key: str, *stages: list[Json], parallel: bool = False, **more: Any) -> Json:
    """A workflow of these stages."""
    made = [
        {"name": f"stage-{index}", "parallel": parallel, "jobs": jobs} for index, jobs in enumerate(stages)
    ]
    return {"key": key, "stages": made, **more}


def world(*workflows: Json, **more: Any) -> Mapping[str, Any]:
    """A world with these workflows. `root` is a system administrator."""
    return {
        "workflow_concurrency": 50,
        "users": [
            {"name": "bot", "tokens": [TOKEN], "projects": {"shop": ["execute", "edit", "create", "admin"]}},
            {"name": "alice", "tokens": ["alice-token"], "projects": {"shop": ["execute"]}},
            {"name": "root", "tokens": ["root-token"], "admin": True},
        ],
        "projects": [{"key": "shop", "name": "商城", "workflows": list(workflows)}],
        **more,
    }
