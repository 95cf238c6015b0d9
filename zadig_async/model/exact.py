"""`exact`: an attrs field transformer for values that people write; every field holds what it declares.

A value that came from a file or from a caller without a type checker may be of any kind, and a wrong
kind must not reach a server that guesses. With `field_transformer=exact` a class refuses it on
construction, freezes lists into tuples, and refuses blanks in fields it cannot do without.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, cast, get_args, get_origin

import attrs

from zadig_async.errors import ConfigError

_EXPECTED = {str: "a string", int: "a whole number", bool: "true or false"}
_MEND = {
    str: "Put it in quotes: Zadig takes it as text.",
    int: "Write a whole number without quotes.",
    bool: "Write true or false without quotes.",
}


def exact(cls: type, fields: "list[attrs.Attribute[Any]]") -> "list[attrs.Attribute[Any]]":
    """Check and freeze what every field of `cls` is given.

    A field is checked against its annotation: `str`, `int`, `bool`, a class, `Literal` of strings, a
    `Mapping`, and a `Sequence` or `tuple[..., ...]` of any of them. A converter the field already has
    goes first; a `ConfigError` it raises gets the field's name.

    Text and lists without a default must not be empty.

    Raises:
        ConfigError: By the class made so, on construction: where, which kind, how to mend; never a value.
    """
    return [field.evolve(converter=_Check(f"{cls.__name__}.{field.name}", field)) for field in fields]


class _Check:
    """The converter of one field."""

    __slots__ = ("_convert", "_kind", "_needed", "_where")

    def __init__(self, where: str, field: "attrs.Attribute[Any]") -> None:
        self._where = where
        self._kind = field.type
        self._convert = cast("Callable[[object], object] | None", field.converter)
        self._needed = field.default is attrs.NOTHING

    def __call__(self, value: object) -> object:
        if self._convert is not None:
            try:
                value = self._convert(value)
            except ConfigError as error:
                raise ConfigError(f"{self._where}: {error}", hint=error.hint) from None
        checked = _fit(self._where, self._kind, value)
        if self._needed and (checked == () or (isinstance(checked, str) and not checked.strip())):
            raise ConfigError(
                f"{self._where}: must not be empty", hint="Zadig cannot run this job without it."
            )
        return checked


def _fit(where: str, kind: Any, value: object) -> object:
    origin = get_origin(kind)
    if origin is Literal:
        return _choice(where, get_args(kind), value)
    if origin is Sequence or origin is tuple:
        if isinstance(value, str | bytes) or not isinstance(value, Sequence):
            raise _wrong(where, "a list", value, "Put it in a list, even if it is only one.")
        return tuple(_fit(f"{where}[{index}]", get_args(kind)[0], item) for index, item in enumerate(value))
    if origin is Mapping:
        if not isinstance(value, Mapping):
            raise _wrong(where, "a mapping", value, "Write keys with values.")
        return dict(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _wrong(
            where, _EXPECTED.get(kind, kind.__name__), value, _MEND.get(kind, f"Make a {kind.__name__}.")
        )
    return value


def _choice(where: str, choices: tuple[str, ...], value: object) -> object:
    if not isinstance(value, str):
        raise _wrong(where, "a string", value, _MEND[str])
    if value not in choices:
        words = ", ".join(repr(choice) for choice in choices)
        raise ConfigError(f"{where}: not one of the words Zadig knows", hint=f"Write one of {words}.")
    return value


def _wrong(where: str, expected: str, value: object, mend: str) -> ConfigError:
    return ConfigError(f"{where}: expected {expected}, got {type(value).__name__}", hint=mend)
