"""Starting one launch: check it against the live definition, then send it once."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from zadig_async.client.client import ZadigClient
from zadig_async.errors import OutcomeUnknownError, ZadigError
from zadig_async.model.ids import TaskRef
from zadig_async.model.launch import Launch
from zadig_async.orchestrator import events
from zadig_async.orchestrator.writes import Permit

if TYPE_CHECKING:
    from zadig_async.orchestrator.preflight import Plan

_LOG: Final = logging.getLogger("zadig_async")


async def prepare(zadig: ZadigClient, launch: Launch) -> "Plan":
    """Read what the launch depends on and check it. Sends nothing that changes anything.

    Raises:
        PreflightError: The launch does not fit the live definition; holds every finding.
        NotFoundError: There is no such workflow.
        TransportError: The server did not answer.
    """
    from zadig_async.orchestrator import preflight  # noqa: PLC0415 - knows every input class; watching needs none

    workflow = await zadig.workflows.get(launch.project, launch.workflow)
    listed = await zadig.workflows.list(launch.project)
    registries = await zadig.registries.list() if preflight.needs_registries(launch, workflow) else ()
    return preflight.plan(launch, workflow, listed, registries)


async def trigger(
    zadig: ZadigClient, plan: "Plan", emit: Callable[[events.Event], None], permit: Permit
) -> TaskRef:
    """Send a checked launch once, and tell the task it made as an event.

    Args:
        zadig: The server.
        plan: The launch as checked.
        emit: Receives what happens.
        permit: Asked right before it is sent.

    Raises:
        DetachedError: Nothing may be sent any more, and nothing was.
        OutcomeUnknownError: It was sent and nothing proves what became of it.
        ApiError: Zadig refused it.
        ConnectError: It was never sent, however often that was tried.
    """
    launch = plan.launch
    emit(events.Launching(workflow=launch.ref, jobs=tuple(plan.inputs)))
    try:
        ref = await zadig.tasks.create(
            launch.project, launch.workflow, params=launch.params, inputs=plan.inputs, before_send=permit
        )
    except ZadigError:
        raise
    except Exception as fault:
        if not permit.granted:
            raise
        _LOG.exception("a fault of this package in the trigger of %s", launch.ref)
        name = type(fault).__name__
    else:
        emit(events.Launched(workflow=launch.ref, ref=ref))
        return ref
    raise OutcomeUnknownError(f"{launch.ref}: a fault of this package ({name}) hid the trigger's answer")
