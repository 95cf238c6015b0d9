"""Targets: whatever a key holds, the target leads to exactly that place, or there is no target."""

from collections.abc import Callable
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zadig_async.errors import ConfigError
from zadig_async.model.ids import TaskRef, WorkflowRef
from zadig_async.wire import endpoints, path
from zadig_async.wire.call import AnyCall

ANY_TEXT = st.lists(
    st.characters(exclude_categories=()) | st.sampled_from("/\\.%?#&=+; \n\x00\ud800\udfff名"), max_size=20
).map("".join)
"""Every code point, lone surrogates included; more often those that mean something."""

HOSTILE = [
    "",
    ".",
    "..",
    "...",
    "/",
    "a/b",
    "../admin",
    "%",
    "%2e%2e",
    "%2F",
    "?",
    "?projectKey=other",
    "a&projectKey=other",
    "#",
    "a#b",
    ";a=b",
    "a\nb",
    "a\r\nHost: evil",
    "\x00",
    "\x7f",
    "\u2028",
    "\ud800",
    "\\",
    "+",
    " ",
    "\u202e",
    "ａ／ｂ",
    "e\u0301",
    "𝕫",
    "x" * 255,
    "x" * 256,
    "名" * 5000,
]


def segments_of(target: str) -> list[str]:
    """What a server makes of the path: split first, decode after."""
    parts = urlsplit("http://zadig" + target)
    assert parts.hostname == "zadig"
    assert parts.fragment == ""
    return [unquote(piece, errors="strict") for piece in parts.path[1:].split("/")]


def query_of(target: str) -> list[tuple[str, str]]:
    query = urlsplit("http://zadig" + target).query
    return parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict")


Route = tuple[Callable[[str], AnyCall], Callable[[str], list[str]], Callable[[str], list[tuple[str, str]]]]

ROUTES: dict[str, Route] = {
    "workflow key in a path": (
        lambda text: endpoints.get_workflow(WorkflowRef("shop", text)),
        lambda text: ["openapi", "workflows", "custom", text, "detail"],
        lambda _: [("projectKey", "shop")],
    ),
    "workflow key in a query": (
        lambda text: endpoints.get_task_status(TaskRef("shop", text, 7)),
        lambda _: ["openapi", "workflows", "custom", "task"],
        lambda text: [("taskId", "7"), ("workflowKey", text)],
    ),
    "project key": (
        lambda text: endpoints.list_tasks(WorkflowRef(text, "deploy"), 2, 50),
        lambda _: ["openapi", "workflows", "custom", "deploy", "tasks"],
        lambda text: [("projectKey", text), ("pageNum", "2"), ("pageSize", "50")],
    ),
    "view name in a path": (
        lambda text: endpoints.delete_view("shop", text),
        lambda text: ["openapi", "workflows", "view", text],
        lambda _: [("projectKey", "shop")],
    ),
    "view name in a query": (
        lambda text: endpoints.list_workflows("shop", text),
        lambda _: ["openapi", "workflows"],
        lambda text: [("projectKey", "shop"), ("viewName", text)],
    ),
    "job name": (
        lambda text: endpoints.follow_log(TaskRef("shop", "deploy", 7), text, 10),
        lambda text: ["openapi", "logs", "sse", "v4", "workflow", "deploy", "7", text, "10"],
        lambda _: [],
    ),
    "job name of an archived log": (
        lambda text: endpoints.fetch_log(TaskRef("shop", "deploy", 7), text),
        lambda text: ["openapi", "logs", "log", "v4", "workflow", "deploy", "7", text],
        lambda _: [],
    ),
}


def check(route: str, text: str) -> bool:
    """Build the target; return whether there is one."""
    build, segments, query = ROUTES[route]
    try:
        call = build(text)
    except ConfigError:
        return False
    target = call.target
    assert target.isascii()
    assert target.isprintable()
    assert " " not in target
    assert segments_of(target) == segments(text)
    assert query_of(target) == query(text)
    assert not {"", ".", ".."} & set(segments_of(target))
    assert "/" not in text
    return True


@pytest.mark.parametrize("route", ROUTES)
@given(text=ANY_TEXT)
@example(text="名字")
@example(text="a b+c&d=e;f")
def test_a_target_decodes_to_what_was_meant(route: str, text: str) -> None:
    check(route, text)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
@pytest.mark.parametrize("route", ROUTES)
def test_hostile_text(route: str, text: str) -> None:
    addressed = check(route, text)
    if route.startswith(("workflow", "project")):
        assert addressed == (text == "x" * 255)
    else:
        assert addressed == (
            text in {"...", "a&projectKey=other", ";a=b", "+", "\u202e", "ａ／ｂ", "e\u0301", "𝕫"}
            or text[0:1] in {"x", "名"}
            or text == " "
        )


@given(
    st.lists(st.one_of(ANY_TEXT, st.integers()), min_size=1, max_size=4), st.dictionaries(ANY_TEXT, ANY_TEXT)
)
def test_the_builder_itself_holds_without_the_checks_before_it(
    parts: list[str | int], query: dict[str, str]
) -> None:
    try:
        target = path.target(*parts, query=dict(query))
    except ConfigError:
        return
    assert segments_of(target) == [str(part) for part in parts]
    assert query_of(target) == list(query.items())
    assert not {"", ".", ".."} & set(segments_of(target))


@pytest.mark.parametrize("climb", ["", ".", ".."])
def test_the_builder_itself_never_climbs(climb: str) -> None:
    for parts in ([climb], ["a", climb], [climb, "a"], [path.Route("openapi/a"), climb, "b"]):
        with pytest.raises(ConfigError, match=r"^cannot address"):
            path.target(*parts)


@given(st.text(st.sampled_from("abcXYZ019-_."), min_size=1, max_size=255))
def test_keys_of_zadig_are_addressed(text: str) -> None:
    if text.startswith("."):
        with pytest.raises(ConfigError):
            path.key("workflow", text)
    else:
        assert path.key("workflow", text) == text
        assert check("workflow key in a path", text)


@given(st.from_regex(r"[a-z\u4e00-\u9fa5][a-z0-9\u4e00-\u9fa5-]{0,31}", fullmatch=True))
def test_job_names_zadig_allows_are_addressed(text: str) -> None:
    assert check("job name", f"job-0-12-3-{text}")


@pytest.mark.parametrize("value", [None, 1, b"shop", ["shop"], True])
@pytest.mark.parametrize("check_text", [path.key, path.name])
def test_anything_but_text_is_refused(check_text: Callable[[str, object], str], value: object) -> None:
    with pytest.raises(ConfigError, match=r"^what: expected a string, got "):
        check_text("what", value)


@pytest.mark.parametrize("value", [True, 1.0, "1", None])
def test_anything_but_a_whole_number_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^task id: expected a whole number, got "):
        path.number("task id", value)


def test_a_number_below_the_least_is_refused() -> None:
    assert path.number("page", 1, least=1) == 1
    with pytest.raises(ConfigError, match=r"^page: must be at least 1$"):
        path.number("page", 0, least=1)


def test_flags_are_written_as_go_reads_them() -> None:
    assert path.target("a", query={"on": True, "off": False, "n": 3}) == "/a?on=true&off=false&n=3"
