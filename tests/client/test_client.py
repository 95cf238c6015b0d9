"""The client: each verb is one call, a list survives errors and a moving world, a log is a log."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import golden, virtual_time
from tests.support.raw_server import CLOSE, READ, RESET, RawServer, Script, Send, answer
from tests.support.scripted_carrier import Move, ScriptedCarrier
from zadig_async import ZadigClient
from zadig_async.client.logs import WHOLE_LOG
from zadig_async.client.tasks import PAGE_SIZE, TaskList
from zadig_async.errors import (
    ConfigError,
    ConnectError,
    DecodeError,
    NotFoundError,
    OutcomeUnknownError,
    RejectedError,
    ServerError,
    TransportError,
    UnauthorizedError,
)
from zadig_async.model.gate import Gate, GateKind
from zadig_async.model.ids import TaskRef
from zadig_async.model.inputs import ApprovalInput
from zadig_async.model.secret import Secret
from zadig_async.model.ticket import Ticket
from zadig_async.transport.retry import RetryPolicy, Sender
from zadig_async.wire.call import AnyCall, Reply
from zadig_async.wire.loglines import log_archive_lines

REF = TaskRef("mart", "mart-rollout", 41)
GATE = Gate(kind=GateKind.APPROVAL, stage="s", job="job-1-0-0-g", name="g", approve_name="job-1-0-0-g")
DEFINITION = {"name": "w", "project": "mart"}
ONCE = RetryPolicy(attempts=1)
OK = golden.reply("success-message.json")
GOOD_LOG = {"content-type": "text/event-stream"}


def client_of(carrier: ScriptedCarrier) -> ZadigClient:
    return ZadigClient.over(carrier, retry=ONCE)


@attrs.frozen
class Verb:
    """A verb, the call it makes and the answer it gets."""

    run: Callable[[ZadigClient], Coroutine[Any, Any, Any]]
    sends: str
    answer: Reply = OK
    is_write: bool = True


def read(run: Callable[[ZadigClient], Coroutine[Any, Any, Any]], sends: str, name: str) -> Verb:
    return Verb(run, sends, golden.reply(name), is_write=False)


VERBS: dict[str, Verb] = {
    "workflows.list": read(
        lambda z: z.workflows.list("mart"), "GET /openapi/workflows?projectKey=mart", "workflow-list.json"
    ),
    "workflows.list of a view": read(
        lambda z: z.workflows.list("mart", view="v"),
        "GET /openapi/workflows?projectKey=mart&viewName=v",
        "workflow-list-empty.json",
    ),
    "workflows.get": read(
        lambda z: z.workflows.get("mart", "mart-rollout"),
        "GET /openapi/workflows/custom/mart-rollout/detail?projectKey=mart",
        "workflow-detail.json",
    ),
    "workflows.create": Verb(
        lambda z: z.workflows.create(DEFINITION, view="v"), "POST /api/aslan/workflow/v4?viewName=v"
    ),
    "workflows.update": Verb(lambda z: z.workflows.update("w", DEFINITION), "PUT /api/aslan/workflow/v4/w"),
    "workflows.delete": Verb(
        lambda z: z.workflows.delete("mart", "w"),
        "DELETE /openapi/workflows/custom?workflowKey=w&projectKey=mart",
    ),
    "tasks.page": read(
        lambda z: z.tasks.page("mart", "w", 2, 7),
        "GET /openapi/workflows/custom/w/tasks?projectKey=mart&pageNum=2&pageSize=7",
        "task-list.json",
    ),
    "tasks.get": read(
        lambda z: z.tasks.get(REF),
        "GET /openapi/workflows/custom/task?taskId=41&workflowKey=mart-rollout",
        "task-detail-running.json",
    ),
    "tasks.status": read(
        lambda z: z.tasks.status(REF),
        "GET /openapi/workflows/custom/task?taskId=41&workflowKey=mart-rollout",
        "task-detail-running.json",
    ),
    "tasks.create": Verb(
        lambda z: z.tasks.create("mart", "w", inputs={"g": ApprovalInput()}, params={"a": "b"}),
        "POST /openapi/workflows/custom/task",
        golden.reply("execute-response.json"),
    ),
    "tasks.create with a tag": Verb(
        lambda z: z.tasks.create("mart", "w", inputs={"g": ApprovalInput()}, tag="r-1"),
        "POST /openapi/workflows/custom/task",
        golden.reply("execute-response.json"),
    ),
    "tasks.cancel": Verb(
        lambda z: z.tasks.cancel(REF),
        "DELETE /openapi/workflows/custom/task?taskId=41&workflowKey=mart-rollout",
    ),
    "tasks.retry": Verb(
        lambda z: z.tasks.retry(REF), "POST /openapi/workflows/custom/mart-rollout/task/41?projectKey=mart"
    ),
    "tasks.approve": Verb(
        lambda z: z.tasks.approve(REF, GATE, "ok"), "POST /openapi/workflows/custom/task/approve"
    ),
    "tasks.reject": Verb(
        lambda z: z.tasks.reject(REF, GATE, "no"), "POST /openapi/workflows/custom/task/approve"
    ),
    "tasks.remark": Verb(
        lambda z: z.tasks.remark(REF, "x"), "PUT /openapi/workflows/custom/mart-rollout/task/41"
    ),
    "views.list": read(
        lambda z: z.views.list("mart"), "GET /openapi/workflows/view?projectKey=mart", "views-list.json"
    ),
    "views.create": Verb(lambda z: z.views.create("mart", "v", ["w"]), "POST /openapi/workflows/view"),
    "views.update": Verb(
        lambda z: z.views.update("mart", "v", enabled={"w": False}),
        "PUT /openapi/workflows/view/v?projectKey=mart",
    ),
    "views.delete": Verb(
        lambda z: z.views.delete("mart", "v"), "DELETE /openapi/workflows/view/v?projectKey=mart"
    ),
    "tickets.create": Verb(
        lambda z: z.tickets.create(Ticket(project_key="mart", approval_id="1")),
        "POST /openapi/ticket/approval",
    ),
    "logs.fetch": read(
        lambda z: z.logs.fetch(REF, "j"),
        "GET /openapi/logs/log/v4/workflow/mart-rollout/41/j",
        "full-log.txt",
    ),
    "operations.page": read(
        lambda z: z.operations.page("ann", 2, 7),
        "GET /openapi/system/operation?searchType=user&username=%5Eann%24&perPage=7&page=2",
        "operation-log.json",
    ),
    "registries.list": Verb(
        lambda z: z.registries.list(), "GET /openapi/system/registry", Reply(200, {}, b"[]"), is_write=False
    ),
}


@pytest.mark.parametrize("name", VERBS)
async def test_a_verb_is_one_call(name: str) -> None:
    verb = VERBS[name]
    carrier = ScriptedCarrier(verb.answer)
    await verb.run(client_of(carrier))
    (call,) = carrier.sent
    assert f"{call.method} {call.target}" == verb.sends
    assert call.repeatable != verb.is_write


@pytest.mark.parametrize("name", VERBS)
async def test_a_verb_raises_what_the_answer_means(name: str) -> None:
    verb = VERBS[name]
    for move, of_read, of_write in (
        (Reply(401, {}, b""), UnauthorizedError, UnauthorizedError),
        (Reply(502, {}, b"<html>"), ServerError, OutcomeUnknownError),
        (golden.reply("error-task-not-found.json"), NotFoundError, NotFoundError),
        (ConnectError("refused"), ConnectError, ConnectError),
    ):
        carrier = ScriptedCarrier(move)
        with pytest.raises(of_write if verb.is_write else of_read):
            await verb.run(client_of(carrier))
        assert len(carrier.sent) == 1


@pytest.mark.parametrize(
    ("verb", "approve"), [("tasks.approve", b'"approve":true'), ("tasks.reject", b'"approve":false')]
)
async def test_approve_and_reject_say_so(verb: str, approve: bytes) -> None:
    carrier = ScriptedCarrier(OK)
    await VERBS[verb].run(client_of(carrier))
    body = carrier.sent[0].body
    assert body is not None
    assert approve in body


@pytest.mark.parametrize(("verb", "tagged"), [("tasks.create", False), ("tasks.create with a tag", True)])
async def test_a_tag_is_sent_if_there_is_one(verb: str, tagged: bool) -> None:
    carrier = ScriptedCarrier(VERBS[verb].answer)
    await VERBS[verb].run(client_of(carrier))
    body = carrier.sent[0].body
    assert body is not None
    assert (b'"x_zadig_async_run":"r-1"' in body) == tagged
    assert (b"x_zadig_async_run" in body) == tagged


async def test_a_call_that_cannot_be_made_sends_nothing() -> None:
    carrier = ScriptedCarrier(OK)
    zadig = client_of(carrier)
    closed = attrs.evolve(GATE, approve_name="")
    steps: list[Callable[[], Coroutine[Any, Any, Any]]] = [
        lambda: zadig.tasks.approve(REF, closed),
        lambda: zadig.tasks.cancel(TaskRef("p", "../w", 1)),
        lambda: zadig.views.delete("p", "a/b"),
        lambda: zadig.workflows.get("p", "%2e%2e"),
        lambda: zadig.tasks.page("p", "w", 0),
        lambda: zadig.operations.page(""),
    ]
    for step in steps:
        with pytest.raises(ConfigError):
            await step()
    assert carrier.sent == []


async def test_the_client_closes_its_carrier() -> None:
    carrier = ScriptedCarrier(OK)
    async with client_of(carrier) as zadig:
        assert carrier.closed == 0
    assert carrier.closed == 1
    await zadig.aclose()


async def test_connect_opens_nothing_yet_and_checks_what_it_is_given() -> None:
    async with ZadigClient.connect("https://zadig.example.net", token=Secret("x")) as zadig:
        assert isinstance(zadig, ZadigClient)
    for url, token in (("http://zadig.example.net", "x"), ("zadig", "x"), ("https://zadig.example.net", "")):
        with pytest.raises(ConfigError):
            ZadigClient.connect(url, token=token)


async def test_the_token_is_among_what_must_never_be_shown() -> None:
    for token in ("tok-5JbxNq", Secret("tok-5JbxNq")):
        async with ZadigClient.connect("https://zadig.example.net", token=token) as zadig:
            assert zadig.secrets == (Secret("tok-5JbxNq"),)
            assert "5JbxNq" not in f"{zadig!r} {vars(zadig)!r}"


def test_secrets_are_those_given() -> None:
    carrier = ScriptedCarrier(OK)
    assert ZadigClient.over(carrier).secrets == ()
    given_ones = [Secret("one-secret"), Secret("two-secret")]
    zadig = ZadigClient.over(carrier, secrets=given_ones)
    assert zadig.secrets == tuple(given_ones)
    assert ZadigClient(Sender(carrier), secrets=iter(given_ones)).secrets == tuple(given_ones)
    assert "-secret" not in f"{zadig!r} {vars(zadig)!r}"


# Task lists


class TaskServer:
    """A workflow's tasks, newest first, of which more appear or go away while they are listed."""

    def __init__(self, count: int) -> None:
        self.tasks = list(range(count, 0, -1))
        self.before: dict[int, Callable[[], None]] = {}
        """What happens right before the request of that number, counted from 1."""
        self.requests: list[tuple[int, int]] = []
        self.a_second = 1
        """How many tasks are made in one second."""
        self.cap = 1_000
        """Most tasks on a page, whatever is asked for."""

    def __call__(self, call: AnyCall) -> Move:
        query = dict(pair.split("=") for pair in call.target.split("?")[1].split("&"))
        number, size = int(query["pageNum"]), int(query["pageSize"])
        self.requests.append((number, size))
        self.before.pop(len(self.requests), lambda: None)()
        size = min(size, self.cap)
        page = self.tasks[(number - 1) * size : number * size]
        rows = [{"task_id": task, "create_time": 1_768_442_400 + task // self.a_second} for task in page]
        return Reply(200, {}, golden.go_json({"total": len(self.tasks), "workflow_tasks": rows}))

    def grow(self, by: int) -> None:
        self.tasks = [*range(self.tasks[0] + by, self.tasks[0], -1), *self.tasks]

    def shrink(self, to: int) -> None:
        self.tasks = self.tasks[:to]

    def list(self, size: int) -> TaskList:
        return client_of(ScriptedCarrier(otherwise=self)).tasks.list("p", "w", size=size)


async def ids(tasks: TaskList) -> list[int]:
    return [task.task_id async for task in tasks]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 50])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 7, 8])
