"""`zadig-async doctor`: check everything between here and a run, and say how to mend it."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum, unique
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import attrs
import click

from zadig_async.cli import exits, output
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.probe import probe
from zadig_async.cli.session import Session, complete, connection_options, pass_session
from zadig_async.cli.settings import Settings
from zadig_async.client.client import ZadigClient
from zadig_async.errors import ConnectError, ForbiddenError, NotFoundError, ZadigError
from zadig_async.model.ids import TaskRef
from zadig_async.model.inputs import SELECTABLE
from zadig_async.model.secret import Secret
from zadig_async.sinks.terminal import safe
from zadig_async.transport.options import Connection

_NOBODY = TaskRef("zadig-async-doctor", "zadig-async-doctor", 1)
"""A task that cannot exist: any valid token gets a plain "not found" for it."""

_MOST_SKEW = 60.0
_SOON = timedelta(days=14)
_MOST_DEFINITIONS = 10

_HELP = """\
Check URL, network, TLS, token, clock and server, one line each, and say how to mend what is wrong.

With a PROJECT key it also checks what the token may see there and what its workflows hold. Nothing is
changed.

\b
Examples:
    zadig-async doctor
    zadig-async doctor shop
"""


@unique
class State(StrEnum):
    """How a check went."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    NOTE = "note"


@attrs.frozen
class Check:
    """One line of the doctor.

    Attributes:
        name: What was checked.
        state: How it went.
        text: What was found, safe to print.
        mend: What to do, or empty.
        code: The exit code this finding alone would give.
    """

    name: str
    state: State
    text: str
    mend: str = ""
    code: ExitCode = ExitCode.SUCCEEDED


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _failed(name: str, error: ZadigError) -> Check:
    return Check(name, State.FAIL, safe(str(error)), safe(error.hint), exits.of_error(error))


@click.command(help=_HELP)
@click.argument("project", required=False)
@connection_options
@pass_session
def command(session: Session, *, project: str | None) -> int:
    """Check everything."""
    return complete(_examine(session, project))


async def _examine(session: Session, project: str | None) -> ExitCode:
    checks = []
    async for check in _checks(session, project):
        checks.append(check)
        if not session.json:
            output.say(f"{check.state:<4}  {check.name}: {check.text}")
            if check.mend:
                output.say(f"      {check.mend}")
    if session.json:
        output.say_document(
            [
                {"name": check.name, "state": str(check.state), "text": check.text, "mend": check.mend}
                for check in checks
            ]
        )
    return max((check.code for check in checks), key=_gravity)


def _gravity(code: ExitCode) -> int:
    return (ExitCode.SUCCEEDED, ExitCode.TRY_LATER, ExitCode.USAGE).index(code)


async def _checks(session: Session, project: str | None) -> AsyncIterator[Check]:
    try:
        settings = session.settings()
        Connection(settings.url, settings.token, ca_file=settings.ca_file, proxy=settings.proxy)
    except ZadigError as error:
        yield _failed("settings", error)
        return
    for check in _settings_checks(settings):
        yield check
    unreachable = False
    async for check in _network_checks(settings):
        unreachable = unreachable or check.state is State.FAIL
        yield check
    if unreachable:
        return
    async with session.connect() as zadig:
        async for check in _server_checks(zadig, project):
            yield check


def _settings_checks(settings: Settings) -> Iterator[Check]:
    secure = urlsplit(settings.url).scheme == "https"
    yield Check(
        "url",
        State.OK if secure else State.NOTE,
        f"{safe(settings.url)} (from {safe(settings.url_from)})",
        "" if secure else "Plain http is accepted for this machine only.",
    )
    yield Check("token", State.OK, f"one word (from {safe(settings.token_from)})")
    yield token_expiry(settings.token, datetime.now(UTC))


def token_expiry(token: Secret, now: datetime) -> Check:
    """Tell when a token ends, by its own unproven word; nothing else of it is shown."""
    ends = _expiry(token)
    if ends is None:
        return Check("token expiry", State.NOTE, "the token does not say when it ends")
    day = f"{ends:%Y-%m-%d}"
    if ends <= now:
        return Check(
            "token expiry",
            State.FAIL,
            f"it ended on {day}",
            "Copy a new one from the account page in Zadig.",
            ExitCode.USAGE,
        )
    if ends - now < _SOON:
        return Check("token expiry", State.WARN, f"it ends on {day}", "Copy a new one before that.")
    text = f"it ends on {day}"
    if ends - now > timedelta(days=3650):
        return Check(
            "token expiry", State.NOTE, text, "It is good for a lifetime: keep it where only you can read it."
        )
    return Check("token expiry", State.OK, text)


