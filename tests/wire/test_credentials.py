"""Credentials of a task detail: every one of them is found, wherever it stands, and nothing else is."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import golden
from zadig_async.model.secret import Secret
from zadig_async.wire.credentials import credentials


def found(document: object) -> set[str]:
    secrets = credentials(document)
    values = [secret.reveal() for secret in secrets]
    assert len(values) == len(set(values))
    assert all(type(secret) is Secret for secret in secrets)
    return set(values)


KEY_VALUE = {"key": "PW", "value": "s-1", "type": "string", "is_credential": True, "description": "no"}
PARAM = {"name": "pw", "description": "no", "type": "string", "value": "s-1", "repo": None, "default": "s-2"}
REPO = {
    "repo_name": "no",
    "username": "no",
    "address": "no",
    "oauth_token": "s-1",
    "password": "s-2",
    "ssh_key": "s-3",
    "private_access_token": "s-4",
}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(
            {"params": [{**PARAM, "is_credential": True}]}, {"s-1", "s-2"}, id="variable of a workflow"
        ),
        pytest.param({"params": [{**PARAM, "is_credential": False}]}, set(), id="variable that is none"),
        pytest.param({"params": [PARAM]}, set(), id="variable that does not say"),
        pytest.param(
            {
                "params": [
                    {
                        "type": "multi-select",
                        "value": "",
                        "choice_value": ["s-1", "", "s-2"],
                        "choice_option": ["no"],
                        "is_credential": True,
                    }
                ]
            },
            {"s-1", "s-2"},
            id="choices",
        ),
        pytest.param(
            {"params": [{"type": "repo", "value": "", "repo": REPO}]},
            {"s-1", "s-2", "s-3", "s-4"},
            id="repository as a variable",
        ),
        pytest.param({"spec": {"envs": [KEY_VALUE]}}, {"s-1"}, id="build"),
        pytest.param({"spec": {"repos": [REPO]}}, {"s-1", "s-2", "s-3", "s-4"}, id="repository"),
        pytest.param(
            {"spec": {"inputs": [{**PARAM, "is_credential": True}], "envs": [{"name": "no", "value": "no"}]}},
            {"s-1", "s-2"},
            id="plugin",
        ),
        pytest.param(
            {"spec": {"key_vals": [{"key": "no", "value": {"a": ["s-1", 7, None]}, "is_credential": True}]}},
            {"s-1"},
            id="deployment",
        ),
        pytest.param(
            {"spec": {"workflow_trigger_events": [{"params": [{**PARAM, "is_credential": True}]}]}},
            {"s-1", "s-2"},
            id="trigger",
        ),
        pytest.param(
            {"spec": {"patch_items": [{"params": [{**PARAM, "is_credential": True}]}]}},
            {"s-1", "s-2"},
            id="patch",
        ),
        pytest.param({"spec": {"tapd_client_id": "no", "tapd_client_secret": "s-1"}}, {"s-1"}, id="TAPD"),
        pytest.param(
            {"spec": {"pingcode_client_secret": "s-1", "pingcode_address": "no"}}, {"s-1"}, id="PingCode"
        ),
        pytest.param({"spec": {"auth_config": {"user_name": "no", "password": "s-1"}}}, {"s-1"}, id="Nacos"),
        pytest.param(
            {"spec": {"auth_config": {"access_key_id": "no", "access_key_secret": "s-1"}}},
            {"s-1"},
            id="Nacos as a service",
        ),
        pytest.param(
            {"spec": {"webhook_notification_config": {"address": "no", "token": "s-1"}}},
            {"s-1"},
            id="webhook",
        ),
        pytest.param(
            {"spec": {"dingding_notification_config": {"hook_address": "s-1", "is_at_all": True}}},
            {"s-1"},
            id="DingTalk",
        ),
        pytest.param(
            {"steps": [{"spec": {"sonar_token": "s-1", "sonar_server": "no"}}]}, {"s-1"}, id="Sonar"
        ),
        pytest.param(
            {"steps": [{"spec": {"source_registry": {"secret_key": "s-1", "access_key": "no"}}}]},
            {"s-1"},
            id="registry",
        ),
    ],
)
def test_credentials_of_all_kinds(document: object, expected: set[str]) -> None:
    assert found(document) == expected
    assert found({"stages": [{"jobs": [{"name": "no", "spec": document}]}]}) == expected


def test_a_real_document() -> None:
    assert found(golden.value("official-page/task-detail.json")) == {"zadig"}


def test_a_value_that_stands_twice_is_told_once() -> None:
    assert found([KEY_VALUE, KEY_VALUE, {"password": "s-1"}]) == {"s-1"}


@pytest.mark.parametrize(
    "document",
    [
        None,
        True,
        7,
        1.5,
        "text",
        b"bytes",
        object(),
        [],
        {},
        {"is_credential": True},
        {"is_credential": "true", "value": "no"},
        {"is_credential": 1, "value": "no"},
        {"is_credential": [True], "value": "no"},
        {"is_credential": True, "value": None, "default": 7, "choice_value": "", "other": "no"},
        {"is_credential": True, "VALUE": "no", 7: "no", None: "no"},
        {"password": None, "token": {"text": "no"}, "ssh_key": ["no"]},
        {"value": "no", "inner": {"is_credential": True}},
        {"is_credential": True, "inner": {"value": "no"}},
    ],
)
def test_odd_shapes_raise_nothing_and_hold_nothing(document: object) -> None:
    assert credentials(document) == ()


def test_other_containers_are_looked_into() -> None:
    assert found(MappingProxyType({"envs": (MappingProxyType(KEY_VALUE),)})) == {"s-1"}


def test_no_depth_is_too_deep() -> None:
    document: Any = KEY_VALUE
    for _ in range(100_000):
        document = {"spec": [document]}
    assert found(document) == {"s-1"}
    while isinstance(document, dict) and "spec" in document:  # taken apart by hand: C would recurse
        document = document.pop("spec").pop()


def every_credential(item: object, secret: bool = False) -> Iterator[str]:
    """The same in as many words, for documents that are not deep."""
    if isinstance(item, str) and item and secret:
        yield item
    elif isinstance(item, list):
        for each in item:
            yield from every_credential(each, secret)
    elif isinstance(item, dict):
        for key, value in item.items():
            marked = item.get("is_credential") is True and key in ("value", "default", "choice_value")
            named = key in ("password", "oauth_token") and isinstance(value, str)
            yield from every_credential(value, secret or marked or named)


KEYS = st.sampled_from(
    ["is_credential", "value", "default", "choice_value", "password", "oauth_token", "spec"]
)
DOCUMENTS = st.recursive(
    st.one_of(st.none(), st.just(True), st.booleans(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=30,
)


@given(DOCUMENTS)
def test_every_credential_is_found_and_nothing_else(document: object) -> None:
    assert found(document) == set(every_credential(document))
