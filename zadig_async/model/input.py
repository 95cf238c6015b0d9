"""What every input has in common: the base class, variables, versions of code, and the raw way out."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import attrs

from zadig_async.errors import ConfigError
from zadig_async.model.exact import exact
from zadig_async.model.secret import Secret


def _secret(value: str | Secret) -> Secret:
    if isinstance(value, str):
        return Secret(value)
    if not isinstance(value, Secret):
        raise ConfigError(
            f"expected a string, got {type(value).__name__}", hint="Put it in quotes: Zadig takes it as text."
        )
    return value


@attrs.frozen(kw_only=True, field_transformer=exact)
class InputValue:
    """One variable of a job and the value it gets; any value may be a password, so none is shown.

    Attributes:
        key: Name of the variable. One the job does not have is ignored by the server.
        value: Text, or a `Secret`; kept as a `Secret`.
    """

    key: str
    value: Secret = attrs.field(converter=_secret)


def key_values(values: Mapping[str, str | Secret] | Sequence[InputValue]) -> tuple[InputValue, ...]:
    """Return variables given as a mapping or one by one; the converter of fields that hold them.

    Raises:
        ConfigError: Names or values are not text.
    """
    given: object = values
    if isinstance(given, str | bytes) or not isinstance(given, Mapping | Sequence):
        raise ConfigError(
            f"expected a mapping of names to values, got {type(given).__name__}",
            hint='Write {"NAME": "value"}.',
        )
    if not isinstance(given, Mapping):
        return tuple(given)
    for key, value in given.items():
        if not isinstance(key, str):
            raise ConfigError(
                f"expected names as strings, got {type(key).__name__}", hint="Put it in quotes."
            )
        if not isinstance(value, str | Secret):
            raise ConfigError(
                f"{key!r}: expected a string, got {type(value).__name__}",
                hint="Put the value in quotes: Zadig takes every value as text.",
            )
    return tuple(InputValue(key=key, value=value) for key, value in given.items())


def refuse_twice(where: str, names: Sequence[str]) -> None:
    """Refuse a list in which a name stands twice.

    Raises:
        ConfigError: With the names that do.
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{where}: {', '.join(twice)} stands twice", hint="Name each only once.")


@attrs.frozen(kw_only=True, field_transformer=exact)
class RepoParam:
    """The value of a workflow variable of type `repo`.

    Attributes:
        codehost_name: The code host's alias in Zadig; an unknown one is refused by the server.
        repo_namespace: Namespace. Together with `repo_name` it must be the variable's own repository:
            another one of the same code host is silently ignored.
        repo_name: Name.
        branch: Branch.
        prs: Pull requests to merge into it first.
    """

    codehost_name: str
    repo_namespace: str
    repo_name: str
    branch: str
    prs: Sequence[int] = ()


@attrs.frozen(kw_only=True, field_transformer=exact)
class RepoInput:
    """Which version of one repository a job uses.

    The server looks for a repository of the job with the same code host, namespace and name, and ignores
    an input that fits none. The one it finds loses branch, pull requests and commit for what is given
    here, so at least one of the three must be given. Tags cannot be set
    (Zadig v4.1.0 pkg/types/openapi.go:24).

    Attributes:
        codehost_name: The code host's alias in Zadig; an unknown one is refused by the server.
        repo_namespace: Namespace.
        repo_name: Name.
        branch: Branch.
        prs: Pull requests to merge into it first.
        commit_id: Commit to use, whatever the branch has by then.
        stream: Perforce stream; the four Perforce fields only count for a freestyle job.
        view_mapping: Perforce view of a local depot.
        changelist_id: Perforce change list.
        shelve_id: Perforce shelf.
        enable_commit: Follows from `commit_id`, which the server ignores without it.
    """

    codehost_name: str
    repo_namespace: str = ""
    repo_name: str = ""
    branch: str = ""
    prs: Sequence[int] = ()
    commit_id: str = ""
    stream: str = ""
    view_mapping: str = ""
    changelist_id: int = 0
    shelve_id: int = 0
    enable_commit: bool = attrs.field(
        init=False, repr=False, default=attrs.Factory(lambda self: bool(self.commit_id), takes_self=True)
    )

    def __attrs_post_init__(self) -> None:
        if self.stream or self.view_mapping or self.changelist_id or self.shelve_id:
            return
        for name in ("repo_namespace", "repo_name"):
            if not getattr(self, name).strip():
                raise ConfigError(
                    f"RepoInput.{name}: must not be empty", hint="Zadig finds the repository by it."
                )
        if not (self.branch or self.prs or self.commit_id):
            raise ConfigError(
                "RepoInput.branch: no branch, pull request or commit given",
                hint="Give one: Zadig would empty all three.",
            )


@attrs.frozen(kw_only=True)
class JobInput:
    """What a launch asks of one job; the subclass says of which type.

    The server never reads the type that is sent along: the job's stored type decides
    (Zadig v4.1.0 workflow/service/workflow/openapi.go:96), and an input of another shape is read as
    an empty one.

    Attributes:
        job_type: Zadig's job type string.
    """

    job_type: ClassVar[str]


@attrs.frozen(kw_only=True, field_transformer=exact)
class RawInput(JobInput):
    """Parameters exactly as given, for what this version has no class for. Nothing in it is checked.

    Attributes:
        job_type: Zadig's job type string.
        parameters: The JSON object to send; it may hold credentials, so it is not shown.
    """

    job_type: str  # type: ignore[misc]  # the only input whose type is not fixed by its class
    parameters: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
