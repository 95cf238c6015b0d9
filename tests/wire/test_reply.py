"""Replies: every way Zadig, or something before it, can say no, and what may be believed about it."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support import golden
from zadig_async.errors import (
    ApiError,
    ConfigError,
    ConflictError,
    DecodeError,
    ForbiddenError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitedError,
    RejectedError,
    ServerError,
    UnauthorizedError,
    ZadigError,
)
from zadig_async.wire import strict
from zadig_async.wire.call import Reply
from zadig_async.wire.reply import document, reader, retry_after, success

HTML = b"<html><body>502 Bad Gateway</body></html>"
HTML_TYPE = {"content-type": "text/html"}


def read(reply: Reply, *, repeatable: bool, label: str = "POST /openapi/x") -> Any:
    return reader(label, document, repeatable=repeatable)(reply)


def failure(reply: Reply, *, repeatable: bool, label: str = "POST /openapi/x") -> ZadigError:
    with pytest.raises(ZadigError) as caught:
        read(reply, repeatable=repeatable, label=label)
    return caught.value


def zadig(code: int, description: str = "", message: str = "失败") -> Reply:
    """A business error: HTTP 400 for every code from 6000."""
    status = 400 if code >= 6000 else code
    body = {"type": "error", "message": message, "code": code, "description": description, "extra": {}}
    return Reply(status, {"content-type": golden.JSON_TYPE}, golden.go_json(body))


def plain(description: str) -> Reply:
    """A Go error without a code of its own."""
    body = {"message": "Internal Error: ", "code": 500, "description": description}
    return Reply(500, {"content-type": golden.JSON_TYPE}, golden.go_json(body))


GONE = "mongo: no documents in result"

CODES: list[tuple[Reply, type[ApiError]]] = [
    # Every row of the code table of Zadig v4.1.0 pkg/tool/errors/http_errors.go that these operations use.
    (zadig(400, "projectKey is required", "Bad Request"), RejectedError),
    (zadig(401, "", "Unauthorized"), UnauthorizedError),
    (zadig(403, "", "Forbidden"), ForbiddenError),
    (zadig(404, "", "Request Not Found"), NotFoundError),
    (zadig(500, "database is down", "Internal Error"), ServerError),
    (zadig(6160, "workflow is disabled", "创建工作流任务失败"), RejectedError),
    (zadig(6160, "failed to find env  in project shop: " + GONE, "创建工作流任务失败"), RejectedError),
    (zadig(6161, GONE, "获取工作流任务失败"), NotFoundError),
    (zadig(6161, "of another request", "获取工作流任务失败"), NotFoundError),
    (zadig(6162, "", "列出工作流任务失败"), RejectedError),
    (zadig(6163, "task: shop:55 is passed, cannot cancel", "取消工作流任务失败"), ConflictError),
    (zadig(6163, GONE, "取消工作流任务失败"), NotFoundError),
    (zadig(6164, "", "重试工作流任务失败"), RejectedError),
    (zadig(6169, "not found approval", "批准工作流任务失败"), ConflictError),
    (zadig(6169, "韩梅梅 have approve already", "批准工作流任务失败"), ConflictError),
    (zadig(6169, "user 王小明 has no authority to Approve", "批准工作流任务失败"), ForbiddenError),
    *((zadig(code), RejectedError) for code in (6170, 6171, 6172, 6173, 6174)),
    (zadig(6190, "", "获取计数器失败"), RejectedError),
    (zadig(6540, "与项目 [p] 中的工作流 [d] 标识相同", "新建或更新wokflow失败"), ConflictError),
    (zadig(6541, "", "列出workflow失败"), RejectedError),
    (zadig(6542, GONE, "查询workflow失败"), NotFoundError),
    (zadig(6543, GONE, "删除workflow失败"), NotFoundError),
    (zadig(6543, "no permission", "删除workflow失败"), RejectedError),
    (zadig(6545, "duplicated stage name: x", "校验workflow失败"), RejectedError),
    (zadig(6545, "用户许可证不可用，请检查许可证后重试: ", "校验workflow失败"), RejectedError),
    *((zadig(code), RejectedError) for code in (6890, 6891, 6893, 6894)),
    (zadig(6892, "mongo duplicate key error", "创建视图失败"), ConflictError),
    (zadig(6894, "find workflow view error: " + GONE, "删除视图失败"), NotFoundError),
    (zadig(7050, "", "用户许可证不可用，请检查许可证后重试"), RejectedError),
    (zadig(7100, "E11000 duplicate key error", "创建预审批单失败"), RejectedError),
    (zadig(7101, "", "列出预审批单失败"), RejectedError),
    # Plain Go errors.
    (plain(GONE), NotFoundError),
    (plain("failed to find workflow view nightly for project shop"), NotFoundError),
    (plain("工作流任务状态无法重试"), ConflictError),
    (plain("工作流任务状态无法手动执行"), ConflictError),
    (plain("工作流任务数据异常, 无法重试"), ServerError),
    (plain("param NOPE not found in workflow shop-release"), RejectedError),
    (plain("invalid choice value slow for param MODE"), RejectedError),
    (plain("undefined job type of type:jira"), RejectedError),
    (plain("failed to update jobspec for job: build, err: didn't find the registry"), RejectedError),
    (plain("failed to find code host with name:gitlab"), RejectedError),
    (plain("failed to validate zadig license status, error: no route"), ServerError),
    (plain("failed to unmarshal request data, error: EOF"), ServerError),
    (plain("connection pool exhausted"), ServerError),
]


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize(
    ("reply", "kind"),
    CODES,
    ids=[f"{json.loads(r.body)['code']}-{k.__name__}-{i}" for i, (r, k) in enumerate(CODES)],
)
def test_zadig_said_no(reply: Reply, kind: type[ApiError], repeatable: bool) -> None:
    error = failure(reply, repeatable=repeatable)
    envelope = json.loads(reply.body)
    assert type(error) is kind
    assert isinstance(error, ApiError)
    assert error.status == reply.status
    assert error.code == envelope["code"]
    assert error.label == envelope["message"].rstrip(": ")
    assert error.description == envelope["description"]
    assert error.call == "POST /openapi/x"
    assert str(error).startswith(f"POST /openapi/x: HTTP {reply.status}")
    assert error.description in str(error)


def test_a_plain_error_of_a_read_is_the_servers_fault() -> None:
    error = failure(plain("param x"), repeatable=True, label="GET /openapi/x")
    assert type(error) is ServerError


GOLDEN_ERRORS: dict[str, tuple[type[ApiError], int | None]] = {
    "error-400-empty.json": (RejectedError, None),
    "error-400-projectkey.json": (RejectedError, 400),
    "error-401.json": (UnauthorizedError, None),
    "error-403.json": (ForbiddenError, None),
    "error-404.json": (NotFoundError, None),
    "error-405.json": (RejectedError, None),
    "error-approve-already.json": (ConflictError, 6169),
    "error-approve-bad-json.json": (ServerError, 500),
    "error-approve-empty-field.json": (ConflictError, 6169),
    "error-approve-no-authority.json": (ForbiddenError, 6169),
    "error-approve-not-found.json": (ConflictError, 6169),
    "error-cancel-not-found.json": (NotFoundError, 6163),
    "error-cancel-passed.json": (ConflictError, 6163),
    "error-create-duplicate.json": (ConflictError, 6540),
    "error-delete-workflow-not-found.json": (NotFoundError, 6543),
    "error-execute-choice.json": (RejectedError, 500),
    "error-execute-disabled.json": (RejectedError, 6160),
    "error-execute-env.json": (RejectedError, 6160),
    "error-execute-force-run.json": (RejectedError, 6160),
    "error-execute-no-stage.json": (RejectedError, 6160),
    "error-execute-param.json": (RejectedError, 500),
    "error-execute-registry.json": (RejectedError, 500),
    "error-execute-ticket.json": (RejectedError, 6160),
    "error-execute-undefined-type.json": (RejectedError, 500),
    "error-execute-unknown-workflow.json": (NotFoundError, 6542),
    "error-log-bad-id.json": (RejectedError, 400),
    "error-retry-bad-id.json": (RejectedError, 400),
    "error-retry-bad-state.json": (ConflictError, 500),
    "error-retry-not-found.json": (NotFoundError, 6161),
    "error-task-not-found.json": (NotFoundError, 500),
    "error-ticket-license.json": (RejectedError, 7050),
    "error-view-delete-not-found.json": (NotFoundError, 6894),
    "error-view-duplicate.json": (ConflictError, 6892),
}


def test_every_golden_error_is_in_the_table() -> None:
    assert golden.names(golden.GOLDEN, "error-*.json") == sorted(GOLDEN_ERRORS)


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize("name", GOLDEN_ERRORS)
def test_golden_error(name: str, repeatable: bool) -> None:
    kind, code = GOLDEN_ERRORS[name]
    reply = golden.reply(name)
    error = failure(reply, repeatable=repeatable)
    assert type(error) is kind
    assert isinstance(error, ApiError)
    assert (error.status, error.code) == (reply.status, code)


TEXT = {"content-type": "text/plain; charset=utf-8"}

UNCODED: list[tuple[str, Reply, type[ZadigError], type[ZadigError]]] = [
    # What it is for a call that may be repeated, and for one that must not be.
    ("empty 400", Reply(400, {}, b""), RejectedError, RejectedError),
    ("empty 401", Reply(401, {}, b""), UnauthorizedError, UnauthorizedError),
    ("empty 403", Reply(403, {}, b""), ForbiddenError, ForbiddenError),
    ("empty 500, a panic", Reply(500, {}, b""), ServerError, OutcomeUnknownError),
    ("text 404", Reply(404, TEXT, b"Invalid path: /x"), NotFoundError, NotFoundError),
    ("text 405", Reply(405, TEXT, b"Method not allowed: PUT /x"), RejectedError, RejectedError),
    ("413", Reply(413, HTML_TYPE, HTML), RejectedError, RejectedError),
    ("422", Reply(422, {}, b"{}"), RejectedError, RejectedError),
    ("HTML 400", Reply(400, HTML_TYPE, HTML), RejectedError, RejectedError),
    ("301", Reply(301, {"location": "https://other/"}, b""), ConfigError, OutcomeUnknownError),
    ("302 to a login", Reply(302, {"location": "/login"}, HTML), ConfigError, OutcomeUnknownError),
    ("307", Reply(307, {"location": "/x"}, b""), ConfigError, OutcomeUnknownError),
    ("308", Reply(308, {"location": "/x"}, b""), ConfigError, OutcomeUnknownError),
    ("408, a gateway's patience", Reply(408, TEXT, b"stream timeout"), ServerError, OutcomeUnknownError),
    ("429", Reply(429, {}, b""), RateLimitedError, RateLimitedError),
    ("500 with a proxy's JSON", Reply(500, {}, b'{"error":"x"}'), ServerError, OutcomeUnknownError),
    ("500 with a code in quotes", Reply(500, {}, b'{"code":"500"}'), ServerError, OutcomeUnknownError),
    ("500 with JSON cut short", Reply(500, {}, b'{"code":500,"desc'), ServerError, OutcomeUnknownError),
    ("HTML 500", Reply(500, HTML_TYPE, HTML), ServerError, OutcomeUnknownError),
    ("HTML 502", Reply(502, HTML_TYPE, HTML), ServerError, OutcomeUnknownError),
    ("HTML 503", Reply(503, HTML_TYPE, HTML), ServerError, OutcomeUnknownError),
    ("HTML 504", Reply(504, HTML_TYPE, HTML), ServerError, OutcomeUnknownError),
    ("JSON 502 of a gateway", Reply(502, {}, b'{"message":"upstream"}'), ServerError, OutcomeUnknownError),
    (
        "JSON 503 of a gateway",
        Reply(503, {}, b'{"code":503,"message":"x"}'),
        ServerError,
        OutcomeUnknownError,
    ),
    ("522", Reply(522, {}, b""), ServerError, OutcomeUnknownError),
    ("200 HTML", Reply(200, HTML_TYPE, b"<html>log in</html>"), DecodeError, OutcomeUnknownError),
    ("200 empty", Reply(200, {}, b""), DecodeError, OutcomeUnknownError),
    ("200 cut short", Reply(200, {}, b'{"task_id":5'), DecodeError, OutcomeUnknownError),
    ("204", Reply(204, {}, b""), DecodeError, OutcomeUnknownError),
]


@pytest.mark.parametrize(
    ("reply", "of_read", "of_write"), [row[1:] for row in UNCODED], ids=[row[0] for row in UNCODED]
)
def test_an_answer_without_zadigs_word(
    reply: Reply, of_read: type[ZadigError], of_write: type[ZadigError]
) -> None:
    for kind, repeatable in ((of_read, True), (of_write, False)):
        error = failure(reply, repeatable=repeatable)
        assert type(error) is kind
        if isinstance(error, ApiError | DecodeError):
            assert error.status == reply.status
        if not isinstance(error, ConfigError):
            assert getattr(error, "call", None) == "POST /openapi/x"
        if isinstance(error, ConfigError | OutcomeUnknownError | DecodeError):
            assert str(reply.status) in str(error) or isinstance(error, DecodeError)


@given(
    st.integers(300, 599),
    st.binary(max_size=60) | st.sampled_from([HTML, b"{}", b'{"code":500}', b'{"code":6160}']),
)
@example(500, b'{"code":500}')
@example(502, b'{"code":500}')
def test_whatever_proves_nothing_leaves_a_write_unknown(status: int, body: bytes) -> None:
    error = failure(Reply(status, {}, body), repeatable=False)
    proved = (400 <= status < 500 and status != 408) or (status == 500 and has_code(body))
    assert isinstance(error, OutcomeUnknownError) != proved
    assert isinstance(error, ApiError) == proved
    assert not isinstance(failure(Reply(status, {}, body), repeatable=True), OutcomeUnknownError)


def has_code(body: bytes) -> bool:
    try:
        value = strict.parse(body)
    except DecodeError:
        return False
    return isinstance(value, dict) and type(value.get("code")) is int


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize("decode", [document, success])
def test_the_collaboration_notice_ran_nothing(decode: Any, repeatable: bool) -> None:
    notice = b'{"code":0,"workflow":[{"name":"w"}],"product":[],"ifSync":true}'
    with pytest.raises(RejectedError) as caught:
        reader("POST /openapi/x", decode, repeatable=repeatable)(Reply(200, {}, notice))
    assert caught.value.status == 200
    assert caught.value.call == "POST /openapi/x"
    assert "accept the pending resources" in caught.value.hint


@pytest.mark.parametrize("body", [b'{"message":"success"}', b'{"code":1,"message":"success"}'])
def test_success(body: bytes) -> None:
    reader("POST /openapi/x", success, repeatable=False)(Reply(200, {}, body))


@pytest.mark.parametrize(
    "body", [b"null", b"[]", b'"success"', b'{"message":"ok"}', b'{"message":null}', b"success"]
)
def test_anything_else_is_no_success(body: bytes) -> None:
    with pytest.raises(DecodeError):
        success(Reply(200, {}, body))


def test_hints_say_what_to_do() -> None:
    def hint(reply: Reply) -> str:
        return failure(reply, repeatable=False).hint

    assert "without 'Bearer'" in hint(Reply(401, {}, b""))
    assert "project key" in hint(Reply(403, {}, b""))
    assert "second factor" in hint(Reply(403, {}, b'{"reason":"mfa_verification_required"}'))
    assert "among the approvers" in hint(zadig(6169, "user x has no authority to Approve"))
    assert "Professional" in hint(zadig(7050))
    assert "Professional" in hint(zadig(6545, "用户许可证不可用，请检查许可证后重试: "))
    assert "exact spelling" in hint(plain(GONE))
    assert "login page" in hint(Reply(302, {}, b""))
    assert "login page" in hint(Reply(200, HTML_TYPE, HTML))
    assert "could not read a value" in hint(Reply(400, {}, b""))
    assert "task list" in hint(Reply(502, HTML_TYPE, HTML))


@pytest.mark.parametrize(
    "body", [b'{"code":true,"message":["x"],"description":7}', b'{"code":6.5,"message":null}']
)
def test_an_envelope_of_the_wrong_kinds_is_not_believed(body: bytes) -> None:
    error = failure(Reply(400, {}, body), repeatable=False)
    assert isinstance(error, RejectedError)
    assert (error.code, error.label, error.description) == (None, "", "")


NOW = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
STAMP = format_datetime(NOW, usegmt=True)
SOON = format_datetime(NOW + timedelta(seconds=90), usegmt=True)

AFTER: list[tuple[str, str, float | None]] = [
    ("0", "", 0.0),
    ("120", "", 120.0),
    (" 7 ", "", 7.0),
    ("9" * 30, "", 1e30),
    ("9" * 6000, "", None),
    (SOON, STAMP, 90.0),
    (STAMP, SOON, 0.0),
    (SOON, "", None),
    (SOON, "yesterday", None),
    (SOON.replace("GMT", "-0000"), STAMP, None),
    ("", STAMP, None),
    ("-5", STAMP, None),
    ("1.5", STAMP, None),
    ("1e3", STAMP, None),
    ("soon", STAMP, None),
    ("٣", STAMP, None),
    ("²", STAMP, None),
    ("Fri, 31 Dec 1999 23:59:59 +99999999999999", STAMP, None),
    ("Fri, 31 Dec 99999999999999999999 23:59:59 GMT", STAMP, None),
    ("Fri, 99 Dec 1999 23:59:59 GMT", STAMP, None),
]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("header", "date", "seconds"), AFTER, ids=[row[0][:30] for row in AFTER])
def test_retry_after(header: str, date: str, seconds: float | None, status: int) -> None:
    reply = Reply(status, {"retry-after": header, "date": date}, b"")
    error = failure(reply, repeatable=True)
    assert isinstance(error, RateLimitedError | ServerError)
    assert error.retry_after == (pytest.approx(seconds) if seconds is not None else None)


def test_no_retry_after() -> None:
    error = failure(Reply(429, {}, b""), repeatable=True)
    assert isinstance(error, RateLimitedError)
    assert error.retry_after is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_retry_after_takes_any_header(header: str, date: str) -> None:
    seconds = retry_after(header, date)
    assert seconds is None or 0 <= seconds < float("inf")
