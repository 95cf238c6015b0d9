"""Variables and repositories keep credentials to themselves."""

import copy
import pickle

import attrs
import pytest

from zadig_async.model.repository import Repository
from zadig_async.model.secret import MASK, Secret
from zadig_async.model.user import User
from zadig_async.model.variable import KeyValue, Param

CANARY = "canary-7f3a"


@pytest.mark.parametrize("kind", [KeyValue, Param])
def test_a_plain_value_is_shown(kind: type[KeyValue | Param]) -> None:
    variable = (
        KeyValue(key="V", value="1.8.3", type="string")
        if kind is KeyValue
        else Param(name="V", value="1.8.3", type="string")
    )
    assert variable.value == "1.8.3"
    assert variable.reveal() == "1.8.3"
    assert "'1.8.3'" in repr(variable)


@pytest.mark.parametrize(
    "variable",
    [
        KeyValue(key="V", value=CANARY, is_credential=True, raw={"value": CANARY}),
        Param(name="V", value=CANARY, default=CANARY, is_credential=True, raw={"value": CANARY}),
    ],
)
def test_a_credential_is_masked_until_it_is_revealed(variable: KeyValue | Param) -> None:
    assert variable.value == MASK
    assert variable.reveal() == CANARY
    for shown in (repr(variable), str(variable), f"{variable}", repr([variable])):
        assert CANARY not in shown


def test_the_default_of_a_credential_is_masked() -> None:
    assert Param(name="V", default=CANARY, is_credential=True).default == MASK
    assert Param(name="V", default="1.8.3").default == "1.8.3"


def test_an_empty_credential_is_told_from_a_set_one() -> None:
    empty = Param(name="V", is_credential=True)
    assert (empty.value, empty.default) == ("", "")


def test_values_count_for_equality_and_raw_does_not() -> None:
    assert KeyValue(key="V", value="a") != KeyValue(key="V", value="b")
    assert KeyValue(key="V", value="a", raw={"x": 1}) == KeyValue(key="V", value="a")
    assert Param(name="V", default="a") != Param(name="V", default="b")


def test_a_variable_survives_copy_and_pickle() -> None:
    param = Param(name="V", value=CANARY, is_credential=True, choice_option=("a", "b"))
    for twin in (copy.deepcopy(param), pickle.loads(pickle.dumps(param))):  # noqa: S301 - our own bytes
        assert twin == param
        assert twin.reveal() == CANARY


def test_a_repository_shows_no_credential() -> None:
    repository = Repository(
        repo_name="shop-api",
        username="deployer",
        oauth_token=Secret(CANARY),
        password=Secret(CANARY),
        ssh_key=Secret(CANARY),
        private_access_token=Secret(CANARY),
        raw={"oauth_token": CANARY},
    )
    assert CANARY not in repr(repository)
    assert "deployer" in repr(repository)
    assert repository.oauth_token.reveal() == CANARY
    assert not Repository().ssh_key


@pytest.mark.parametrize("name", ["oauth_token", "password", "ssh_key", "private_access_token"])
def test_a_repository_is_read_with_its_credentials_hidden(name: str) -> None:
    assert attrs.fields_dict(Repository)[name].type is Secret


def test_everything_of_a_user_is_optional() -> None:
    assert User() == User(type="", decided_at=None)
