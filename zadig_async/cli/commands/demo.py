"""`zadig-async demo`: four releases against the emulator on a real socket, told in plain words."""

from collections.abc import Sequence
from typing import Final

import click

from zadig_async.cli import exits, output
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.follow import Following
from zadig_async.cli.render.board import Board
from zadig_async.cli.session import Session, complete, output_options, pass_session
from zadig_async.client.client import ZadigClient
from zadig_async.emulator import Emulator, Ledger, Script
from zadig_async.model.launch import ALL_JOBS, Launch
from zadig_async.model.outcome import Outcome, Verdict
from zadig_async.orchestrator.policy import ApprovalPolicy, ApprovalRule, RunPolicy

_POLL_EVERY: Final = 0.4
"""Seconds; a real server is read every 3."""

_PATIENCE: Final = 120.0
"""Seconds after which the demo gives its own tasks up."""

_RULE: Final = ApprovalRule(
    project="shop", workflow="deploy-*", gate="staging-gate", own_tasks=True, comment="demo"
)

_EXPECTED: Final = {
    "deploy-api": Verdict.SUCCEEDED,
    "deploy-web": Verdict.SUCCEEDED,
    "deploy-search": Verdict.FAILED,
    "deploy-mobile": Verdict.SUCCEEDED,
}
"""The workflows of the demo, and how each is to end."""

_FAILING_JOB: Final = "build"
_GATED: Final = frozenset({"deploy-api", "deploy-web"})

_HELP = """\
Watch four releases run at once, without any server.

Starts a small Zadig (the emulator) on a free port of this machine, triggers its four workflows, approves two
gates by a rule, follows all logs, and shows how it ended. One workflow fails: that is part of the show.
Exit code 0 means that everything went as scripted.

\b
Examples:
    zadig-async demo
    zadig-async demo --speed 20
"""


@click.command(help=_HELP)
@click.option(
    "--speed",
    type=click.FloatRange(min=0.1, max=100),
    default=6.0,
    show_default=True,
    help="How many seconds pass in the small Zadig in one real second.",
)
@output_options
@pass_session
def command(session: Session, *, speed: float) -> int:
    """Watch four releases run against the emulator."""
    return complete(_demo(session, speed))


async def _demo(session: Session, speed: float) -> ExitCode:
    policy = RunPolicy(
        approvals=ApprovalPolicy([_RULE]), follow_logs=True, poll_every=_POLL_EVERY, outage=_PATIENCE
    )
    launches = [Launch("shop", workflow, jobs=ALL_JOBS) for workflow in _EXPECTED]
    async with Emulator(Script.default(), speed=speed) as emulator:
        _introduce(session, emulator.url, speed)

        def wrong(outcomes: Sequence[Outcome]) -> list[str]:
            return [*differences(outcomes), *untrue(outcomes, emulator.ledger)]

        following = Following(
            session,
            policy,
            Board(launch.ref for launch in launches),
            judge=lambda outcomes: _code(outcomes, wrong(outcomes)),
            advise=False,
        )
        async with ZadigClient.connect(emulator.url, token=emulator.token) as zadig:
            followed = await following.follow(zadig, lambda orchestrator: orchestrator.run_all(launches))
        if followed.code in (ExitCode.DETACHED, ExitCode.UNKNOWN):
            output.remark("The small Zadig is gone with this demo, and its tasks with it.")
        else:
            _conclude(session, wrong(followed.outcomes))
    return followed.code


def _code(outcomes: Sequence[Outcome], wrong: Sequence[str]) -> ExitCode:
    """Return 0 if all went as scripted, the failure included."""
    early = exits.of_outcomes(outcomes)
    if early in (ExitCode.DETACHED, ExitCode.UNKNOWN):
        return early
    return ExitCode.FAILED if wrong else ExitCode.SUCCEEDED


def _introduce(session: Session, url: str, speed: float) -> None:
    if session.json:
        return
    output.say_lines(
        [
            f"A small Zadig is running at {url}, on this machine only, {speed:g} times as fast as a clock.",
            "No real server is touched.",
            "",
            "Four workflows of its project 'shop' are triggered at once:",
            "  deploy-api, deploy-web   build, wait at the gate 'staging-gate', then deploy",
            "  deploy-mobile            builds three packages at the same time",
            "  deploy-search            fails while it builds: that is part of the show",
            "",
            f"The rule '{_RULE.project}/{_RULE.workflow}:{_RULE.gate}' lets us approve that gate alone.",
            "",
        ]
    )


def differences(outcomes: Sequence[Outcome]) -> list[str]:
    """Return in what the outcomes differ from the script of the demo."""
    found = {outcome.workflow.workflow: outcome for outcome in outcomes}
    wrong = [
        f"{workflow} was to end as {verdict}, and ended as "
        f"{found[workflow].verdict if workflow in found else 'nothing'}"
        for workflow, verdict in _EXPECTED.items()
        if workflow not in found or found[workflow].verdict is not verdict
    ]
    for workflow, outcome in found.items():
        failure = outcome.first_failure
        if outcome.verdict is Verdict.FAILED and (failure is None or failure.origin_name != _FAILING_JOB):
            wrong.append(f"{workflow} was to fail at {_FAILING_JOB}")
    return wrong


def untrue(outcomes: Sequence[Outcome], ledger: Ledger) -> list[str]:
    """Return in what the emulator's own records differ from what we believe we did."""
    created = sorted((task.workflow, task.task_id) for task in ledger.tasks)
    believed = sorted(
        (outcome.ref.workflow, outcome.ref.task_id) for outcome in outcomes if outcome.ref is not None
    )
    wrong = [] if created == believed else [f"the server made {created}, and we know of {believed}"]
    approved = sorted(vote.workflow for vote in ledger.approvals)
    if approved != sorted(_GATED):
        wrong.append(f"the server took approvals of {approved}, and {sorted(_GATED)} were due")
    return wrong


def _conclude(session: Session, wrong: Sequence[str]) -> None:
    if wrong:
        for line in wrong:
            output.remark(f"Not as scripted: {line}.")
    elif not session.json:
        output.say_lines(
            [
                "",
                "All as scripted: deploy-search had to fail. With your own server it goes the same way:",
                "  export ZADIG_URL=https://zadig.example.com ZADIG_TOKEN_FILE=~/.zadig-token",
                "  zadig-async doctor",
                "  zadig-async run PROJECT/WORKFLOW --all-jobs --logs",
            ]
        )
