"""The server's face without sockets: a request in, an answer or a stream out.

Usable in-process, also in virtual time::

    clock = ManualClock()
    dialect = Dialect(World(Script.default(), clock.now()), clock)
    answer = await dialect.respond(
        Request(
            method="GET",
            target="/openapi/workflows?projectKey=shop",
            headers={"Authorization": "Bearer demo-token"},
        )
    )

With a `LoopClock` on a virtual-time loop the world follows that loop. A broken connection is the exception
`Dropped`; a `Stream` is read from `events` and closed with `aclose`.
"""

import asyncio
import re
from collections.abc import AsyncGenerator

from zadig_async.emulator.api import logs, operations, registries, tasks, tickets, views, workflows
from zadig_async.emulator.clock import Clock
from zadig_async.emulator.exchange import (
    Answer,
    Dropped,
    Request,
    Response,
    Stream,
    empty,
    json_body,
    plain_text,
    redirect,
)
from zadig_async.emulator.faults import Fault, Faults
from zadig_async.emulator.ledger import Ledger
from zadig_async.emulator.live import LiveLog, open_live_log
from zadig_async.emulator.routing import Call, Route, Router
from zadig_async.emulator.script import UserScript
from zadig_async.emulator.world import World

__all__ = ["Dialect"]

_ROUTES: list[Route] = [
    *workflows.ROUTES,
    *tasks.ROUTES,
    *views.ROUTES,
    *tickets.ROUTES,
    *logs.ROUTES,
    *registries.ROUTES,
    *operations.ROUTES,
]
_BEARER_PARTS = 2
_TOKEN_IN_QUERY = re.compile(r"([?&]token=)[^&]*")


class Dialect:
    """Speaks for one world. `ledger` is the world's own; `faults` may be shared with whoever orders them."""

    def __init__(
        self, world: World, clock: Clock, ledger: Ledger | None = None, faults: Faults | None = None
    ) -> None:
        if ledger is not None:
            world.ledger = ledger
        self.world = world
        self.clock = clock
        self.faults = Faults() if faults is None else faults
        self._router = Router(_ROUTES, world.script.release)

    @property
    def ledger(self) -> Ledger:
        """What truly happened."""
        return self.world.ledger

    async def respond(self, request: Request) -> Answer:
        """Answer a request. A stream must be closed with `aclose` by whoever reads it.

        Raises:
            Dropped: the connection breaks without an answer.
        """
        self.world.advance(self.clock.now())
        fault = self.faults.take(request.method, request.path)
        user = self._user(request)
        entry = self.ledger.begin_request(
            self.world.now,
            user.name if user is not None else "",
            method=request.method,
            path=_TOKEN_IN_QUERY.sub(r"\1***", request.target),
            fault=fault.kind if fault is not None else "",
        )
        if fault is not None and fault.kind == "delay":
            await self.clock.sleep(fault.seconds)
            self.world.advance(self.clock.now())
        elif fault is not None and not _lets_effect_happen(fault):
            answer = await self._strike(fault, request, user)
        if fault is None or _lets_effect_happen(fault):
            answer = await self._true_answer(
                request, user, queue_fails=fault is not None and fault.kind == "ghost"
            )
            if fault is not None:
                answer = await self._spoil(fault, answer)
        if isinstance(answer, Response | Stream):
            self.ledger.end_request(entry, answer.status)
        return answer

    async def _strike(self, fault: Fault, request: Request, user: UserScript | None) -> Answer:
        """A fault that keeps the request from taking effect now."""
        substitute = fault.substitute()
        if substitute is not None:
            return substitute
        match fault.kind:
            case "hang":
                await self._forever()
            case "late":
                self.world.schedule(fault.seconds, lambda: self._take_effect(request, user))
            case _:
                pass
        raise Dropped(f"fault: {fault.kind}", hard=True)

    async def _spoil(self, fault: Fault, answer: Answer) -> Answer:
        """A fault that strikes after the request took effect."""
        match fault.kind:
            case "reset_after":
                raise Dropped("fault: reset_after", hard=True)
            case "hang":
                await self._forever()
            case "truncate" if isinstance(answer, Response):
                cut = answer.body[: fault.size]
                return Response(
                    status=answer.status, headers=answer.headers, body=cut, declared_length=len(answer.body)
                )
            case "drop_stream" if isinstance(answer, Stream):
                return Stream(
                    status=answer.status, headers=answer.headers, events=_cut(answer.events, fault.lines)
                )
            case _:
                pass
        return fault.substitute() or answer

    def _take_effect(self, request: Request, user: UserScript | None) -> None:
        """Let a late request take effect; nobody is there to read the answer."""
        self._effect(request, user)

    async def _forever(self) -> None:
        while True:
            await self.clock.sleep(3600)

    async def _true_answer(self, request: Request, user: UserScript | None, *, queue_fails: bool) -> Answer:
        effect = self._effect(request, user, queue_fails=queue_fails)
        if isinstance(effect, LiveLog):
            return await open_live_log(self.world, self.clock, effect)
        return effect

    def _user(self, request: Request) -> UserScript | None:
        """The auth filter: `?token=` wins, else a header of two parts whose first is not looked at."""
        token = next((value for name, value in reversed(request.pairs) if name == "token" and value), "")
        if not token:
            parts = (request.header("Authorization") or "").split(" ")
            token = parts[1] if len(parts) == _BEARER_PARTS else ""
        return self.world.directory.user_of(token) if token else None

    def _effect(
        self, request: Request, user: UserScript | None, *, queue_fails: bool = False
    ) -> Response | LiveLog:
        """Let a request take effect at the world's present moment."""
        if user is None:
            return empty(401)
        path, query = request.path, request.query
        if (
            self.world.script.collaboration_pending
            and query.get("projectName")
            and query.get("ifPassFilter") != "true"
        ):
            return json_body({"code": 0, "workflow": [], "product": [], "ifSync": True})
        found = self._router.find(request.method, path)
        if found is None:
            return self._lost(request, path)
        handler, params = found
        call = Call(
            world=self.world, request=request, user=user, params=params, query=query, queue_fails=queue_fails
        )
        effect = handler(call)
        if isinstance(effect, Response):
            for entry in call.noted:
                entry.status = effect.status
        return effect

    def _lost(self, request: Request, path: str) -> Response:
        if path.endswith("/") and self._router.find(request.method, path[:-1]) is not None:
            raw, mark, query = request.target.partition("?")
            return redirect(301 if request.method == "GET" else 307, raw.rstrip("/") + mark + query)
        if self._router.knows_path(path):
            return plain_text(f"Method not allowed: {request.method} {path}", 405)
        return plain_text(f"Invalid path: {path}", 404)


def _lets_effect_happen(fault: Fault) -> bool:
    return fault.after or fault.kind in ("delay", "truncate", "reset_after", "drop_stream", "ghost")


async def _cut(events: AsyncGenerator[bytes, None], lines: int) -> AsyncGenerator[bytes, None]:
    sent = 0
    try:
        async for piece in events:
            if sent >= lines:
                break
            yield piece
            sent += 1
            if sent == lines:
                break
    finally:
        await events.aclose()
    await asyncio.sleep(0)
    raise Dropped("fault: drop_stream")
