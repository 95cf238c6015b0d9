"""What every job spec has in common: the marker, the fallback, and values several families share.

It stands outside the package `jobspec`, whose hundred classes are loaded with the first spec looked at.
"""

from collections.abc import Mapping
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class Received:
    """A value as the server sent it.

    Attributes:
        raw: The object as received, unknown fields and credentials included; never shown.
    """

    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)


@attrs.frozen(kw_only=True)
class JobSpec(Received):
    """What one job of a run does; the subclass says for which types."""


@attrs.frozen(kw_only=True)
class GenericSpec(JobSpec):
    """The spec of a type this version has no class for, or whose fields depend on its configuration.

    Everything is in `raw`, with null entries already dropped by the server.
    """


@attrs.frozen(kw_only=True)
class DeployedImage(Received):
    """The image a service module gets."""

    service_name: str = ""
    service_module: str = ""
    image: str = ""


@attrs.frozen(kw_only=True)
class Event(Received):
    """One line of a roll-out's diary.

    Attributes:
        event_type: `info` or `error`.
        time: Wall clock of the server without a zone, such as `2026-01-15 10:20:30`.
        message: What happened.
    """

    event_type: str = ""
    time: str = ""
    message: str = ""
