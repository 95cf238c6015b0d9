"""The public names: all there, all meant, all used in `typing_api.py` as a caller would."""

import ast
import importlib.metadata
from pathlib import Path

import pytest

import zadig_async
from tests import typing_api

PUBLIC = {
    "ALL_JOBS",
    "ApprovalPolicy",
    "ApprovalRule",
    "Audit",
    "Deadlines",
    "Freeze",
    "Gate",
    "GateKind",
    "Journal",
    "KillSwitch",
    "Launch",
    "LogFeed",
    "LogGap",
    "LogPolicy",
    "LogReport",
    "Orchestrator",
    "Outcome",
    "Phase",
    "ReconcilePolicy",
    "RequestRecord",
    "RetryPolicy",
    "Run",
    "RunPolicy",
    "Secret",
    "Status",
    "Task",
    "TaskRef",
    "TaskStatus",
    "TaskSummary",
    "Ticket",
    "Verdict",
    "Window",
    "Workflow",
    "WorkflowRef",
    "ZadigClient",
    "ZadigError",
    "__version__",
    "errors",
    "events",
    "inputs",
}
MODULES = {"errors", "events", "inputs"}


def test_the_list_of_names() -> None:
    assert set(zadig_async.__all__) == PUBLIC
    assert list(zadig_async.__all__) == sorted(zadig_async.__all__, key=str)


def test_every_name_is_there_and_documented() -> None:
    for name in PUBLIC - MODULES - {"__version__", "ALL_JOBS"}:
        value = getattr(zadig_async, name)
        assert value.__module__.startswith("zadig_async.")
        assert value.__doc__


def test_nothing_else_is_public() -> None:
    folder = Path(zadig_async.__file__).parent
    rooms = {path.stem for path in folder.iterdir()}
    found = {name for name in vars(zadig_async) if name.isidentifier() and not name.startswith("_")}
    assert found - rooms == PUBLIC - MODULES - {"__version__"} | {"events"}


def test_modules_are_at_hand() -> None:
    for name in MODULES:
        assert getattr(zadig_async, name).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'imputs'"):
        _ = zadig_async.imputs  # type: ignore[attr-defined]  # that is the point


def test_a_caller_uses_every_name() -> None:
    tree = ast.parse(Path(typing_api.__file__).read_text(encoding="utf-8"))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert used >= PUBLIC


def test_the_version_is_that_of_the_package() -> None:
    assert zadig_async.__version__ == importlib.metadata.version("zadig-async")


def test_types_are_shipped() -> None:
    assert (Path(zadig_async.__file__).parent / "py.typed").is_file()
