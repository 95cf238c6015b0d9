"""The task detail as pydantic models: the envelope typed, specs plain.

Times stay whole numbers and statuses strings, which is less work than our own values are.
"""

from typing import Any

from pydantic import BaseModel


class User(BaseModel):
    type: str = ""
    user_id: str = ""
    user_name: str = ""
    reject_or_approve: str = ""
    comment: str = ""
    operation_time: int = 0


class ErrorPolicy(BaseModel):
    policy: str = ""
    maximum_retry: int = 0
    approval_users: list[User] = []


class Param(BaseModel):
    name: str
    description: str = ""
    type: str = ""
    value: str = ""
    repo: dict[str, Any] | None = None
    choice_option: list[str] = []
    default: str = ""
    is_credential: bool = False
    source: str = ""


class Job(BaseModel):
    name: str
    key: str = ""
    display_name: str = ""
    origin_name: str = ""
    type: str = ""
    status: str = ""
    start_time: int = 0
    end_time: int = 0
    cost_seconds: float = 0
    error: str = ""
    reverted: bool = False
    breakpoint_before: bool = False
    breakpoint_after: bool = False
    spec: dict[str, Any] | None = None
    error_policy: ErrorPolicy | None = None
    error_handler_user_id: str = ""
    error_handler_username: str = ""
    retry_count: int = 0
    job_info: dict[str, Any] | None = None


class ManualExec(BaseModel):
    enabled: bool = False
    modify_params: bool = False
    excuted: bool = False
    manual_exec_users: list[User] = []


class Stage(BaseModel):
    name: str
    status: str = ""
    start_time: int = 0
    end_time: int = 0
    parallel: bool = False
    manual_exec: ManualExec | None = None
    error: str = ""
    jobs: list[Job] = []


class Task(BaseModel):
    task_id: int
    workflow_key: str
    workflow_name: str = ""
    project_key: str = ""
    params: list[Param] = []
    status: str = ""
    reverted: bool = False
    remark: str = ""
    task_creator: str = ""
    task_revoker: str = ""
    create_time: int = 0
    start_time: int = 0
    end_time: int = 0
    stages: list[Stage] = []
    error: str = ""
    is_restart: bool = False
    debug: bool = False
    approval_ticket_id: str = ""
    approval_id: str = ""
