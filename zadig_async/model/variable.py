"""Variables: `Param` of a workflow and `KeyValue` of a job. A credential is masked until it is revealed.

Zadig sends credentials in clear (Zadig v4.1.0 .../common/repository/models/build.go:224), so only
`reveal()` and `raw` lead to them.
"""

from collections.abc import Mapping
from typing import Any

import attrs

from zadig_async.model.repository import Repository
from zadig_async.model.secret import MASK


@attrs.frozen(kw_only=True)
class KeyValue:
    """A variable of a job.

    Attributes:
        key: Name.
        type: `string`, `text`, `choice`, `multi-select`, `image`, `file`, `script`, or empty.
        registry_id: Registry the images of an `image` variable come from.
        choice_option: What can be chosen.
        choice_value: What was chosen from a `multi-select`.
        script: The script that makes the choices.
        call_function: How that script is called.
        function_reference: Variables that call uses.
        file_path: Path of an uploaded file.
        file_id: Id of an uploaded file.
        is_credential: Whether the value must not be shown.
        description: Free text.
        raw: The object as received, a credential included.
    """

    key: str
    _value: str = ""
    type: str = ""
    registry_id: str = ""
    choice_option: tuple[str, ...] = ()
    choice_value: tuple[str, ...] = ()
    script: str = ""
    call_function: str = ""
    function_reference: tuple[str, ...] = ()
    file_path: str = ""
    file_id: str = ""
    is_credential: bool = False
    description: str = ""
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)

    @property
    def value(self) -> str:
        """The value, or the mask if it is a credential."""
        return _masked(self._value, self.is_credential)

    def reveal(self) -> str:
        """Return the value itself, a credential too. Never log, store or print what this returns."""
        return self._value

    def __repr__(self) -> str:
        return f"KeyValue(key={self.key!r}, value={self.value!r}, type={self.type!r})"


@attrs.frozen(kw_only=True)
class Param:
    """A variable of a workflow, or an input of a plugin.

    Attributes:
        name: Name.
        description: Free text.
        type: `string`, `text`, `choice`, `multi-select`, `repo`, `image`, `file` or `script`. A trigger
            can set the types string, text, choice and repo; it may name others, to no effect
            (Zadig v4.1.0 workflow/service/workflow/openapi.go:71).
        repo: The repository of a `repo` variable, or None.
        choice_option: What can be chosen.
        choice_value: What was chosen from a `multi-select`.
        file_id: Id of an uploaded file.
        file_path: Path of an uploaded file.
        is_credential: Whether value and default must not be shown.
        source: `runtime`, `fixed`, `reference`, or empty.
        raw: The object as received, a credential included.
    """

    name: str
    description: str = ""
    type: str = ""
    _value: str = ""
    repo: Repository | None = None
    choice_option: tuple[str, ...] = ()
    choice_value: tuple[str, ...] = ()
    file_id: str = ""
    file_path: str = ""
    _default: str = ""
    is_credential: bool = False
    source: str = ""
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)

    @property
    def value(self) -> str:
        """The value, or the mask if it is a credential."""
        return _masked(self._value, self.is_credential)

    @property
    def default(self) -> str:
        """The default, or the mask if it is a credential."""
        return _masked(self._default, self.is_credential)

    def reveal(self) -> str:
        """Return the value itself, a credential too. Never log, store or print what this returns."""
        return self._value

    def __repr__(self) -> str:
        return f"Param(name={self.name!r}, value={self.value!r}, type={self.type!r})"


def _masked(text: str, is_credential: bool) -> str:
    return MASK if is_credential and text else text
