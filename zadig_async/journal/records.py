"""`Draft` and `Record`: one line of a journal before and after it was written.

A record never holds a secret: no token, no value of a variable, no error text of a server. What has to be
recognised again is kept as a digest (`zadig_async.journal.digest`).
"""

from collections.abc import Mapping
from enum import StrEnum, unique
from typing import Any

import attrs

from zadig_async.model.ids import WorkflowRef


@unique
class Kind(StrEnum):
    """What a record says."""

    INTENT = "intent"
    """We mean to do this. For a trigger, nothing was sent yet."""
    SENT = "sent"
    """The request is about to leave. From here on it may take effect, whatever else is known."""
    RESULT = "result"
    """What came back: accepted, refused, or proof that it was never sent."""
    ADOPTED = "adopted"
    """A task that was found is the one a trigger made."""
    UNKNOWN = "unknown"
    """No clear answer came, or the search for the task ended without one."""
    APPROVED = "approved"
    """Our vote was read back from the task."""
    CANCELLED = "cancelled"
    """A task is to be cancelled by us, or was."""
    FINISHED = "finished"
    """The run has come to its end for us."""
    NOTE = "note"
    """Anything else worth keeping."""


@unique
class Act(StrEnum):
    """The write a record is about."""

    TRIGGER = "trigger"
    APPROVE = "approve"
    CANCEL = "cancel"
    RETRY = "retry"


@attrs.frozen(order=True)
class Scope:
    """What exactly one driver may own at a time.

    Attributes:
        server: Address of the Zadig server.
        workflow: The workflow.
    """

    server: str
    workflow: WorkflowRef

    def __str__(self) -> str:
        return f"{self.workflow} on {self.server}" if self.server else str(self.workflow)


@attrs.frozen(kw_only=True)
class Draft:
    """A record that is still to be written.

    Attributes:
        kind: What it says.
        run: Id of the run it is about, or empty where it is about none.
        act: The write it is about.
        data: The rest, as JSON values.
    """

    kind: Kind
    run: str = ""
    act: Act = Act.TRIGGER
    data: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Record:
    """One line of a journal, as it was written.

    Attributes:
        seq: Its number in the journal, counted from 1 without a gap.
        at: When it was written, in Unix seconds by the store's own clock.
        scope: What its writer owned.
        token: The fencing token of its writer's lease.
        kind: What it says.
        run: Id of the run it is about, or empty.
        act: The write it is about.
        data: The rest, as JSON values.
    """

    seq: int
    at: float
    scope: Scope
    token: int
    kind: Kind
    run: str = ""
    act: Act = Act.TRIGGER
    data: Mapping[str, Any] = attrs.field(factory=dict)
