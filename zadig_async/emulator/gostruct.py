"""Typed access to decoded JSON with the strictness and the complaints of Go's encoding/json."""

import json
from typing import Any

__all__ = ["GoTypeError", "boolean", "integer", "items", "member", "parse", "strings", "struct", "text"]

Json = dict[str, Any]


class GoTypeError(ValueError):
    """A value does not fit the Go struct; the text imitates encoding/json."""


def parse(body: bytes) -> Any:
    """Decode a JSON body.

    Raises:
        GoTypeError: the body is not one JSON document in UTF-8.
    """
    if not body.strip():
        raise GoTypeError("unexpected end of JSON input")

    def refuse(constant: str) -> Any:
        raise GoTypeError(f"invalid character '{constant[0]}' looking for beginning of value")

    try:
        return json.loads(body.decode("utf-8", "replace"), parse_constant=refuse)
    except json.JSONDecodeError as failure:
        if failure.pos >= len(failure.doc.rstrip()):
            raise GoTypeError("unexpected end of JSON input") from None
        found = failure.doc[failure.pos]
        raise GoTypeError(f"invalid character '{found}' looking for beginning of value") from None


def _name_of(value: Any) -> str:
    match value:
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _mismatch(value: Any, name: str, kind: str) -> GoTypeError:
    return GoTypeError(f"json: cannot unmarshal {_name_of(value)} into Go struct field {name} of type {kind}")


def struct(value: Any, name: str = "body") -> Json:
    """An object; null is the empty struct."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise GoTypeError(f"json: cannot unmarshal {_name_of(value)} into Go value of type {name}")
    return value


def text(source: Json, name: str) -> str:
    """A string field; absent and null are empty."""
    value = source.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _mismatch(value, name, "string")
    return value


def integer(source: Json, name: str) -> int:
    """An int field; absent and null are 0."""
    value = source.get(name)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int):
        raise _mismatch(value, name, "int")
    return value


def boolean(source: Json, name: str) -> bool:
    """A bool field; absent and null are false."""
    value = source.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise _mismatch(value, name, "bool")
    return value


def items(source: Json, name: str) -> list[Json]:
    """A slice of structs; absent and null are empty."""
    value = source.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _mismatch(value, name, "[]struct")
    return [struct(item, name) for item in value]


def strings(source: Json, name: str) -> list[str]:
    """A slice of strings; absent and null are empty."""
    value = source.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _mismatch(value, name, "[]string")
    return list(value)


def member(source: Json, name: str) -> Json | None:
    """A pointer to a struct; absent and null are nil."""
    value = source.get(name)
    return None if value is None else struct(value, name)
