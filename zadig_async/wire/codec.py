"""The rule book: how Zadig's JSON becomes the model's values, written once, as one cattrs converter.

Strict where a wrong guess would cost: a string is a string and a number a number, nothing is coerced.
Tolerant where servers differ: unknown fields are kept in `raw`, null means absent, absent means default.
Every problem is reported with its path, all of them at once, and never with its value.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import NoneType
from typing import Any, Final, TypeVar, get_args, get_origin

import attrs
import cattrs

from zadig_async.errors import DecodeError
from zadig_async.model.lazy import Lazy, lazy
from zadig_async.model.secret import Secret
from zadig_async.model.spec import GenericSpec, JobSpec
from zadig_async.model.status import Status
from zadig_async.model.task import JobRun, Task
from zadig_async.wire.gates import gates_of
from zadig_async.wire.names import renames_of

T = TypeVar("T")

LAST_SECOND: Final = 253_402_300_799
"""The last Unix second a datetime can hold."""

_KIND_OF: Final = {
    dict: "an object",
    list: "a list",
    str: "a string",
    int: "a whole number",
    float: "a fraction",
    bool: "true or false",
    NoneType: "null",
}


class Problems(Exception):  # noqa: N818 - it gathers findings on their way up and never leaves this room
    """What is wrong with a document: pairs of path and finding."""

    def __init__(self, found: list[tuple[str, str]]) -> None:
        super().__init__()
        self.found = found

    @classmethod
    def of(cls, expected: str, value: object) -> "Problems":
        """Return the finding that something else was expected here."""
        return cls([("", f"expected {expected}, got {_KIND_OF.get(type(value), type(value).__name__)}")])

    def below(self, step: str) -> list[tuple[str, str]]:
        """Return the findings as seen from one step further up."""
        return [(step + path, finding) for path, finding in self.found]


def moment(seconds: int) -> datetime | None:
    """Return the time of a Unix second; Zadig writes 0 for never."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _exact(kind: type[T], expected: str) -> Callable[[object, object], T]:
    def structure(value: object, _: object) -> T:
        if type(value) is not kind:
            raise Problems.of(expected, value)
        return value

    return structure


def _float(value: object, _: object) -> float:
    if type(value) is int or type(value) is float:
        return value
    raise Problems.of("a number", value)


def _status(value: object, _: object) -> Status:
    if type(value) is not str:
        raise Problems.of("a string", value)
    return Status(value)


def _secret(value: object, _: object) -> Secret:
    if type(value) is not str:
        raise Problems.of("a string", value)
    return Secret(value)


def _moment(value: object, _: object) -> datetime | None:
    if value is None:
        return None
    if type(value) is not int:
        raise Problems.of("a Unix second", value)
    if not 0 <= value <= LAST_SECOND:
        raise Problems([("", "a Unix second out of range")])
    return moment(value)


def _mapping(value: object, _: object) -> Mapping[str, Any]:
    if type(value) is not dict:
        raise Problems.of("an object", value)
    return value


def _is_moment(kind: Any) -> bool:
    return kind is datetime or datetime in get_args(kind)


def _is_mapping(kind: Any) -> bool:
    return kind is Mapping or get_origin(kind) is Mapping


