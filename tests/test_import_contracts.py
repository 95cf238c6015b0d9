"""The rooms stay apart: who may import whom, what an import costs, and where the world is touched."""

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from importlinter.cli import lint_imports

import zadig_async
from zadig_async import errors

ROOT = Path(zadig_async.__file__).parent
PYPROJECT = ROOT.parent / "pyproject.toml"


def sources(*rooms: str) -> Iterator[tuple[str, ast.Module]]:
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py") if room else ROOT.rglob("*.py")):
            name = str(path.relative_to(ROOT))
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.AST) -> set[str]:
    """Name every module imported anywhere in a file, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_the_contracts_of_pyproject_hold(capsys: pytest.CaptureFixture[str]) -> None:
    code = lint_imports(config_filename=str(PYPROJECT), no_cache=True, no_logo=True)
    told = capsys.readouterr().out
    assert code == 0, told
    assert "0 broken" in told
    assert "Contracts: 0 kept" not in told


def test_a_broken_contract_would_be_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    upside_down = tmp_path / "upside-down.toml"
    upside_down.write_text(
        '[tool.importlinter]\nroot_packages = ["zadig_async"]\n'
        '[[tool.importlinter.contracts]]\nname = "Upside down"\ntype = "layers"\n'
        'layers = ["zadig_async.errors", "zadig_async.wire"]\n',
        encoding="utf-8",
    )
    assert lint_imports(config_filename=str(upside_down), no_cache=True, no_logo=True) == 1
    assert "Upside down BROKEN" in capsys.readouterr().out


@pytest.mark.parametrize(
    "heavy", ["aiohttp", "click", "rich", "tenacity", "ruamel.yaml", "zadig_async.emulator"]
)
def test_importing_the_package_does_not_import(heavy: str) -> None:
    code = f"import sys, zadig_async; print([m for m in sys.modules if f'{{m}}.'.startswith('{heavy}.')])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


PURE_FORBIDS = {
    "aiohttp",
    "asyncio",
    "logging",
    "os",
    "pathlib",
    "random",
    "socket",
    "ssl",
    "subprocess",
    "tenacity",
    "threading",
    "time",
}


@pytest.mark.parametrize("room", ["model", "wire"])
def test_pure_rooms_touch_nothing(room: str) -> None:
    for name, tree in sources(room):
        touched = {module.split(".")[0] for module in imports(tree)} & PURE_FORBIDS
        assert not touched, f"{name} imports {touched}"
        waits = [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.Await)]
        assert not waits, f"{name} waits"
        clocks = [
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today", "monotonic"}
        ]
        assert not clocks, f"{name} looks at a clock"


def test_errors_imports_nothing_of_ours() -> None:
    (tree,) = (tree for name, tree in sources("") if name == "errors.py")
    assert {module.split(".")[0] for module in imports(tree)} <= {"collections", "typing"}


def test_only_the_edge_reads_the_environment() -> None:
    for name, tree in sources(""):
        if name.startswith("cli/"):
            continue
        read = {
            node.attr if isinstance(node, ast.Attribute) else node.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute | ast.Name)
        } & {"environ", "getenv", "environb"}
        assert not read, f"{name} reads the environment"


def public_annotations(tree: ast.Module) -> Iterator[str]:
    """Yield what a caller of a module's public names reads as types."""
    scopes: list[ast.Module | ast.ClassDef] = [tree]
    for scope in scopes:
        for node in scope.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                scopes.append(node)
                yield from map(ast.unparse, node.bases)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (
                not node.name.startswith("_") or node.name.startswith("__")
            ):
                given = node.args
                arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs]
                yield from (ast.unparse(each.annotation) for each in arguments if each.annotation)
                yield ast.unparse(node.returns) if node.returns else ""
            elif isinstance(node, ast.AnnAssign) and not ast.unparse(node.target).startswith("_"):
                yield ast.unparse(node.annotation)


def test_no_public_annotation_names_a_type_of_aiohttp() -> None:
    annotations = [
        text
        for name, tree in sources("orchestrator", "client", "transport", "wire", "model")
        if name != "transport/explain.py"  # what turns aiohttp's errors into ours has to take them
        for text in public_annotations(tree)
    ]
    assert len(annotations) > 500
    assert "Reply" in annotations
    assert not [text for text in annotations if "aiohttp" in text]


def test_no_public_error_is_one_of_aiohttp() -> None:
    ours = [value for value in vars(errors).values() if inspect.isclass(value)]
    ours += [value for name in zadig_async.__all__ if inspect.isclass(value := getattr(zadig_async, name))]
    assert len(ours) > 30
    assert not [kind for kind in ours if issubclass(kind, aiohttp.ClientError | OSError)]
