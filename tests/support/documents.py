"""Task details as Go writes them, for Hypothesis: with its omissions, nulls, and fields from the future."""

import json
from collections.abc import Mapping
from typing import Any, Final

import attrs
from hypothesis import strategies as st

from zadig_async.model.status import PHASE_OF

TEXT: Final = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    ["shop", "审批", 'the "status" of', "<b>&\u2028", "\x00\x1b[31m", "😀"]
)
STATUS: Final = st.sampled_from([*PHASE_OF, "brand_new", "Passed", "等待"])
SECOND: Final = st.sampled_from([0, 1, 1_768_442_400, 253_402_300_799])
COUNT: Final = st.integers(-1, 3) | st.just(2**63)
FLAG: Final = st.booleans()
ANYTHING: Final = st.recursive(
    st.none() | FLAG | COUNT | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT | st.just("status"), inner, max_size=2),
    max_leaves=4,
)
_FUTURE: Final = st.dictionaries(st.sampled_from(["gates", "raw", "x", "phase", "名"]), ANYTHING, max_size=1)


@st.composite
def _object(
    draw: st.DrawFn, needed: Mapping[str, st.SearchStrategy[Any]], other: Mapping[str, st.SearchStrategy[Any]]
) -> dict[str, Any]:
    """Draw an object: what is not needed may be there, null or absent; what we do not know may be there."""
    made = {key: draw(strategy) for key, strategy in needed.items()}
    for key, strategy in other.items():
        how = draw(st.sampled_from(["there", "there", "there", "null", "absent"]))
        if how != "absent":
            made[key] = draw(strategy) if how == "there" else None
    made.update(draw(_FUTURE))
    return {key: made[key] for key in draw(st.permutations(list(made)))} if draw(FLAG) else made


def _list(item: st.SearchStrategy[Any], most: int = 2) -> st.SearchStrategy[list[Any]]:
    return st.lists(item, max_size=most)


_USER = _object(
    {},
    {"type": TEXT, "user_id": TEXT, "user_name": TEXT, "reject_or_approve": TEXT, "operation_time": SECOND},
)
_PARAM = _object(
    {"name": TEXT},
    {
        "type": TEXT,
        "value": TEXT,
        "repo": _object({}, {"branch": TEXT, "prs": _list(COUNT)}),
        "is_credential": FLAG,
    },
)
_NATIVE = _object({}, {"approve_users": _list(_USER), "needed_approvers": COUNT, "timeout": COUNT})
_SPECS: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "approval": _object(
        {"type": st.sampled_from(["native", "lark", "dingtalk", ""])},
        {"timeout": COUNT, "description": TEXT, "native_approval": _NATIVE},
    ),
    "zadig-build": _object({}, {"image": TEXT, "envs": _list(_object({"key": TEXT}, {"value": TEXT}))}),
    "sql": _object({}, {"results": _list(_object({}, {"status": TEXT, "sql": TEXT}))}),
    "zadig-deploy": _object({}, {"env": TEXT, "production": FLAG, "origin_revision": COUNT}),
    "from-the-future": st.dictionaries(TEXT, ANYTHING, max_size=2),
    "": st.dictionaries(TEXT, ANYTHING, max_size=2),
}
_POLICY = _object({}, {"policy": TEXT, "maximum_retry": COUNT, "approval_users": _list(_USER)})
_JOB_FIELDS: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "key": TEXT,
    "origin_name": TEXT,
    "status": STATUS,
    "reverted": FLAG,
    "start_time": SECOND,
    "end_time": SECOND,
    "cost_seconds": COUNT | st.floats(0, 1e6),
    "error": TEXT,
    "breakpoint_before": FLAG,
    "error_policy": _POLICY,
    "error_handler_username": TEXT,
    "retry_count": COUNT,
    "job_info": st.dictionaries(TEXT, ANYTHING, max_size=2),
}
_JOB = st.sampled_from(list(_SPECS)).flatmap(
    lambda job_type: _object(
        {"name": TEXT, "type": st.just(job_type)}, {**_JOB_FIELDS, "spec": _SPECS[job_type]}
    )
)
_STAGE = _object(
    {"name": TEXT},
    {
        "status": STATUS,
        "start_time": SECOND,
        "parallel": FLAG,
        "manual_exec": _object({}, {"enabled": FLAG, "excuted": FLAG, "manual_exec_users": _list(_USER)}),
        "approval": _object(
            {"enabled": FLAG},
            {"type": TEXT, "approve_users": ANYTHING, "timeout": ANYTHING, "native_approval": ANYTHING},
        ),
        "error": TEXT,
        "jobs": _list(_JOB),
    },
)
TASKS: Final = _object(
    {"task_id": st.integers(-1, 60) | st.just(2**63), "workflow_key": TEXT},
    {
        "workflow_name": TEXT,
        "params": _list(_PARAM),
        "status": STATUS,
        "remark": TEXT,
        "task_creator": TEXT,
        "task_revoker": TEXT,
        "create_time": SECOND,
        "start_time": SECOND,
        "end_time": SECOND,
        "stages": _list(_STAGE),
        "project_key": TEXT,
        "error": TEXT,
        "is_restart": FLAG,
        "approval_id": TEXT,
    },
)
"""Documents every reader must take."""

Path = tuple[str | int, ...]


def places(value: Any, at: Path = ()) -> list[Path]:
    """Name the place of every value in a document, the document itself excluded."""
    steps: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        steps = list(value.items())
    elif isinstance(value, list):
        steps = list(enumerate(value))
    return [place for step, inner in steps for place in ((*at, step), *places(inner, (*at, step)))]


def put(value: Any, at: Path, new: Any) -> Any:
    """Return a document in which another value stands at a place."""
    if not at:
        return new
    step, *rest = at
    if isinstance(value, dict):
        return {key: put(inner, tuple(rest), new) if key == step else inner for key, inner in value.items()}
    return [put(inner, tuple(rest), new) if index == step else inner for index, inner in enumerate(value)]


@attrs.frozen
class Twice:
    """Stands in a document for the value of a key that is to be written twice."""

    first: Any
    second: Any


def write(value: Any) -> bytes:
    """Write a document that may hold `Twice`."""
    return _text(value).encode()


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(_member(key, inner) for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_text(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _member(key: str, value: Any) -> str:
    name = json.dumps(key, ensure_ascii=False)
    if isinstance(value, Twice):
        return f"{name}:{_text(value.first)},{name}:{_text(value.second)}"
    return f"{name}:{_text(value)}"
