"""Finds the handler of a path as gin does: decoded path, exact segments, fixed words before parameters."""

from collections.abc import Callable, Mapping

import attrs

from zadig_async.emulator.exchange import Request, Response
from zadig_async.emulator.live import LiveLog
from zadig_async.emulator.operations import Operation
from zadig_async.emulator.script import UserScript
from zadig_async.emulator.world import World

__all__ = ["Call", "Handler", "Route", "Router"]


@attrs.frozen(kw_only=True)
class Call:
    """An authenticated request on its way to a handler.

    `queue_fails`: the queue will refuse what this call creates. `noted` are the entries the handler made in
    the operation log; whoever answers gives them their status.
    """

    world: World
    request: Request
    user: UserScript
    params: Mapping[str, str]
    query: Mapping[str, str]
    queue_fails: bool = False
    noted: list[Operation] = attrs.field(factory=list)

    def note(
        self,
        method: str,
        function: str,
        detail: str,
        *,
        project: str,
        body: str = "",
        body_type: str = "json",
    ) -> None:
        """Make an entry in the operation log, before anything is done or even allowed."""
        entry = Operation(
            username=self.user.name,
            project=project,
            method=method,
            function=function,
            detail=detail,
            body=body,
            body_type=body_type,
            created=int(self.world.now),
        )
        self.world.operations.add(entry)
        self.noted.append(entry)


Handler = Callable[[Call], "Response | LiveLog"]


@attrs.frozen
class Route:
    """A handler and where it is; segments that begin with a colon are parameters."""

    method: str
    pattern: str
    handler: Handler
    since: tuple[int, int, int] = (0, 0, 0)


@attrs.frozen
class _Node:
    segments: tuple[str, ...]
    route: Route

    def match(self, parts: tuple[str, ...]) -> dict[str, str] | None:
        if len(parts) != len(self.segments):
            return None
        found: dict[str, str] = {}
        for segment, part in zip(self.segments, parts, strict=True):
            if segment.startswith(":"):
                if not part:
                    return None
                found[segment[1:]] = part
            elif segment != part:
                return None
        return found


class Router:
    """All routes of one server version."""

    def __init__(self, routes: list[Route], release: tuple[int, int, int]) -> None:
        nodes = [
            _Node(tuple(route.pattern.split("/")[1:]), route) for route in routes if route.since <= release
        ]
        # fixed words win over parameters, position by position
        self._nodes = sorted(nodes, key=lambda node: [segment.startswith(":") for segment in node.segments])
        self._candidates: dict[tuple[str, int], list[_Node]] = {}
        for node in self._nodes:
            self._candidates.setdefault((node.route.method, len(node.segments)), []).append(node)

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]] | None:
        """The handler of `method` on `path`, with the path parameters."""
        parts = tuple(path.split("/")[1:])
        for node in self._candidates.get((method, len(parts)), ()):
            found = node.match(parts)
            if found is not None:
                return node.route.handler, found
        return None

    def knows_path(self, path: str) -> bool:
        """Whether any method is served on `path`."""
        parts = tuple(path.split("/")[1:])
        return any(node.match(parts) is not None for node in self._nodes)