async def test_all_pages(count: int, size: int) -> None:
    server = TaskServer(count)
    assert await ids(server.list(size)) == list(range(count, 0, -1))
    pages = max(1, -(-count // size))
    assert server.requests == [(number, size) for number in range(1, pages + 1)]


async def test_the_page_size_is_ours() -> None:
    server = TaskServer(1)
    zadig = client_of(ScriptedCarrier(otherwise=server))
    await ids(zadig.tasks.list("p", "w"))
    assert server.requests == [(1, PAGE_SIZE)]


async def test_a_server_that_caps_the_page_size_loses_nothing() -> None:
    server = TaskServer(25)
    server.cap = 10
    assert await ids(server.list(50)) == list(range(25, 0, -1))
    assert server.requests == [(1, 50), (2, 50), (3, 50)]


async def test_only_the_pages_that_are_needed_are_read() -> None:
    server = TaskServer(10)
    async with aclosing(aiter(server.list(3))) as tasks:  # type: ignore[type-var]  # an async generator
        assert [(await anext(tasks)).task_id for _ in range(3)] == [10, 9, 8]
    assert server.requests == [(1, 3)]


async def test_tasks_of_one_second_come_in_any_order() -> None:
    server = TaskServer(6)
    server.a_second = 100
    server.tasks = [3, 6, 1, 2, 5, 4]
    assert await ids(server.list(1)) == [3, 6, 1, 2, 5, 4]


@given(
    count=st.integers(1, 12),
    size=st.integers(1, 5),
    growth=st.dictionaries(st.integers(2, 8), st.integers(1, 6), max_size=3),
    breaks=st.sets(st.integers(1, 10), max_size=3),
    stops=st.sets(st.integers(1, 12), max_size=2),
)
@settings(max_examples=150)
def test_nothing_is_lost_or_repeated_while_the_world_moves(
    count: int, size: int, growth: dict[int, int], breaks: set[int], stops: set[int]
) -> None:
    server = TaskServer(count)
    for request, by in growth.items():
        server.before[request] = lambda by=by: server.grow(by)  # type: ignore[misc]  # binds the loop's value
    asked = 0

    def flaky(call: AnyCall) -> Move:
        nonlocal asked
        asked += 1
        return ConnectError("refused") if asked in breaks else server(call)

    @virtual_time.virtual_time
    async def scenario() -> list[int]:
        tasks = client_of(ScriptedCarrier(otherwise=flaky)).tasks.list("p", "w", size=size)
        seen: list[int] = []
        for _ in range(20):
            try:
                async for task in tasks:
                    seen.append(task.task_id)
                    if len(seen) in stops:
                        stops.remove(len(seen))
                        break
                else:
                    return seen
            except ConnectError:
                continue
        raise AssertionError("it never ends")

    assert scenario() == list(range(count, 0, -1))


async def test_an_error_repeats_only_the_page_that_failed() -> None:
    server = TaskServer(6)
    answers: list[Move] = [Reply(502, {}, b""), ConnectError("refused")]

    def second_page_fails(call: AnyCall) -> Move:
        return answers.pop(0) if "pageNum=2" in call.target and answers else server(call)

    tasks = client_of(ScriptedCarrier(otherwise=second_page_fails)).tasks.list("p", "w", size=2)
    first = aiter(tasks)
    seen = [(await anext(first)).task_id for _ in range(2)]
    with pytest.raises(ServerError):
        await anext(first)
    with pytest.raises(ConnectError):
        await ids(tasks)
    assert seen == [6, 5]
    assert await ids(tasks) == [4, 3, 2, 1]
    assert [number for number, _ in server.requests] == [1, 2, 3]
    assert await ids(tasks) == []


@pytest.mark.parametrize("left", [0, 1, 2, 3, 5])
async def test_a_total_that_shrinks_ends_the_list(left: int) -> None:
    server = TaskServer(9)
    server.before[2] = lambda: server.shrink(left)
    seen = await ids(server.list(2))
    assert seen == [9, 8, 7, 6, 5][: max(2, left)]
    assert len(server.requests) <= 5


async def test_a_total_that_lies_does_not_ask_for_ever() -> None:
    empty = Reply(200, {}, b'{"total":1000000,"workflow_tasks":[]}')
    carrier = ScriptedCarrier(empty)
    assert await ids(client_of(carrier).tasks.list("p", "w")) == []
    assert len(carrier.sent) == 1


async def test_a_page_that_says_it_has_null_tasks_is_empty() -> None:
    carrier = ScriptedCarrier(Reply(200, {}, b'{"total":0,"workflow_tasks":null}'))
    assert await ids(client_of(carrier).tasks.list("p", "w")) == []


# Logs


async def lines(zadig: ZadigClient, **more: Any) -> list[str]:
    return [line.text async for line in zadig.logs.follow(REF, "job-0-0-0-build", **more)]


async def test_follow_yields_lines() -> None:
    carrier = ScriptedCarrier(Reply(200, GOOD_LOG, golden.reply("sse-stream.txt").body))
    seen = await lines(client_of(carrier))
    assert seen[0] == "====================== job-executor Start ======================"
    assert seen[1].endswith("Job Type: zadig-build")
    assert len(seen) == 11
    (call,) = carrier.sent
    assert call.target.endswith(f"/mart-rollout/41/job-0-0-0-build/{WHOLE_LOG}")


async def test_a_tail_is_asked_for() -> None:
    carrier = ScriptedCarrier(Reply(200, GOOD_LOG, b""))
    assert await lines(client_of(carrier), tail=7) == []
    assert carrier.sent[0].target.endswith("/7")


@pytest.mark.parametrize(
    "kind", ["", "text/event-stream", "text/event-stream; charset=utf-8", "Text/Event-Stream"]
)
async def test_an_event_stream_is_opened(kind: str) -> None:
    # A v4.1 server with nothing to stream sends no content type at all.
    carrier = ScriptedCarrier(Reply(200, {"content-type": kind}, b"event:message\ndata:x\n\n"))
    async with client_of(carrier).logs.open(REF, "j") as stream:
        batches = [[line.text for line in batch] async for batch in stream]
    assert batches == [["x"]]


@pytest.mark.parametrize("kind", ["text/html", "text/html; charset=utf-8", "application/json", "text/plain"])
async def test_anything_else_is_refused(kind: str) -> None:
    carrier = ScriptedCarrier(Reply(200, {"content-type": kind}, b"<html>log in</html>"))
    with pytest.raises(DecodeError, match="no event stream") as caught:
        await lines(client_of(carrier))
    assert "login page" in caught.value.hint
    assert caught.value.status == 200


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Reply(401, {}, b""), UnauthorizedError),
        (golden.reply("error-400-empty.json"), RejectedError),
        (Reply(502, {}, b"<html>"), ServerError),
        (Reply(302, {"location": "/login"}, b""), ConfigError),
        (ConnectError("refused"), ConnectError),
    ],
)
async def test_a_log_that_does_not_open(answer: Move, kind: type[Exception]) -> None:
    carrier = ScriptedCarrier(answer)
    with pytest.raises(kind):
        await lines(client_of(carrier))
    assert len(carrier.sent) == 1


