"""YAML as the server reads and writes workflow definitions."""

import io
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

__all__ = ["YamlError", "parse_yaml", "write_yaml"]

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class YamlError(ValueError):
    """The text is no YAML to Go's yaml.v3."""


def parse_yaml(body: bytes) -> Any:
    """Parse a posted definition; JSON is YAML too, except for the surrogate escapes that yaml.v3 refuses.

    Raises:
        YamlError: in one line, what is wrong.
    """
    try:
        text = body.decode("utf-8")
        if _SURROGATE.search(text):
            raise YamlError("yaml: found invalid Unicode character escape code")
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, UnicodeDecodeError) as failure:
        raise YamlError(f"yaml: {str(failure).splitlines()[0]}") from failure


def write_yaml(document: Any) -> str:
    """Write a definition in the order of its keys, in real UTF-8 and without anchors."""
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.allow_unicode = True
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # annotated as None, documented as bool
    writer.representer.ignore_aliases = lambda *_: True
    text = io.StringIO()
    writer.dump(document, text)
    return text.getvalue()
