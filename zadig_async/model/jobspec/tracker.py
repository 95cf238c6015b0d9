"""Specs of jobs that move work items in issue trackers: Jira, TAPD, PingCode, Meego."""

from typing import Final

import attrs

from zadig_async.model.secret import Secret
from zadig_async.model.spec import JobSpec, Received

_NONE: Final = Secret("")


@attrs.frozen(kw_only=True)
class JiraIssue(Received):
    """One issue.

    Attributes:
        key: Key, such as `SHOP-12`.
        name: Title.
        status: How the move went: a status word of Zadig, or empty.
        link: Its address.
    """

    key: str = ""
    name: str = ""
    status: str = ""
    link: str = ""


@attrs.frozen(kw_only=True)
class JiraSpec(JobSpec):
    """`jira`.

    Attributes:
        project_id: Jira project.
        jira_id: Id of the Jira server in Zadig.
        issue_type: Type of the issues.
        issues: The issues.
        target_status: The state they are moved to.
    """

    project_id: str = ""
    jira_id: str = ""
    issue_type: str = ""
    issues: tuple[JiraIssue, ...] = ()
    target_status: str = ""


@attrs.frozen(kw_only=True)
class TapdIteration(Received):
    """One iteration.

    Attributes:
        iteration_id: Id.
        iteration_name: Name.
        start_date: First day, such as `2026-01-15`.
        end_date: Last day.
        error: Why it failed, or empty.
    """

    iteration_id: str = ""
    iteration_name: str = ""
    start_date: str = ""
    end_date: str = ""
    error: str = ""


@attrs.frozen(kw_only=True)
class TapdSpec(JobSpec):
    """`tapd`.

    Attributes:
        address: Address of TAPD.
        client_id: Account at TAPD.
        client_secret: Its credential, which Zadig sends in clear.
        company_id: Company.
        project_id: TAPD project.
        project_name: Its name.
        status: The state iterations are moved to.
        iterations: The iterations.
        detail: What a rollback did, or empty.
    """

    address: str = ""
    client_id: str = ""
    client_secret: Secret = _NONE
    company_id: str = ""
    project_id: str = ""
    project_name: str = ""
    status: str = ""
    iterations: tuple[TapdIteration, ...] = ()
    detail: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class PingCodeItem(Received):
    """One work item; its state and dates stay in `raw`.

    Attributes:
        id: Id.
        identifier: Short name, such as `SHP-12`.
        title: Title.
        type: Type.
        url: Its address.
        status: How the move went: a status word of Zadig, or empty.
        error: Why it failed, or empty.
    """

    id: str = ""
    identifier: str = ""
    title: str = ""
    type: str = ""
    url: str = ""
    status: str = ""
    error: str = ""


@attrs.frozen(kw_only=True)
class PingCodeSpec(JobSpec):
    """`pingcode`.

    Attributes:
        address: Address of PingCode.
        client_id: Account at PingCode.
        client_secret: Its credential, which Zadig sends in clear.
        project_id: PingCode project.
        project_name: Its name.
        board_id: Board.
        sprint_id: Sprint.
        item_type_id: Type of the work items.
        item_state_ids: States the work items were picked by.
        items: The work items.
        detail: What a rollback did, or empty.
    """

    address: str = ""
    client_id: str = ""
    client_secret: Secret = _NONE
    project_id: str = ""
    project_name: str = ""
    board_id: str = ""
    sprint_id: str = ""
    item_type_id: str = ""
    item_state_ids: tuple[str, ...] = ()
    items: tuple[PingCodeItem, ...] = ()
    detail: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class MeegoItem(Received):
    """A work item that is moved to another state.

    Attributes:
        id: Id.
        name: Title.
        transition_id: The move.
        target_state_key: Key of the state it is moved to.
        target_state_name: Name of that state.
        status: How the move went: a status word of Zadig, or empty.
    """

    id: int = 0
    name: str = ""
    transition_id: int = 0
    target_state_key: str = ""
    target_state_name: str = ""
    status: str = ""


@attrs.frozen(kw_only=True)
class MeegoNodeItem(Received):
    """A work item of which one node is completed.

    Attributes:
        id: Id.
        name: Title.
        node_id: The node.
        node_name: Name of the node.
        status: How it went: a status word of Zadig, or empty.
    """

    id: int = 0
    name: str = ""
    node_id: str = ""
    node_name: str = ""
    status: str = ""


@attrs.frozen(kw_only=True)
class MeegoSpec(JobSpec):
    """`meego-transition`.

    Attributes:
        link: Address of the space.
        source: Where the work items come from.
        project_key: Meego project.
        project_name: Its name.
        meego_id: Id of the Meego server in Zadig.
        work_item_type: Type of the work items.
        work_item_type_key: Its key.
        items: Work items moved to another state.
        node_items: Work items of which a node is completed.
    """

    link: str = ""
    source: str = ""
    project_key: str = ""
    project_name: str = ""
    meego_id: str = ""
    work_item_type: str = ""
    work_item_type_key: str = ""
    items: tuple[MeegoItem, ...] = ()
    node_items: tuple[MeegoNodeItem, ...] = ()