class TrickleCarrier(ScriptedCarrier):
    """Sends a log in pieces of any size, with nothing new in some."""

    def __init__(self, *chunks: bytes) -> None:
        super().__init__(OK)
        self._chunks = chunks
        self.open = 0

    @asynccontextmanager
    async def stream(self, call: AnyCall) -> AsyncIterator[Any]:
        self.sent.append(call)
        self.open += 1
        try:
            yield Trickle(self._chunks)
        finally:
            self.open -= 1


@attrs.frozen
class Trickle:
    chunks: tuple[bytes, ...]
    head: Reply = attrs.field(factory=lambda: Reply(200, GOOD_LOG, b""))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            yield chunk


async def test_no_batch_is_empty_and_the_connection_is_given_back() -> None:
    carrier = TrickleCarrier(
        b"event:mess", b"age\nda", b"ta:a\n\nevent:message\ndata:b\n\n", b"", b"data:c\n"
    )
    async with client_of(carrier).logs.open(REF, "j") as stream:
        assert carrier.open == 1
        batches = [[line.text for line in batch] async for batch in stream]
    assert batches == [["a", "b"]]
    assert carrier.open == 0


async def test_a_loop_that_is_left_gives_the_connection_back_once_it_is_closed() -> None:
    carrier = TrickleCarrier(b"data:a\n\ndata:b\n\n")
    async with aclosing(client_of(carrier).logs.follow(REF, "j")) as follow:  # type: ignore[type-var]  # an async generator
        async for line in follow:
            assert line.text == "a"
            break
        assert carrier.open == 1
    assert carrier.open == 0


