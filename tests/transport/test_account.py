"""Whose token it is: read as Zadig reads it, and nobody where it cannot be read."""

import base64
import json

import pytest

from zadig_async import Secret, ZadigClient
from zadig_async.transport.account import account_name


def token(payload: bytes) -> Secret:
    """Write a JSON Web Token by hand; nobody checks the other two parts."""
    body = base64.urlsafe_b64encode(payload).rstrip(b"=").decode("ascii")
    return Secret(f"e30.{body}.c2ln")


@pytest.mark.parametrize("name", ["bot", "a", "ab", "abc", "发布", "a.b@c", "ÿþ?>"])
def test_the_name_is_the_one_zadig_writes_down_as_creator(name: str) -> None:
    claims = {"name": name, "account": "another", "uid": "1", "preferred_username": "third"}
    assert account_name(token(json.dumps(claims, ensure_ascii=False).encode())) == name


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[]",
        b'"bot"',
        b"{}",
        b'{"name": null}',
        b'{"name": 5}',
        b'{"name": ["bot"]}',
        json.dumps({"name": "b" * 201}).encode(),
        b"[" * 100_000,
    ],
)
def test_claims_that_name_nobody_are_nobodys(payload: bytes) -> None:
    assert account_name(token(payload)) == ""


@pytest.mark.parametrize("text", ["opaque", "a.b", "a.b.c.d", "e30.!.c2ln", "e30.a.c2ln", "e30.发布.c2ln"])
def test_a_token_of_another_kind_is_nobodys(text: str) -> None:
    assert account_name(Secret(text)) == ""


async def test_a_client_knows_whose_token_it_has() -> None:
    async with ZadigClient.connect("http://127.0.0.1:1", token=token(b'{"name": "bot"}')) as zadig:
        assert zadig.account == "bot"
