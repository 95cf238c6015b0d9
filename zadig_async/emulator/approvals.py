"""The votes on native approvals, kept as the server keeps them.

One Redis value per joined name, with an expiry.

Source: Zadig v4.1.0 common/service/approval/approval.go:47-136 and workflowcontroller/stage.go:79.
"""

from typing import Any

import attrs

from zadig_async.emulator.jsoncopy import clone
from zadig_async.emulator.script import UserScript

__all__ = ["ApprovalBook", "ApprovalRecord", "VoteError", "approval_key"]

_SLACK = 1.0
"""Seconds added to an expiry: a job that waits exactly as long as its key times out instead of failing."""


class VoteError(ValueError):
    """A vote is refused; the text is the description of code 6169."""


def approval_key(workflow_key: str, job_name: str, task_id: int) -> str:
    """The joined key. It is ambiguous: `pay` + `prod-x` and `pay-prod` + `x` share it, as on the server."""
    return f"{workflow_key}-{job_name}-{task_id}"


@attrs.define
class ApprovalRecord:
    """One open vote."""

    users: list[dict[str, Any]]
    needed: int
    ttl: float
    expires: float | None

    def verdict(self) -> str:
        """`reject`, `approve` or nothing yet: any reject decides, then the count."""
        votes = [item.get("reject_or_approve") for item in self.users]
        if "reject" in votes:
            return "reject"
        return "approve" if votes.count("approve") >= self.needed else ""


class ApprovalBook:
    """All open votes of a world."""

    def __init__(self) -> None:
        self._records: dict[str, ApprovalRecord] = {}

    def open(self, key: str, native: dict[str, Any], now: float) -> None:
        """Begin a vote, replacing whatever the key held."""
        ttl = float(native.get("timeout") or 0) * 60
        self._records[key] = ApprovalRecord(
            users=clone(native.get("approve_users") or []),
            needed=int(native.get("needed_approvers") or 0),
            ttl=ttl,
            expires=now + ttl + _SLACK if ttl else None,
        )

    def read(self, key: str, now: float) -> ApprovalRecord | None:
        """The vote under a key, unless it has expired."""
        record = self._records.get(key)
        if record is not None and record.expires is not None and now >= record.expires:
            del self._records[key]
            return None
        return record

    def close(self, key: str) -> None:
        """Forget a vote."""
        self._records.pop(key, None)

    def clear(self) -> None:
        """Forget every vote."""
        self._records.clear()

    def vote(self, key: str, user: UserScript, *, approve: bool, comment: str, now: float) -> None:
        """Record a vote and renew the expiry.

        Raises:
            VoteError: no such vote, not an approver, or voted before.
        """
        record = self.read(key, now)
        if record is None:
            raise VoteError("not found approval")
        mine = next((item for item in record.users if item.get("user_id") == user.uid), None)
        if mine is None:
            raise VoteError(f"user {user.name} has no authority to Approve")
        if mine.get("reject_or_approve"):
            raise VoteError(f"{user.name} have {mine['reject_or_approve']} already")
        mine.update(reject_or_approve="approve" if approve else "reject", operation_time=int(now))
        if comment:
            mine["comment"] = comment
        record.expires = now + record.ttl + _SLACK if record.ttl else None