# Archived logs as they come

TEXT = {"content-type": "text/plain; charset=utf-8"}
ARCHIVE_TARGET = "/openapi/logs/log/v4/workflow/mart-rollout/41/job-0-0-0-build"


async def batches_of(zadig: ZadigClient) -> list[list[str]]:
    async with zadig.logs.open_archive(REF, "job-0-0-0-build") as stream:
        return [[line.text for line in batch] async for batch in stream]


async def test_an_archive_is_the_lines_of_its_text() -> None:
    body = golden.reply("full-log.txt").body
    carrier = ScriptedCarrier(Reply(200, TEXT, body))
    (batch,) = await batches_of(client_of(carrier))
    assert batch == [line.text for line in log_archive_lines(body.decode())]
    assert len(batch) > 5
    (call,) = carrier.sent
    assert (call.method, call.target) == ("GET", ARCHIVE_TARGET)


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([], []),
        ([b""], []),
        ([b"\n"], [[""]]),
        ([b"a\nb", b"", b"b\nc"], [["a"], ["bb"], ["c"]]),
        ([b"a", b"b", b"\n"], [["ab"]]),
    ],
)
async def test_no_batch_of_an_archive_is_empty(chunks: list[bytes], expected: list[list[str]]) -> None:
    carrier = TrickleCarrier(*chunks)
    assert await batches_of(client_of(carrier)) == expected
    assert carrier.open == 0


