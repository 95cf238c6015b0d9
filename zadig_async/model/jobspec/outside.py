"""Specs of jobs that start or watch something elsewhere: Jenkins, BlueKing, other workflows, monitors."""

from collections.abc import Mapping
from typing import Any

import attrs

from zadig_async.model.spec import JobSpec, Received
from zadig_async.model.status import NOT_STARTED, Status
from zadig_async.model.variable import Param


@attrs.frozen(kw_only=True)
class JenkinsParameter(Received):
    """A parameter of a Jenkins job; the value may be a credential, so repr leaves it out.

    Attributes:
        name: Name.
        value: Value.
        type: `string`, `choice` and so on.
        choices: What can be chosen.
        source: Where the value comes from.
    """

    name: str = ""
    value: str = attrs.field(default="", repr=False)
    type: str = ""
    choices: tuple[str, ...] = ()
    source: str = ""


@attrs.frozen(kw_only=True)
class JenkinsJob(Received):
    """A Jenkins job.

    Attributes:
        job_name: Name.
        job_id: Number of its run; 0 until it has one.
        job_output: Its log.
        parameters: Its parameters.
    """

    job_name: str = ""
    job_id: int = 0
    job_output: str = attrs.field(default="", repr=False)
    parameters: tuple[JenkinsParameter, ...] = ()


@attrs.frozen(kw_only=True)
class JenkinsSpec(JobSpec):
    """`jenkins`.

    Attributes:
        id: Id of the Jenkins server in Zadig.
        host: Its address.
        job: The Jenkins job, or None.
    """

    id: str = ""
    host: str = ""
    job: JenkinsJob | None = None


@attrs.frozen(kw_only=True)
class BlueKingParameter(Received):
    """A global variable of a BlueKing plan; the value may be a credential, so repr leaves it out.

    Attributes:
        id: Id.
        name: Name.
        description: Free text.
        type: BlueKing's number of the type.
        required: 1 if it must be given.
        value: Value.
        server: Machines it names, as received: the shape is BlueKing's, or None.
    """

    id: int = 0
    name: str = ""
    description: str = ""
    type: int = 0
    required: int = 0
    value: str = attrs.field(default="", repr=False)
    server: Mapping[str, Any] | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class BlueKingSpec(JobSpec):
    """`blueking`.

    Attributes:
        tool_id: Id of the BlueKing server in Zadig.
        tool_name: Its name.
        host: Its address.
        business_id: BlueKing business.
        execution_plan_id: The plan.
        parameters: Its global variables.
        job_status: BlueKing's number of the state.
        instance_id: Id of the run.
        instance_name: Name of the run.
    """

    tool_id: str = ""
    tool_name: str = ""
    host: str = ""
    business_id: int = 0
    execution_plan_id: int = 0
    parameters: tuple[BlueKingParameter, ...] = ()
    job_status: int = 0
    instance_id: int = 0
    instance_name: str = ""


@attrs.frozen(kw_only=True)
class TriggeredWorkflow(Received):
    """A workflow this job started.

    Attributes:
        project_key: Its project.
        workflow_key: Its id.
        workflow_name: Its display name.
        service_name: The service it was started for, or empty.
        service_module: The module it was started for, or empty.
        task_id: Number of its run; 0 until it has one.
        status: State of its run.
        params: Variables it was given.
    """

    project_key: str = ""
    workflow_key: str = ""
    workflow_name: str = ""
    service_name: str = ""
    service_module: str = ""
    task_id: int = 0
    status: Status = NOT_STARTED
    params: tuple[Param, ...] = ()


@attrs.frozen(kw_only=True)
class WorkflowTriggerSpec(JobSpec):
    """`workflow-trigger`: other workflows are started.

    Attributes:
        trigger_type: `common` for one workflow for each service, `fixed` for a fixed list.
        check_enabled: Whether the job waits for them and fails with them.
        workflows: The workflows.
    """

    trigger_type: str = ""
    check_enabled: bool = False
    workflows: tuple[TriggeredWorkflow, ...] = ()


@attrs.frozen(kw_only=True)
class GrafanaAlert(Received):
    """An alert that is watched.

    Attributes:
        id: Id.
        name: Name.
        status: `checking`, `normal`, `abnormal`, `unfinished`, or empty.
        url: Its address.
    """

    id: str = ""
    name: str = ""
    status: str = ""
    url: str = ""


@attrs.frozen(kw_only=True)
class GrafanaSpec(JobSpec):
    """`grafana`: alerts are watched for a while.

    Attributes:
        id: Id of the Grafana server in Zadig.
        name: Its name.
        check_minutes: How long they are watched.
        check_mode: `trigger` fails at the first alert, `alert` once every alert has fired.
        alerts: The alerts.
    """

    id: str = ""
    name: str = ""
    check_minutes: int = 0
    check_mode: str = ""
    alerts: tuple[GrafanaAlert, ...] = ()


@attrs.frozen(kw_only=True)
class GuanceyunMonitor(Received):
    """A monitor that is watched.

    Attributes:
        id: Id.
        name: Name.
        level: Lowest level that counts as an alarm.
        status: `checking`, `normal`, `abnormal`, `unfinished`, or empty.
        url: Its address.
    """

    id: str = ""
    name: str = ""
    level: str = ""
    status: str = ""
    url: str = ""


@attrs.frozen(kw_only=True)
class GuanceyunSpec(JobSpec):
    """`guanceyun-check`: monitors are watched for a while.

    Attributes:
        id: Id of the Guance server in Zadig.
        name: Its name.
        check_minutes: How long they are watched.
        check_mode: `trigger` fails at the first alarm, `monitor` once every monitor has one.
        monitors: The monitors.
    """

    id: str = ""
    name: str = ""
    check_minutes: int = 0
    check_mode: str = ""
    monitors: tuple[GuanceyunMonitor, ...] = ()
