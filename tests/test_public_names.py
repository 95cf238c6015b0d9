"""The public names: all there, all meant, all used in `typing_api.py` as a caller would."""

import ast
import importlib.metadata
import subprocess
import sys
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
    for name in PUBLIC:
        getattr(zadig_async, name)
    found = {name for name in vars(zadig_async) if name.isidentifier() and not name.startswith("_")}
    assert found - rooms == PUBLIC - {"__version__", "errors"}
    assert set(dir(zadig_async)) >= PUBLIC


def test_checkers_and_the_interpreter_find_each_name_at_the_same_place() -> None:
    tree = ast.parse(Path(zadig_async.__file__).read_text(encoding="utf-8"))
    checked = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module != "importlib"
        for alias in node.names
    }
    found = {f"zadig_async.{place}.{name}" for name, place in vars(zadig_async)["_PLACE_OF"].items()}
    found |= {f"zadig_async.{place}" for place in vars(zadig_async)["_MODULES"].values()}
    assert found == checked


def test_reading_tasks_does_not_import_the_orchestrator() -> None:
    source = (
        "import sys, zadig_async\n"
        "assert not any(name.startswith('zadig_async.') for name in sys.modules)\n"
        "zadig_async.ZadigClient.connect('http://127.0.0.1:1', token='x')\n"
        "assert 'zadig_async.orchestrator' not in sys.modules\n"
        "assert 'zadig_async.journal' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", source], check=True)


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