async def test_an_archive_that_is_left_early_gives_the_connection_back() -> None:
    carrier = TrickleCarrier(b"a\n", b"b\n")
    async with client_of(carrier).logs.open_archive(REF, "j") as stream:
        async for batch in stream:
            assert [line.text for line in batch] == ["a"]
            break
        assert carrier.open == 1
    assert carrier.open == 0


async def test_a_page_is_no_archive() -> None:
    carrier = ScriptedCarrier(
        Reply(200, {"content-type": "Text/HTML; charset=utf-8"}, b"<html>log in</html>")
    )
    with pytest.raises(DecodeError, match="an HTML page") as caught:
        await batches_of(client_of(carrier))
    assert (caught.value.call, caught.value.status) == (carrier.sent[0].label, 200)


@pytest.mark.parametrize(
    ("answered", "kind"),
    [
        (Reply(401, {}, b""), UnauthorizedError),
        (Reply(502, {}, b"<html>"), ServerError),
        (ConnectError("refused"), ConnectError),
    ],
)
async def test_an_archive_that_does_not_open_is_asked_for_once(answered: Move, kind: type[Exception]) -> None:
    carrier = ScriptedCarrier(answered)
    with pytest.raises(kind):
        await batches_of(ZadigClient.over(carrier))
    assert len(carrier.sent) == 1


