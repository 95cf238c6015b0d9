"""YAML files read strictly: plain data, the line of every place in it, and all problems at once.

YAML 1.2, so `no`, `on` and `12:30` are texts. A key that stands twice, an alias, a tag, a second document, a
file above 1 MiB and nesting above 32 levels are refused: each has either hidden a mistake or been an attack.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    ScalarEvent,
)
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from zadig_async.errors import ConfigError

Place = tuple[str | int, ...]
"""Where something is in a document: keys and positions from the top."""

LARGEST: Final = 1024 * 1024
"""Largest file read, in bytes."""

_DEEPEST: Final = 32
_MOST_SHOWN: Final = 50
_CORE: Final = "tag:yaml.org,2002:"


@attrs.frozen(order=True)
class Problem:
    """One thing that is wrong with a file.

    Attributes:
        line: Line, from 1.
        where: The place as `launches[0].jobs`, empty for the whole document.
        text: What is wrong.
        hint: How to mend it, or empty.
    """

    line: int
    where: str
    text: str
    hint: str = ""


class FileError(ConfigError):
    """A file cannot be used.

    Attributes:
        problems: All that is wrong with it, in the order of its lines.
    """

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        ordered = sorted(set(problems))
        if len(ordered) == 1:
            super().__init__(_sentence(file, ordered[0]), hint=ordered[0].hint)
        else:
            lines = [
                f"  {_sentence(file, problem)}{f' ({problem.hint})' if problem.hint else ''}"
                for problem in ordered
            ]
            if len(ordered) > _MOST_SHOWN:
                lines[_MOST_SHOWN:] = [f"  and {len(ordered) - _MOST_SHOWN} more"]
            super().__init__("\n".join([f"{file}: {len(ordered)} problems", *lines]))
        self.problems = tuple(ordered)


def _sentence(file: str, problem: Problem) -> str:
    where = f"{problem.where}: " if problem.where else ""
    return f"{file}:{problem.line}: {where}{problem.text}"


def spell(place: Place) -> str:
    """Write a place for people: `launches[0].inputs.build`."""
    spelled = ""
    for step in place:
        spelled += f"[{step}]" if isinstance(step, int) else f".{step}" if spelled else step
    return spelled


@attrs.frozen
class Document:
    """A file that is plain data.

    Attributes:
        file: Its name, for messages.
        value: Mappings, lists, texts, numbers, booleans and None.
    """

    file: str
    value: Any
    _lines: dict[Place, int] = attrs.field(repr=False)

    def line(self, place: Place) -> int:
        """Return the line a place begins at, or that of what it would be in."""
        while place and place not in self._lines:
            place = place[:-1]
        return self._lines.get(place, 1)


def read_yaml(name: str) -> Document:
    """Read a YAML or JSON file, or standard input for `-`.

    Raises:
        FileError: It cannot be read, or is not what the module says.
    """
    return parse_yaml(_text(name), "standard input" if name == "-" else name)


def _text(name: str) -> str:
    try:
        if name == "-":
            content = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(name).open("rb") as file:
                content = file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"{name}: {error.strerror}") from None
    if len(content) > LARGEST:
        raise ConfigError(f"{name}: it is larger than {LARGEST // 1024} KiB")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise FileError(name, [Problem(line, "", "it is not UTF-8 text")]) from None


def parse_yaml(text: str, file: str) -> Document:
    """Read YAML text; `file` names it in messages.

    Raises:
        FileError: With every problem found.
    """
    try:
        problems = list(_refused(text))
        if problems:
            raise FileError(file, problems)
        node = _loader().compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = (error.problem or error.context or "").splitlines()
        raise FileError(
            file,
            [Problem(mark.line + 1 if mark else 1, "", f"not YAML: {reason[0] if reason else 'unreadable'}")],
        ) from None
    except YAMLError:
        raise FileError(
            file, [Problem(1, "", "not YAML: it holds a character YAML does not allow")]
        ) from None
    reader = _Nodes()
    value = None if node is None else reader.read(node, ())
    if reader.problems:
        raise FileError(file, reader.problems)
    return Document(file, value, reader.lines)


def _loader() -> YAML:
    return YAML(typ="safe", pure=True)


def _refused(text: str) -> Iterator[Problem]:
    """Find in the stream of events what must not be built: that would already cost memory or the stack."""
    depth = documents = 0
    for event in _loader().parse(text):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                yield Problem(line, "", f"nested deeper than {_DEEPEST} levels")
                return
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
        elif isinstance(event, DocumentStartEvent):
            documents += 1
            if documents > 1:
                yield Problem(line, "", "a second document begins here", "Keep one document in a file.")
        if isinstance(event, AliasEvent):
            yield Problem(line, "", f"the alias *{event.anchor} is not accepted", "Write the value out.")
        elif isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag is not None:
            yield Problem(line, "", f"the tag {event.tag} is not accepted", "Write the plain value.")


class _Nodes:
    """Turns nodes into plain data and remembers their lines."""

    def __init__(self) -> None:
        self.lines: dict[Place, int] = {}
        self.problems: list[Problem] = []

    def read(self, node: Node, place: Place) -> Any:
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, MappingNode):
            return self._mapping(node, place)
        if isinstance(node, SequenceNode):
            return [self.read(item, (*place, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, place)

    def _mapping(self, node: MappingNode, place: Place) -> dict[str, Any]:
        value: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode) or _kind(key_node) != "str":
                self._problem(line, place, "a key must be text", "Put it in quotes.")
                continue
            key = str(key_node.value)
            if key in first:
                self._problem(line, place, f"the key {key!r} stands here again, first in line {first[key]}")
                continue
            first[key] = line
            self.lines[*place, key] = line
            value[key] = self.read(value_node, (*place, key))
        return value

    def _scalar(self, node: Node, place: Place) -> Any:
        text = str(node.value)
        try:
            match _kind(node):
                case "null":
                    return None
                case "bool":
                    return text.lower() == "true"
                case "int":
                    return _whole(text)
                case "float":
                    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan").replace("_", ""))
        except ValueError:
            self._problem(
                node.start_mark.line + 1, place, "a number that cannot be read", "Put it in quotes."
            )
        return text

    def _problem(self, line: int, place: Place, text: str, hint: str = "") -> None:
        self.problems.append(Problem(line, spell(place), text, hint))


def _whole(text: str) -> int:
    digits = text.replace("_", "").lower()
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    base = {"0x": 16, "0o": 8, "0b": 2}.get(digits[:2], 10)
    return sign * int(digits if base == 10 else digits[2:], base)


def _kind(node: Node) -> str:
    return str(node.tag).removeprefix(_CORE)
