"""Inputs on the wire: the `parameters` object a trigger sends for one job."""

from typing import Any

import attrs

from zadig_async.model.input import JobInput, RawInput
from zadig_async.model.secret import Secret
from zadig_async.wire.names import renames_of


def encode_parameters(given: JobInput) -> dict[str, Any]:
    """Return the JSON object Zadig wants for this input, secrets in clear.

    A field that may be left out is left out where it is empty: the server reads an absent key as empty
    text, zero, false or no list, which is what every such field's default means.
    """
    if isinstance(given, RawInput):
        return dict(given.parameters)
    return _object(given)


def _object(value: Any) -> dict[str, Any]:
    renames = renames_of(type(value))
    made: dict[str, Any] = {}
    for field in attrs.fields(type(value)):
        item = getattr(value, field.name)
        if item or field.default is attrs.NOTHING:
            made[renames.get(field.name, field.name)] = _json(item)
    return made


def _json(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    return _object(value) if attrs.has(type(value)) else value