LOG = b"one\ntwo\nthree\n"
CHUNKED = answer(b"8\r\none\ntwo\n\r\n6\r\nthree\n\r\n", headers=["Transfer-Encoding: chunked"], sized=False)


LINES = ["one", "two", "three"]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ([READ, Send(answer(LOG)), CLOSE], LINES),
        ([READ, Send(answer(LOG[:-1])), CLOSE], LINES),
        ([READ, Send(answer(b"")), CLOSE], []),
        ([READ, Send(CHUNKED + b"0\r\n\r\n"), CLOSE], LINES),
    ],
)
async def test_a_whole_archive_ends_in_order(script: Script, expected: list[str]) -> None:
    async with RawServer(script) as server, ZadigClient.connect(server.url, token="x") as zadig:
        assert [text for batch in await batches_of(zadig) for text in batch] == expected
        assert [request.target.decode() for request in server.requests] == [ARCHIVE_TARGET]


@pytest.mark.parametrize(
    "script",
    [
        [READ, Send(answer(LOG)[:-1]), CLOSE],
        [READ, Send(answer(LOG)[:-6]), CLOSE],
        [READ, Send(answer(LOG)[: -len(LOG)]), CLOSE],
        [READ, Send(answer(LOG)[:-6]), RESET],
        [READ, Send(CHUNKED), CLOSE],
        [READ, Send(CHUNKED[:-4]), CLOSE],
        [READ, Send(CHUNKED), RESET],
    ],
)
async def test_an_archive_cut_short_is_never_taken_for_whole(script: Script) -> None:
    async with RawServer(script) as server, ZadigClient.connect(server.url, token="x") as zadig:
        with pytest.raises(TransportError):
            await batches_of(zadig)
        assert len(server.requests) == 1
