"""`zadig-async approve`: decide about one gate, and prove that the decision was taken."""

import asyncio
import re
import secrets
import time
from collections.abc import Sequence

import click

from zadig_async.cli import exits, output
from zadig_async.cli.durations import spell_duration
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.reading import known_task
from zadig_async.cli.render import records, words
from zadig_async.cli.session import Session, complete, confirm, connection_options, declined, pass_session
from zadig_async.client.client import ZadigClient
from zadig_async.errors import ConfigError, ZadigError
from zadig_async.journal.audit import NoAudit
from zadig_async.journal.journal import Journal
from zadig_async.model.gate import Gate
from zadig_async.model.ids import TaskRef
from zadig_async.model.status import Phase
from zadig_async.orchestrator import events
from zadig_async.orchestrator.approver import Approver
from zadig_async.orchestrator.means import READ_BACKS, Means
from zadig_async.orchestrator.policy import ApprovalPolicy, ApprovalRule, RunPolicy
from zadig_async.orchestrator.switch import KillSwitch
from zadig_async.orchestrator.writes import finish
from zadig_async.sinks.terminal import safe, safe_block
from zadig_async.wire.gates import voters

_HELP = """\
Approve or reject the gate a task waits at, as the user of your token.

Shows the gate and who may decide, asks, votes once, and reads the task back until the vote shows.

\b
Examples:
    zadig-async approve 'shop/deploy-api#56'
    zadig-async approve 'shop/deploy-api#56' --gate staging-gate --comment "CHG-1234" --yes
    zadig-async approve 'shop/deploy-api#56' --reject
"""


