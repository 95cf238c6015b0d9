"""`Gate`: a place where a task waits for a human, whatever the server calls it."""

from datetime import datetime
from enum import StrEnum, unique

import attrs

from zadig_async.model.user import User

Opening = tuple[str, float | None]
"""One opening of a gate: its key, and when it opened in Unix seconds of the server, or None."""


@unique
class GateKind(StrEnum):
    """What the task waits for."""

    APPROVAL = "approval"
    """A native approval job of a server from v4: passed with the approve call."""
    STAGE_APPROVAL = "stage_approval"
    """The stage approval of older servers: passed with the approve call and the stage's name."""
    EXTERNAL_APPROVAL = "external_approval"
    """Lark, DingTalk or WeCom approval: visible, passed only there."""
    MANUAL_STAGE = "manual_stage"
    """A stage that a person has to start; the task rests as `pause` meanwhile."""
    ERROR_HANDLING = "error_handling"
    """A failed job whose error policy asks a person to ignore or reject the failure."""
    BREAKPOINT = "breakpoint"
    """A job stopped for debugging."""


@attrs.frozen(kw_only=True)
class Gate:
    """One open gate of one task.

    Attributes:
        kind: What the task waits for.
        stage: Name of the stage it is in.
        job: Job task name, such as `job-1-0-0-approval`; empty where a whole stage waits.
        name: The configured name rules match: of the job, or of the stage where a whole stage waits.
        approve_name: What the approve call wants as `stage_name`, or empty where that call cannot pass
            this gate. A v4 server wants the job task name there, an older one the stage name.
        description: What the workflow's author wrote for approvers.
        approvers: Who may decide, with the votes cast so far.
        needed: How many must approve.
        timeout: Seconds the gate stays open, or None where nothing says so.
        opened_at: Since when it waits, or None.
    """

    kind: GateKind
    stage: str
    job: str = ""
    name: str
    approve_name: str = ""
    description: str = ""
    approvers: tuple[User, ...] = ()
    needed: int = 1
    timeout: float | None = None
    opened_at: datetime | None = None

    @property
    def passable(self) -> bool:
        """Whether the approve call can pass this gate at all."""
        return bool(self.approve_name)

    @property
    def key(self) -> str:
        """Identifies the gate within its task."""
        return self.job or self.stage

    @property
    def opening(self) -> Opening:
        """Tells this opening of the gate from another one: a retry opens a gate of the same name anew."""
        return self.key, self.opened_at.timestamp() if self.opened_at is not None else None

    @property
    def approved(self) -> int:
        """How many approvals were cast."""
        return sum(user.decision == "approve" for user in self.approvers)

    def decided_with(self, comment: str) -> bool:
        """Whether a vote with exactly this comment is recorded, which is how our own vote is found again."""
        return any(user.decision and user.comment == comment for user in self.approvers)
