"""`User`: a person, a group or the task's creator, as approver lists name them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class User:
    """One entry of a list of approvers or executors, with the vote it cast, if any.

    Attributes:
        type: `user`, `group` or `task_creator`. A task holds no groups: Zadig replaces them by their
            members when it makes the task.
        user_id: Id of the user; approval compares this one.
        user_name: Display name of the user.
        group_id: Id of the group.
        group_name: Display name of the group.
        decision: `approve`, `reject`, or empty while there is none.
        comment: What was said with the decision.
        decided_at: When it was decided, or None.
        raw: The object as received.
    """

    type: str = ""
    user_id: str = ""
    user_name: str = ""
    group_id: str = ""
    group_name: str = ""
    decision: str = ""
    comment: str = ""
    decided_at: datetime | None = None
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)