@click.command(help=_HELP)
@click.argument("ref")
@click.option("--gate", "name", metavar="NAME", help="Which gate, where the task waits at several.")
@click.option("--comment", default="", help="Stored with the vote and shown in Zadig.")
@click.option("--reject", is_flag=True, help="Vote against it. One such vote ends the task.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@connection_options
@pass_session
def command(session: Session, *, ref: str, name: str | None, comment: str, reject: bool, yes: bool) -> int:
    """Approve or reject a gate."""
    return complete(_decide(session, TaskRef.parse(ref), name, comment, reject=reject, yes=yes))


async def _decide(
    session: Session, ref: TaskRef, name: str | None, comment: str, *, reject: bool, yes: bool
) -> int:
    async with session.connect() as zadig:
        task = await known_task(zadig, ref)
        gate = _chosen(task.gates, name, ref)
        told: list[events.Event] = []
        means = _means(zadig, ref, gate, comment, told)
        approver = Approver(means, ref)
        async with means.holding(ref.of):
            # What is decided about is what is shown now, however long a person thinks it over.
            await approver.opened(gate, task)
            if not session.json:
                _show(ref, gate)
            if not gate.passable:
                output.remark(
                    "This gate cannot be decided through Zadig's API: a person has to act where it lives."
                )
                return ExitCode.BLOCKED
            if not confirm(f"{'Reject' if reject else 'Approve'} {safe(gate.name)} of {ref}?", yes=yes):
                return declined()
            if reject:
                code = await _reject(zadig, approver, gate, comment)
            else:
                code = await _approve(approver, gate, told)
    if session.json:
        output.say_document(
            {
                "task": str(ref),
                "gate": records.gate_record(gate),
                "vote": "reject" if reject else "approve",
                "shows": code is ExitCode.SUCCEEDED,
            }
        )
    return code


def _chosen(gates: Sequence[Gate], name: str | None, ref: TaskRef) -> Gate:
    """Return the gate meant.

    Raises:
        ConfigError: There is none, or several and no name.
    """
    if not gates:
        raise ConfigError(
            f"{ref}: it waits at no gate now", hint=f"Look: zadig-async tasks get {words.shell_word(ref)}"
        )
    names = ", ".join(safe(gate.name) for gate in gates)
    meant = [gate for gate in gates if name in (None, gate.name, gate.key)]
    if not meant:
        raise ConfigError(f"{ref}: it waits at no gate {name!r}", hint=f"It waits at: {names}.")
    if len(meant) > 1:
        raise ConfigError(f"{ref}: it waits at several gates", hint=f"Name one with --gate: {names}.")
    return meant[0]


def _show(ref: TaskRef, gate: Gate) -> None:
    output.say(f"{ref} waits at gate {safe(gate.name)} ({gate.kind.replace('_', ' ')})")
    for line in safe_block(gate.description):
        output.say(f"  {line}")
    output.say(f"  {gate.approved} of {gate.needed} approvals so far")
    for user in gate.approvers:
        vote = f": {safe(user.decision)} {safe(user.comment)}".rstrip() if user.decision else ""
        output.say(f"  may decide: {words.people_words([user])}{vote}")
    if gate.timeout is not None:
        output.say(f"  closes {spell_duration(gate.timeout)} after it opened")


def _means(zadig: ZadigClient, ref: TaskRef, gate: Gate, comment: str, told: list[events.Event]) -> Means:
    """Return what it takes to vote for this one gate: a person has decided, so the rule asks for little."""
    rule = ApprovalRule(
        project=_literal(ref.project),
        workflow=_literal(ref.workflow),
        gate=_literal(gate.name),
        after_passed=False,
        own_tasks=True,
        comment=comment,
    )
    return Means(
        zadig=zadig,
        voter=zadig,
        policy=RunPolicy(approvals=ApprovalPolicy([rule])),
        journal=Journal.in_memory(),
        audit=NoAudit(),
        switch=KillSwitch(),
        emit=told.append,
        stop=asyncio.Event(),
        wall=time.time,
    )


async def _approve(approver: Approver, gate: Gate, told: list[events.Event]) -> ExitCode:
    settled = await approver.approve(gate.key, gate.opening)
    voted = any(isinstance(event, events.GateApproving) for event in told)
    failure = next((event for event in told if isinstance(event, events.GateNotApproved)), None)
    if failure is not None:
        return _not_approved(failure, voted=voted)
    if not settled:
        output.remark("The task could not be read; no vote was sent.")
        return ExitCode.TRY_LATER
    if any(isinstance(event, events.GateApproved) for event in told):
        output.remark(f"Approved: our vote for {safe(gate.name)} shows in Zadig.")
        return ExitCode.SUCCEEDED
    output.remark(
        f"The gate {safe(gate.name)} is closed now; "
        + ("our vote was sent and does not show." if voted else "no vote was sent.")
    )
    return ExitCode.UNKNOWN if voted else ExitCode.USAGE


def _not_approved(failure: events.GateNotApproved, *, voted: bool) -> ExitCode:
    if failure.error is None and voted:
        output.remark(f"The vote was sent and does not show: {safe(failure.reason)}. Look again in a while.")
        return ExitCode.UNKNOWN
    if failure.error is None:
        output.remark(f"No vote was sent: {safe(failure.reason)}.")
        return ExitCode.BLOCKED
    output.remark(f"Error: {safe(failure.reason)}")
    if failure.error.hint:
        output.remark(f"Hint: {safe(failure.error.hint)}")
    return exits.of_error(failure.error)


async def _reject(zadig: ZadigClient, approver: Approver, gate: Gate, comment: str) -> ExitCode:
    changed = await approver.changed_since_opened(gate)
    if changed:
        output.remark(f"No vote was sent: {safe(changed)}.")
        return ExitCode.BLOCKED
    marked = f"zadig-async {secrets.token_hex(8)} {comment}".strip()
    await finish(zadig.tasks.reject(approver.ref, gate, marked))
    for _ in range(READ_BACKS):
        try:
            task = await zadig.tasks.get(approver.ref)
            shows = any(user.decision and user.comment == marked for user in voters(task, gate.key))
            if shows or task.status.phase is Phase.REJECTED:
                output.remark(f"Rejected: our vote against {safe(gate.name)} shows in Zadig.")
                return ExitCode.SUCCEEDED
        except ZadigError as error:
            output.remark(f"The vote was sent, and the task cannot be read: {safe(str(error))}")
        await asyncio.sleep(1)
    output.remark("The vote was sent and does not show. Look again in a while.")
    return ExitCode.UNKNOWN


def _literal(text: str) -> str:
    """Write a name as a pattern that matches nothing else."""
    return re.sub(r"([*?\[])", r"[\1]", text)
