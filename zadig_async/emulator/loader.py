"""Reads a scenario into attrs classes, and says precisely where it cannot be understood."""

import difflib
import functools
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import attrs
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

__all__ = ["ScriptError", "build", "parse_yaml"]

T = TypeVar("T")
Path = tuple[str | int, ...]
Locate = Callable[[Path], int | None]


class ScriptError(ValueError):
    """A scenario cannot be used. The message names the file, the line if known, the path and the remedy."""


class _BadValueError(Exception):
    """Carries the path of a bad value from the depth of the reader to its entrance."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason


def parse_yaml(text: str, origin: str) -> tuple[Any, Locate]:
    """Parse YAML text; also return a function from a path to its line.

    Raises:
        ScriptError: the text is not YAML, is nested too deeply, or a mapping has a key twice.
    """
    yaml = YAML(typ="safe", pure=True)
    try:
        value = yaml.load(text)
    except MarkedYAMLError as failure:
        line = failure.problem_mark.line + 1 if failure.problem_mark else 1
        problem = (failure.problem or "not YAML").splitlines()[0]
        raise ScriptError(f"{origin}:{line}: {problem}") from failure
    except YAMLError as failure:
        raise ScriptError(f"{origin}: not YAML: {failure}") from failure
    except RecursionError:
        raise ScriptError(f"{origin}: it is nested too deeply") from None
    return value, functools.partial(_line_of, text)


def _line_of(text: str, path: Path) -> int | None:
    node: Node | None = YAML(typ="safe", pure=True).compose(text)
    line: int | None = node.start_mark.line + 1 if node is not None else None
    for step in path:
        if isinstance(node, MappingNode):
            for key, value in node.value:
                if key.value == step:
                    node, line = value, key.start_mark.line + 1
                    break
            else:
                return line
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def build(cls: type[T], value: Any, *, origin: str, locate: Locate | None = None) -> T:
    """Make a `cls` from plain values.

    Raises:
        ScriptError: an unknown key (with the nearest known one), a wrong type or a value out of range.
    """
    try:
        return typing.cast("T", _read(cls, value, ()))
    except _BadValueError as failure:
        line = locate(failure.path) if locate else None
        where = f"{origin}:{line}" if line is not None else origin
        raise ScriptError(f"{where}: {_spell(failure.path)}: {failure.reason}") from None


def _spell(path: Path) -> str:
    spelled = ""
    for step in path:
        spelled += f"[{step}]" if isinstance(step, int) else f".{step}" if spelled else str(step)
    return spelled or "the document"


def _read(kind: Any, value: Any, path: Path) -> Any:
    origin = typing.get_origin(kind)
    if kind is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        inner = [option for option in typing.get_args(kind) if option is not type(None)]
        return None if value is None else _read(inner[0], value, path)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise _BadValueError(path, f"should be a list, not {_kind_of(value)}")
        item_kind = typing.get_args(kind)[0]
        return tuple(_read(item_kind, item, (*path, index)) for index, item in enumerate(value))
    if origin is not None:
        if not isinstance(value, Mapping):
            raise _BadValueError(path, f"should be a mapping, not {_kind_of(value)}")
        item_kind = typing.get_args(kind)[1]
        return {_key(key, path): _read(item_kind, item, (*path, key)) for key, item in value.items()}
    if attrs.has(kind):
        return _read_class(kind, value, path)
    return _read_scalar(kind, value, path)


def _key(key: Any, path: Path) -> str:
    if not isinstance(key, str):
        raise _BadValueError((*path, key), f"a key should be text, not {_kind_of(key)}")
    return key


def _read_scalar(kind: Any, value: Any, path: Path) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    names = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
    raise _BadValueError(path, f"should be {names.get(kind, kind.__name__)}, not {_kind_of(value)}")


def _kind_of(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return repr(value)


@functools.cache
def _hints(cls: type) -> Mapping[str, Any]:
    return typing.get_type_hints(cls)


def _read_class(cls: Any, value: Any, path: Path) -> Any:
    if isinstance(value, cls):
        return value
    from_text = getattr(cls, "from_text", None)
    if isinstance(value, str) and from_text is not None:
        return _construct(functools.partial(from_text, value), path)
    if not isinstance(value, Mapping):
        raise _BadValueError(path, f"should be a mapping, not {_kind_of(value)}")
    known = {field.name: field for field in attrs.fields(cls)}
    hints = _hints(cls)
    arguments: dict[str, Any] = {}
    for key, item in value.items():
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"
            raise _BadValueError((*path, key), f"unknown key; {hint}")
        if known[key].metadata.get("text_or_list") and isinstance(item, str):
            arguments[key] = (item,)
        else:
            arguments[key] = _read(hints[key], item, (*path, key))
    for name, field in known.items():
        if field.default is attrs.NOTHING and name not in arguments:
            raise _BadValueError(path, f"{name!r} is missing")
    return _construct(functools.partial(cls, **arguments), path)


def _construct(make: Callable[[], Any], path: Path) -> Any:
    try:
        return make()
    except ValueError as failure:
        name, colon, reason = str(failure).partition(": ")
        if colon and name.isidentifier():
            raise _BadValueError((*path, name), reason) from None
        raise _BadValueError(path, str(failure)) from None
