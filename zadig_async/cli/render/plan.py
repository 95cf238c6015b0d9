"""What a launch would run, as lines and as JSON. Values of parameters and inputs are never shown."""

from typing import Any

from zadig_async.cli.render.columns import aligned
from zadig_async.model.gate import Gate, GateKind
from zadig_async.model.ids import TaskRef
from zadig_async.model.launch import Launch
from zadig_async.orchestrator.policy import RunPolicy
from zadig_async.orchestrator.preflight import Plan
from zadig_async.sinks.terminal import safe


def plan_lines(plan: Plan, policy: RunPolicy) -> list[str]:
    """Return the lines of a plan."""
    launch = plan.launch
    rows = []
    for name, given in plan.inputs.items():
        how = "with your inputs" if name in launch.inputs else "as configured"
        if given.job_type == "approval":
            how = "a rule may approve it" if _may_approve(launch, name, policy) else "waits for a person"
        rows.append((f"  {safe(name)}", safe(given.job_type), how))
    lines = [f"{launch.ref} would run:", *("  ".join(cells) for cells in aligned(rows))]
    if launch.params:
        lines.append(f"  with {', '.join(safe(name) for name in launch.params)} set")
    return lines


def plan_record(plan: Plan, policy: RunPolicy) -> dict[str, Any]:
    """Return a plan as plain data."""
    launch = plan.launch
    return {
        "workflow": str(launch.ref),
        "params": list(launch.params),
        "jobs": [
            {
                "name": name,
                "type": given.job_type,
                "as_configured": name not in launch.inputs,
                "rule_may_approve": _may_approve(launch, name, policy)
                if given.job_type == "approval"
                else None,
            }
            for name, given in plan.inputs.items()
        ],
    }


def _may_approve(launch: Launch, gate: str, policy: RunPolicy) -> bool:
    ref = TaskRef(launch.project, launch.workflow, 1)
    shape = Gate(kind=GateKind.APPROVAL, stage="", name=gate, approve_name=gate)
    return any(rule.matches(ref, shape) for rule in policy.approvals.rules)