def _expiry(token: Secret) -> datetime | None:
    parts = token.reveal().split(".")
    if len(parts) != 3:
        return None
    with suppress(ValueError, OverflowError, OSError):
        claims: Any = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        ends = claims.get("exp") if isinstance(claims, dict) else None
        if isinstance(ends, int | float) and not isinstance(ends, bool):
            return datetime.fromtimestamp(ends, UTC)
    return None


async def _network_checks(settings: Settings) -> AsyncIterator[Check]:
    if settings.proxy is not None:
        yield Check(
            "network", State.NOTE, f"through the proxy {safe(settings.proxy)}; not looked at by itself"
        )
        return
    try:
        found = await probe(settings.url, settings.ca_file)
    except ConnectError as error:
        yield _failed("network", error)
        return
    yield Check("network", State.OK, f"{urlsplit(settings.url).netloc} answers at {found.address}")
    if found.tls:
        yield Check("tls", State.OK, f"{found.tls}, the certificate is trusted")
    if found.certificate_ends is not None and found.certificate_ends - datetime.now(UTC) < _SOON:
        yield Check(
            "certificate",
            State.WARN,
            f"it ends on {found.certificate_ends:%Y-%m-%d}",
            "Renew it on the server.",
        )
    if found.skew is None:
        yield Check("clock", State.NOTE, "the server does not tell its time, so it cannot be compared")
    elif abs(found.skew) > _MOST_SKEW:
        ahead = "ahead of" if found.skew > 0 else "behind"
        yield Check(
            "clock",
            State.WARN,
            f"this machine is {abs(found.skew):.0f} s {ahead} the server",
            "Set the clocks: tokens end by the server's.",
        )
    else:
        yield Check("clock", State.OK, "this machine and the server agree")


async def _server_checks(zadig: ZadigClient, project: str | None) -> AsyncIterator[Check]:
    try:
        await zadig.tasks.status(_NOBODY)
    except NotFoundError as error:
        if error.status == HTTPStatus.NOT_FOUND:  # Zadig never says so of a task, but any web server does
            yield _failed("token accepted", error)
            return
        yield Check("token accepted", State.OK, "Zadig knows the token")
    except ZadigError as error:
        yield _failed("token accepted", error)
        return
    yield await _registries(zadig)
    if project is None:
        yield Check("project", State.NOTE, "not looked at", "Name one: zadig-async doctor PROJECT")
    else:
        async for check in _project_checks(zadig, project):
            yield check
    yield Check(
        "licence",
        State.NOTE,
        "approval jobs and tickets need Zadig's Professional licence; the API does not tell which there is",
    )
    yield Check(
        "rights",
        State.NOTE,
        "any valid token can read, cancel and retry tasks of every project",
        "Use an account of its own, no administrator, with the rights of its projects alone; it approves "
        "only where it is named as approver.",
    )


async def _registries(zadig: ZadigClient) -> Check:
    try:
        found = await zadig.registries.list()
    except (NotFoundError, ForbiddenError) as error:
        return Check(
            "registries",
            State.WARN,
            safe(str(error)),
            "Build jobs cannot run as configured then: give their inputs with the registry.",
        )
    except ZadigError as error:
        return _failed("registries", error)
    return Check("registries", State.OK, f"{len(found)} known, so builds can run as configured")


async def _project_checks(zadig: ZadigClient, project: str) -> AsyncIterator[Check]:
    name = f"project {safe(project)}"
    try:
        listed = await zadig.workflows.list(project)
        if not listed:
            yield Check(
                name,
                State.WARN,
                "no workflow",
                "Zadig says the same of a project that does not exist: use the key, not the name.",
            )
            return
        yield Check(name, State.OK, _many(len(listed), "workflow"))
        custom = [item for item in listed if item.type == "custom"][:_MOST_DEFINITIONS]
        workflows = [await zadig.workflows.get(project, item.workflow_key) for item in custom]
    except ZadigError as error:
        yield _failed(name, error)
        return
    jobs = [job for workflow in workflows for job in workflow.jobs()]
    gates = sum(job.type == "approval" for job in jobs)
    looked_at = f"{_many(len(workflows), 'workflow')} looked at"
    yield Check("gates", State.NOTE, f"{_many(gates, 'approval job')} in the {looked_at}")
    foreign = sorted({safe(job.type) for job in jobs if job.type not in SELECTABLE})
    if foreign:
        yield Check("job types", State.WARN, f"the API cannot run jobs of type {', '.join(foreign)}")
    for workflow in workflows:
        if workflow.concurrency_limit == 0:
            yield Check(
                safe(workflow.workflow_key),
                State.WARN,
                "its concurrency limit is 0, so no task ever starts",
                "Set it in Zadig; -1 is no limit.",
            )