def _is_sequence(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _is_lazy(kind: Any) -> bool:
    return get_origin(kind) is Lazy


def _lazy(kind: Any, converter: cattrs.Converter) -> Callable[[object, object], Lazy[Any]]:
    item_kind = get_args(kind)[0]
    item = converter.get_structure_hook(item_kind)

    def structure(value: object, _: object) -> Lazy[Any]:
        return lazy(item(value, item_kind))

    return structure


def _sequence(kind: Any, converter: cattrs.Converter) -> Callable[[object, object], tuple[Any, ...]]:
    item_kind = get_args(kind)[0]
    item = converter.get_structure_hook(item_kind)

    def structure(value: object, _: object) -> tuple[Any, ...]:
        if value is None:
            return ()
        if type(value) is not list:
            raise Problems.of("a list", value)
        made, found = [], []
        for index, element in enumerate(value):
            try:
                made.append(item(element, item_kind))
            except Problems as problems:
                found += problems.below(f"[{index}]")
        if found:
            raise Problems(found)
        return tuple(made)

    return structure


def _class(kind: type[T], converter: cattrs.Converter, *, without: str = "") -> Callable[[object, object], T]:
    """Return the hook of an attrs class; the field `without` is left for the caller to fill."""
    renames = renames_of(kind)
    fields: list[tuple[str, str, Any, Any, bool]] = []
    keeps_raw = lazy_raw = False
    for field in attrs.fields(kind):  # type: ignore[arg-type]  # only attrs classes come here
        if field.alias == "raw":
            keeps_raw = True
            lazy_raw = _is_lazy(field.type)
            continue
        if field.alias == without:
            continue
        hook = converter.get_structure_hook(field.type)
        json_key = renames.get(field.name, field.alias)
        fields.append((field.alias, json_key, hook, field.type, field.default is attrs.NOTHING))

    def structure(value: object, _: object) -> T:
        if type(value) is not dict:
            raise Problems.of("an object", value)
        made: dict[str, Any] = {"raw": lazy(value) if lazy_raw else value} if keeps_raw else {}
        found: list[tuple[str, str]] = []
        for argument, json_key, hook, field_kind, required in fields:
            item = value.get(json_key)
            if item is None:
                if required:
                    found.append((f".{json_key}", "null" if json_key in value else "missing"))
                continue
            try:
                made[argument] = hook(item, field_kind)
            except Problems as problems:
                found += problems.below(f".{json_key}")
        if found:
            raise Problems(found)
        return kind(**made)

    return structure


def _job(converter: cattrs.Converter) -> Callable[[object, object], JobRun]:
    plain = _class(JobRun, converter, without="spec")

    def structure(value: object, _: object) -> JobRun:
        job = plain(value, JobRun)
        spec = value.get("spec") if isinstance(value, dict) else None
        return attrs.evolve(job, spec=Lazy(lambda: spec_of(job.type, spec, job=job.name)))

    return structure


def _task(converter: cattrs.Converter) -> Callable[[object, object], Task]:
    plain = _class(Task, converter, without="gates")

    def structure(value: object, _: object) -> Task:
        task = plain(value, Task)
        return attrs.evolve(task, gates=Lazy(lambda: gates_of(task.status, task.stages)))

    return structure


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=False)
    converter.register_structure_hook(str, _exact(str, "a string"))
    converter.register_structure_hook(int, _exact(int, "a whole number"))
    converter.register_structure_hook(bool, _exact(bool, "true or false"))
    converter.register_structure_hook(float, _float)
    converter.register_structure_hook(Status, _status)
    converter.register_structure_hook(Secret, _secret)
    converter.register_structure_hook_func(_is_moment, _moment)
    converter.register_structure_hook_func(_is_mapping, _mapping)
    converter.register_structure_hook_factory(_is_sequence, _sequence)
    converter.register_structure_hook_factory(_is_lazy, _lazy)
    converter.register_structure_hook_factory(attrs.has, _class)
    converter.register_structure_hook(JobRun, _job(converter))
    converter.register_structure_hook(Task, _task(converter))
    return converter


CONVERTER: Final = _converter()


def structure(value: object, kind: type[T], *, at: str = "$") -> T:
    """Turn a parsed JSON value into a value of the model.

    Args:
        value: What JSON parsing gave.
        kind: The class wanted, or `tuple[Class, ...]`.
        at: Path of the value in its document, for the problems.

    Raises:
        DecodeError: With every problem and its path.
    """
    try:
        return CONVERTER.structure(value, kind)
    except Problems as problems:
        found = [f"{path}: {finding}" for path, finding in problems.below(at)]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    raise DecodeError(f"the answer does not fit: {found[0]}{more}", problems=found)


def misfit(at: str, expected: str, value: object) -> DecodeError:
    """Return the error that something else was expected at a path."""
    problem = ": ".join(Problems.of(expected, value).below(at)[0])
    return DecodeError(f"the answer does not fit: {problem}", problems=[problem])


def member(value: object, name: str, kind: type[T]) -> tuple[T, ...]:
    """Turn a list that stands under a name of a parsed object into values of the model.

    Raises:
        DecodeError: With every problem and its path.
    """
    if not isinstance(value, dict):
        raise misfit("$", "an object", value)
    if name not in value:
        raise DecodeError(f"the answer does not fit: $.{name}: missing", problems=[f"$.{name}: missing"])
    return structure(value[name], tuple[kind, ...], at=f"$.{name}")  # type: ignore[valid-type]  # a runtime type


def spec_of(job_type: str, value: object, *, job: str) -> JobSpec | None:
    """Turn a job's spec into the class of its type; unknown types keep their raw spec.

    Args:
        job_type: Zadig's job type string.
        value: The spec as parsed, or None.
        job: Job task name, for the path of problems.

    Raises:
        DecodeError: With every problem and its path.
    """
    if value is None:
        return None
    from zadig_async.model.jobspec import SPEC_OF  # noqa: PLC0415 - a hundred classes

    return structure(value, SPEC_OF.get(job_type, GenericSpec), at=f"$..jobs[?@.name=={job!r}].spec")
