"""Zadig's operation log: who asked for what, word by word."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class Operation:
    """One request as Zadig noted it before it acted.

    Attributes:
        username: Display name of who asked.
        project_key: Project key as it was sent, or empty.
        method: What was asked for, in Zadig's words; `新建` for a trigger.
        function: On what, in Zadig's words; `工作流任务` for a trigger.
        scene: Part of the environments it concerns, or empty.
        targets: What there it concerns.
        detail: Key or name of the thing; the workflow key for a trigger.
        request_body: The body exactly as it was sent, or empty. It may hold secrets, so it is not shown.
        body_type: `json` or `yaml`.
        status: HTTP status of the answer; 0 while there is none yet, and for ever if the server died first.
        created_at: When the request came, to the second by the server's clock, or None.
        raw: The object as received; it holds the body too and is not shown either.
    """

    username: str = ""
    project_key: str = ""
    method: str = ""
    function: str = ""
    scene: str = ""
    targets: tuple[str, ...] = ()
    detail: str = ""
    request_body: str = attrs.field(default="", repr=False)
    body_type: str = "json"
    status: int = 0
    created_at: datetime | None = None
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)


@attrs.frozen(kw_only=True)
class OperationPage:
    """One page of the operation log, newest first.

    Attributes:
        total: How many entries there are on all pages.
        operations: The entries of this page.
    """

    total: int
    operations: tuple[Operation, ...] = ()
