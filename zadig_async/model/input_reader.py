"""Inputs from a file: plain mappings become the input class of a job type, strictly."""

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar, get_args

import attrs

from zadig_async.errors import ConfigError
from zadig_async.model.inputs import INPUT_OF, JobInput

T = TypeVar("T", bound=attrs.AttrsInstance)

_OFFICIAL: Final = MappingProxyType(
    {
        "service_list": "services",
        "target_list": "targets",
        "testing_list": "tests",
        "scanning_list": "scans",
        "repo_info": "repos",
        "kv": "inputs",
        "pr": "prs",
        "iterations": "iteration_ids",
    }
)
"""What somebody copied from Zadig's own page, and what it is called here."""


def input_from_mapping(job_type: str, data: Mapping[str, Any]) -> JobInput:
    """Read the input of a job from plain data, such as a part of a YAML file.

    Keys are the fields of the type's input class in `zadig_async.model.inputs`. Every kind must be
    right: nothing is guessed from `yes`, `1` or `1.10`.

    Args:
        job_type: Zadig's job type string; one of `INPUT_OF`.
        data: The fields.

    Raises:
        ConfigError: The type takes no input, a key is unknown or missing, or a value is of the wrong
            kind. The message names the place and never shows a value.
    """
    kind = INPUT_OF.get(job_type)
    if kind is None:
        raise ConfigError(
            f"no job of type {job_type!r} can be started through Zadig's API",
            hint=_did_you_mean(job_type, INPUT_OF) or f"Types that can: {', '.join(sorted(INPUT_OF))}.",
        )
    return _read(kind, data, job_type)


def _read(kind: type[T], data: object, where: str) -> T:
    if not isinstance(data, Mapping):
        raise ConfigError(
            f"{where}: expected a mapping, got {type(data).__name__}", hint="Write keys with values."
        )
    fields = {field.alias: field for field in attrs.fields(kind) if field.init}
    for key in data:
        if key not in fields:
            raise ConfigError(
                f"{where}: unknown key {key!r}",
                hint=_did_you_mean(key, fields) or f"Known are: {', '.join(fields) or 'none'}.",
            )
    for name, field in fields.items():
        if name not in data and field.default is attrs.NOTHING:
            raise ConfigError(f"{where}: {name!r} is missing", hint=f"{kind.__name__} cannot do without it.")
    given = {name: _nested(fields[name].type, value, f"{where}.{name}") for name, value in data.items()}
    try:
        return kind(**given)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}", hint=error.hint) from None


def _nested(kind: Any, value: object, where: str) -> object:
    """Read a list of mappings as a list of what the field holds; anything else is the class's to judge."""
    inner = next(iter(get_args(kind)), None)
    if not isinstance(value, list) or not isinstance(inner, type) or not attrs.has(inner):
        return value
    return [_read(inner, item, f"{where}[{index}]") for index, item in enumerate(value)]


def _did_you_mean(word: object, known: Iterable[str]) -> str:
    names = list(known)
    official = _OFFICIAL.get(str(word))
    if official in names:
        return f"It is called {official!r} here."
    close = difflib.get_close_matches(str(word), names, n=1)
    return f"Did you mean {close[0]!r}?" if close else ""
