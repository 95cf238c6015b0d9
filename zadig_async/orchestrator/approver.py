"""Approving one gate: read, decide, vote once, read back until it shows."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Final

import attrs

from zadig_async.client.client import ZadigClient
from zadig_async.errors import (
    ConflictError,
    ConnectError,
    OutcomeUnknownError,
    RateLimitedError,
    TransportError,
    ZadigError,
)
from zadig_async.model.gate import Gate
from zadig_async.model.ids import TaskRef
from zadig_async.model.task import TaskStatus
from zadig_async.orchestrator import events
from zadig_async.orchestrator.policy import ApprovalPolicy
from zadig_async.orchestrator.writes import DetachedError, OutdatedError, Permit, finish
from zadig_async.wire.gates import voters

READ_BACKS: Final = 10
"""How often the task is read after a vote before the proof is given up."""

_PAUSE: Final = 1.0
"""Seconds between two of them; the server itself looks at votes once a second."""

_VOTES: Final = 2
"""A gate shows as open a moment before it takes votes (Zadig v4.1.0 .../job_approval.go:72-121), and a
vote can be lost with a success answer (.../approval/approval.go:78): one more try, after a fresh read."""

_FRESH: Final = 5.0
"""Seconds after the read it rests on in which a vote may be sent: later the gate may be another one of the
same name, which a retry has opened."""

_NOT_TAKEN: Final = (ConnectError, RateLimitedError, DetachedError, OutdatedError)
"""By these a vote never reached Zadig; it is cast at the next sight of the open gate, if there is one."""


@attrs.frozen
class Approver:
    """Votes for gates as far as a policy allows.

    Attributes:
        zadig: The server.
        policy: Which gates may be approved.
        emit: Receives what happens.
        may_write: Asked right before a vote is sent; False means that nothing may be sent any more.
    """

    zadig: ZadigClient
    policy: ApprovalPolicy
    emit: Callable[[events.Event], None]
    may_write: Callable[[], bool]

    async def approve(self, ref: TaskRef, key: str) -> bool:
        """Vote for a gate if, read anew, it is still open and a rule still allows it.

        Args:
            ref: The task.
            key: `Gate.key` of the gate.

        Returns:
            Whether this gate is done with for us: our vote shows, the gate is no longer open, or voting
            was refused for good. False asks to be called again at the next sight of the open gate.
        """
        mark = f"zadig-async {secrets.token_hex(8)}"
        for attempt in range(1, _VOTES + 1):
            seen = await self._read(ref)
            gate = _open_gate(seen, key)
            if seen is None or gate is None:
                return seen is not None
            permission = self.policy.permission(ref, gate, seen)
            if permission.rule is None:
                self._tell_failure(ref, gate, None, permission.reason)
                return False
            comment = f"{mark} {permission.rule.comment}".strip()
            self.emit(events.GateApproving(workflow=ref.of, ref=ref, gate=gate, reason=permission.reason))
            error = await self._vote(ref, gate, comment)
            if error is None or isinstance(error, OutcomeUnknownError):
                if await self._shows(ref, gate, comment):
                    return True
                reason = "the vote does not show in the task"
            else:
                reason = str(error)
            if isinstance(error, _NOT_TAKEN):
                return False
            if attempt == _VOTES or not isinstance(error, ConflictError | TransportError | None):
                self._tell_failure(ref, gate, error, reason)
                return True
            await asyncio.sleep(_PAUSE)
        return True

    async def _vote(self, ref: TaskRef, gate: Gate, comment: str) -> ZadigError | None:
        permit = Permit(self.may_write, until=asyncio.get_running_loop().time() + _FRESH)
        try:
            await finish(self.zadig.tasks.approve(ref, gate, comment, before_send=permit), permit)
        except ZadigError as error:
            return error
        return None

    async def _shows(self, ref: TaskRef, gate: Gate, comment: str) -> bool:
        """Whether the vote can be read back from the task, or somebody else has closed the gate."""
        for _ in range(READ_BACKS):
            await asyncio.sleep(_PAUSE)
            try:
                task = await self.zadig.tasks.get(ref)
                if any(user.decision and user.comment == comment for user in voters(task, gate.key)):
                    self.emit(events.GateApproved(workflow=ref.of, ref=ref, gate=gate))
                    return True
                if all(open_gate.key != gate.key for open_gate in task.gates):
                    return True
            except ZadigError:
                continue
        return False

    async def _read(self, ref: TaskRef) -> TaskStatus | None:
        try:
            return await self.zadig.tasks.status(ref)
        except ZadigError:
            return None

    def _tell_failure(self, ref: TaskRef, gate: Gate, error: ZadigError | None, reason: str) -> None:
        self.emit(events.GateNotApproved(workflow=ref.of, ref=ref, gate=gate, error=error, reason=reason))


def _open_gate(seen: TaskStatus | None, key: str) -> Gate | None:
    if seen is None:
        return None
    return next((gate for gate in seen.gates if gate.key == key), None)
