"""`ApprovalSpec`: the spec of an approval job, with the approval of whichever product it lives in.

Zadig v4.1.0 .../common/repository/models/workflow_v4.go:145-289 and pkg/tool/workwx/types.go:203. Only a
native approval can be decided through Zadig's API.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from zadig_async.model.spec import JobSpec, Received
from zadig_async.model.user import User


@attrs.frozen(kw_only=True)
class NativeApproval(Received):
    """An approval inside Zadig.

    Attributes:
        timeout_minutes: How long a vote is kept, renewed with each vote; 0 keeps it. If that is shorter
            than the job's own time-out, the job fails where it should time out
            (Zadig v4.1.0 .../service/approval/approval.go:47).
        approve_users: Who may vote, with the votes cast; groups already replaced by their members.
        needed_approvers: How many must approve; one reject is enough to reject.
        decision: Stays empty on v4.1; the votes are in `approve_users`.
        instance_code: Zadig's own id of the approval.
    """

    timeout_minutes: int = 0
    approve_users: tuple[User, ...] = ()
    needed_approvers: int = 0
    decision: str = ""
    instance_code: str = ""


@attrs.frozen(kw_only=True)
class LarkUser(Received):
    """A person in Lark, with the vote cast, if any.

    Attributes:
        id: Lark's id.
        id_type: Which of Lark's ids it is.
        name: Display name.
        avatar: Address of a picture.
        is_executor: Whether it stands for whoever started the run.
        decision: `approve`, `reject`, or empty.
        comment: What was said with the decision.
        decided_at: When it was decided, or None.
    """

    id: str = ""
    id_type: str = ""
    name: str = ""
    avatar: str = ""
    is_executor: bool = False
    decision: str = ""
    comment: str = ""
    decided_at: datetime | None = None


@attrs.frozen(kw_only=True)
class LarkGroup(Received):
    """A group in Lark."""

    group_id: str = ""
    group_name: str = ""


@attrs.frozen(kw_only=True)
class LarkNode(Received):
    """One step of a Lark approval.

    Attributes:
        type: `START`, `AND`, `OR`, `SEQUENTIAL` or `END`.
        approve_node_type: Empty for people, `user_group` or `user_dynamic_group`.
        approve_groups: Groups that decide.
        approve_users: People who decide.
        cc_users: People who are told.
        cc_groups: Groups that are told.
        decision: `approve`, `reject`, or empty.
    """

    type: str = ""
    approve_node_type: str = ""
    approve_groups: tuple[LarkGroup, ...] = ()
    approve_users: tuple[LarkUser, ...] = ()
    cc_users: tuple[LarkUser, ...] = ()
    cc_groups: tuple[LarkGroup, ...] = ()
    decision: str = ""


@attrs.frozen(kw_only=True)
class LarkApproval(Received):
    """An approval in Lark.

    Attributes:
        timeout_minutes: Its time-out; the job's own decides.
        approval_id: Id of the Lark app in Zadig.
        default_approval_initiator: Who asks; None means whoever started the run, which fails for a run
            started through the API of v4.1 (Zadig v4.1.0 .../jobcontroller/job_approval.go:207).
        approval_nodes: Its steps.
        instance_code: Lark's id of the approval.
        approve_users: The one step of older servers.
    """

    timeout_minutes: int = 0
    approval_id: str = ""
    default_approval_initiator: LarkUser | None = None
    approval_nodes: tuple[LarkNode, ...] = ()
    instance_code: str = ""
    approve_users: tuple[LarkUser, ...] = ()


@attrs.frozen(kw_only=True)
class DingTalkUser(Received):
    """A person in DingTalk, with the vote cast, if any.

    Attributes:
        id: DingTalk's id.
        name: Display name.
        avatar: Address of a picture.
        decision: `approve`, `reject`, `redirect`, `done`, or empty.
        comment: What was said with the decision.
        decided_at: When it was decided, or None.
    """

    id: str = ""
    name: str = ""
    avatar: str = ""
    decision: str = ""
    comment: str = ""
    decided_at: datetime | None = None


@attrs.frozen(kw_only=True)
class DingTalkNode(Received):
    """One step of a DingTalk approval.

    Attributes:
        type: `AND`, `OR` or `NONE`.
        approve_users: People who decide.
        decision: `approve`, `reject`, or empty.
    """

    type: str = ""
    approve_users: tuple[DingTalkUser, ...] = ()
    decision: str = ""


@attrs.frozen(kw_only=True)
class DingTalkApproval(Received):
    """An approval in DingTalk.

    Attributes:
        timeout_minutes: Its time-out; the job's own decides.
        approval_id: Id of the DingTalk app in Zadig.
        default_approval_initiator: Who asks; None means whoever started the run.
        approval_nodes: Its steps.
        instance_code: DingTalk's id of the approval.
    """

    timeout_minutes: int = 0
    approval_id: str = ""
    default_approval_initiator: DingTalkUser | None = None
    approval_nodes: tuple[DingTalkNode, ...] = ()
    instance_code: str = ""


@attrs.frozen(kw_only=True)
class WorkWXUser(Received):
    """A person in WeCom."""

    id: str = ""
    name: str = ""


@attrs.frozen(kw_only=True)
class WorkWXVote(Received):
    """One person's part in a step of a WeCom approval.

    Attributes:
        user_info: Who, as received: `{"user_id": ...}`.
        comment: What was said.
        status: 1 undecided, 2 approved, 3 rejected, 4 forwarded; more in WeCom's own documents.
        decided_at: When it was decided, or None.
    """

    user_info: Mapping[str, Any] = attrs.field(factory=dict)
    comment: str = ""
    status: int = 0
    decided_at: datetime | None = None


@attrs.frozen(kw_only=True)
class WorkWXNode(Received):
    """One step of a WeCom approval.

    Attributes:
        type: 1 for people who decide, 2 for people who are told.
        relation: 1 if all must approve, 2 if one is enough.
        users: People as configured.
        user_ids: WeCom's ids of the people.
        status: As in `WorkWXVote`.
        sub_nodes: Each person's part.
    """

    type: int = 0
    relation: int = 0
    users: tuple[WorkWXUser, ...] = ()
    user_ids: tuple[str, ...] = ()
    status: int = 0
    sub_nodes: tuple[WorkWXVote, ...] = ()


@attrs.frozen(kw_only=True)
class WorkWXApproval(Received):
    """An approval in WeCom.

    Attributes:
        timeout_minutes: Its time-out; the job's own decides.
        approval_id: Id of the WeCom app in Zadig.
        creator_user: Who asks; None means whoever started the run.
        approval_nodes: Its steps as configured.
        approval_node_details: Its steps as WeCom reports them.
        instance_id: WeCom's id of the approval.
    """

    timeout_minutes: int = 0
    approval_id: str = ""
    creator_user: WorkWXUser | None = None
    approval_nodes: tuple[WorkWXNode, ...] = ()
    approval_node_details: tuple[WorkWXNode, ...] = ()
    instance_id: str = ""


@attrs.frozen(kw_only=True)
class ApprovalSpec(JobSpec):
    """`approval`: who has to agree before the run goes on.

    Exactly one of `native`, `lark`, `dingtalk` and `workwx` is there, the one `kind` names. The same
    class reads the spec of a definition, where groups still stand as groups.

    Attributes:
        kind: `native`, `lark`, `lark_intl`, `dingtalk` or `workwx`.
        timeout_minutes: How long the job waits; the server takes 60 for 0.
        description: What the workflow's author wrote for approvers.
        message: What is sent to approvers.
        native: The approval inside Zadig, or None.
        lark: The approval in Lark, or None.
        dingtalk: The approval in DingTalk, or None.
        workwx: The approval in WeCom, or None.
        source: In a definition: `runtime`, `fixed`, or `fromjob` for another job's approvers.
        job_name: In a definition: that other job.
    """

    kind: str = ""
    timeout_minutes: int = 0
    description: str = ""
    message: str = ""
    native: NativeApproval | None = None
    lark: LarkApproval | None = None
    dingtalk: DingTalkApproval | None = None
    workwx: WorkWXApproval | None = None
    source: str = ""
    job_name: str = ""

    @property
    def approvers(self) -> tuple[User, ...]:
        """Who may vote inside Zadig; nobody where the approval lives in another product."""
        return self.native.approve_users if self.native is not None else ()

    @property
    def needed(self) -> int:
        """How many approvals inside Zadig are needed; 0 where the approval lives in another product."""
        return self.native.needed_approvers if self.native is not None else 0
