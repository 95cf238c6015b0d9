"""What every store promises, the same tests for each."""

import math
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs
import pytest

from tests.journal.ground import CANARY, PAY, SHOP, Clock, draft, numbers, write
from zadig_async.errors import JournalError, LeaseHeldError, LeaseLostError
from zadig_async.journal.memory import MemoryStore
from zadig_async.journal.owner import identity
from zadig_async.journal.records import Act, Draft, Kind, Record
from zadig_async.journal.sqlite import SqliteStore
from zadig_async.journal.store import Lease, Store, Write

TTL = 30.0


class Ground:
    """Where stores of one kind meet: a file, or one object."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.clock = Clock()
        self._path = folder / "journal.db" if kind == "sqlite" else None
        self._opened: list[Store] = []

    async def open(self) -> Store:
        """Open the journal, once more if it is open already."""
        if self._path is not None:
            self._opened.append(await SqliteStore.open(self._path, clock=self.clock))
        elif not self._opened:
            self._opened.append(MemoryStore(clock=self.clock))
        return self._opened[-1]

    async def close(self) -> None:
        for store in self._opened:
            await store.close()


@pytest.fixture(params=["memory", "sqlite"])
async def ground(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ground]:
    found = Ground(request.param, tmp_path)
    yield found
    await found.close()


@pytest.fixture
async def store(ground: Ground) -> Store:
    return await ground.open()


async def take(store: Store, owner: str = "a") -> Lease:
    (lease,) = await store.acquire([SHOP], owner, TTL)
    return lease


async def test_a_first_lease_has_the_first_token(store: Store) -> None:
    assert await store.acquire([SHOP, PAY], "a", TTL) == (Lease(SHOP, "a", 1), Lease(PAY, "a", 1))


async def test_a_held_scope_is_refused_and_says_who_has_it(store: Store) -> None:
    owner = identity()
    await take(store, owner)
    with pytest.raises(LeaseHeldError) as caught:
        await take(store, "b")
    assert "shop/deploy on https://zadig.test belongs to process " in str(caught.value)
    assert store.name in str(caught.value)
    assert caught.value.hint


async def test_acquiring_takes_all_or_none(store: Store) -> None:
    await take(store)
    with pytest.raises(LeaseHeldError):
        await store.acquire([PAY, SHOP], "b", TTL)
    assert await store.acquire([PAY], "c", TTL) == (Lease(PAY, "c", 1),)


async def test_its_owner_gets_the_same_lease_again(store: Store) -> None:
    assert await take(store) == await take(store)


async def test_its_owner_gets_it_again_with_new_time(ground: Ground, store: Store) -> None:
    await take(store)
    ground.clock.now += TTL - 1
    await take(store)
    ground.clock.now += TTL - 1
    with pytest.raises(LeaseHeldError):
        await take(store, "b")


async def test_a_scope_named_twice_is_one_lease(store: Store) -> None:
    assert await store.acquire([SHOP, SHOP], "a", TTL) == (Lease(SHOP, "a", 1), Lease(SHOP, "a", 1))


async def test_a_lease_that_ran_out_is_taken_over_with_a_higher_token(ground: Ground, store: Store) -> None:
    old = await take(store)
    ground.clock.now += TTL - 0.001
    with pytest.raises(LeaseHeldError):
        await take(store, "b")
    ground.clock.now += 0.001
    assert await take(store, "b") == Lease(SHOP, "b", 2)
    with pytest.raises(LeaseLostError):
        await store.renew([old], TTL)
    with pytest.raises(LeaseLostError):
        await store.append([write(old, 1)])
    assert await store.read() == ()


async def test_a_lease_that_ran_out_still_writes_while_nobody_took_it(ground: Ground, store: Store) -> None:
    lease = await take(store)
    ground.clock.now += 10 * TTL
    await store.append([write(lease, 1)])
    await store.renew([lease], TTL)
    with pytest.raises(LeaseHeldError):
        await take(store, "b")


async def test_a_renewed_lease_runs_from_now(ground: Ground, store: Store) -> None:
    lease = await take(store)
    ground.clock.now += TTL - 1
    await store.renew([lease], TTL)
    ground.clock.now += TTL - 1
    with pytest.raises(LeaseHeldError):
        await take(store, "b")
    ground.clock.now += 1
    assert (await take(store, "b")).token == 2


async def test_renewing_renews_all_or_none(ground: Ground, store: Store) -> None:
    shop, pay = await store.acquire([SHOP, PAY], "a", TTL)
    ground.clock.now += TTL
    await take(store, "b")
    with pytest.raises(LeaseLostError, match="shop/deploy"):
        await store.renew([pay, shop], TTL)
    assert await store.acquire([PAY], "c", TTL) == (Lease(PAY, "c", 2),)


async def test_a_released_scope_is_free_at_once_and_its_token_grows(store: Store) -> None:
    await store.release([await take(store)])
    assert await take(store, "b") == Lease(SHOP, "b", 2)
    await store.release([Lease(SHOP, "b", 2)])
    assert await take(store, "a") == Lease(SHOP, "a", 3)


async def test_a_released_lease_is_good_for_nothing(store: Store) -> None:
    lease = await take(store)
    await store.release([lease])
    with pytest.raises(LeaseLostError):
        await store.append([write(lease, 1)])
    with pytest.raises(LeaseLostError):
        await store.renew([lease], TTL)
    again = await take(store)
    assert again.token == 2
    with pytest.raises(LeaseLostError):
        await store.append([write(lease, 1)])
    assert await store.read() == ()


async def test_releasing_leaves_alone_what_others_have_taken(ground: Ground, store: Store) -> None:
    shop, pay = await store.acquire([SHOP, PAY], "a", TTL)
    ground.clock.now += TTL
    taken = await take(store, "b")
    await store.release([shop, pay])
    await store.append([write(taken, 1)])
    with pytest.raises(LeaseHeldError):
        await take(store, "c")
    assert (await store.acquire([PAY], "c", TTL))[0].token == 2


async def test_a_lease_may_run_for_ever(ground: Ground, store: Store) -> None:
    (lease,) = await store.acquire([SHOP], "a", math.inf)
    await store.renew([lease], math.inf)
    ground.clock.now += 1e9
    with pytest.raises(LeaseHeldError):
        await take(store, "b")


async def test_records_are_numbered_in_the_order_written(ground: Ground, store: Store) -> None:
    lease = await take(store)
    first = await store.append([write(lease, 1)])
    ground.clock.now += 2.5
    rest = await store.append([write(lease, 2), write(lease, 3)])
    assert await store.read() == first + rest
    assert numbers(first + rest) == [1, 2, 3]
    start = Clock().now
    assert [record.at for record in first + rest] == [start, start + 2.5, start + 2.5]


async def test_a_record_is_read_as_it_was_written(store: Store) -> None:
    lease = await take(store)
    drafts = [draft(number, kind, act) for number, (kind, act) in enumerate(product(Kind, Act))]
    written = await store.append([Write(lease, each) for each in drafts])
    assert written == await store.read()
    assert written == tuple(
        Record(seq=seq, at=Clock().now, scope=SHOP, token=1, **attrs.asdict(each, recurse=False))
        for seq, each in enumerate(drafts, 1)
    )


async def test_reading_may_begin_after_a_record(store: Store) -> None:
    lease = await take(store)
    records = await store.append([write(lease, number) for number in range(1, 6)])
    for after in range(6):
        assert await store.read(after) == records[after:]
    with pytest.raises(JournalError, match="record 6 is missing"):
        await store.read(6)


async def test_one_append_may_be_about_several_scopes(store: Store) -> None:
    shop, pay = await store.acquire([SHOP, PAY], "a", TTL)
    records = await store.append([write(shop, 1), write(pay, 2), write(shop, 3)])
    assert [record.scope for record in records] == [SHOP, PAY, SHOP]


async def test_one_lost_lease_keeps_all_writes_out(ground: Ground, store: Store) -> None:
    shop, pay = await store.acquire([SHOP, PAY], "a", TTL)
    ground.clock.now += TTL
    await store.acquire([PAY], "b", TTL)
    with pytest.raises(LeaseLostError, match="pay/deploy"):
        await store.append([write(shop, 1), write(pay, 2)])
    assert await store.read() == ()


@pytest.mark.parametrize(
    "wrong", [Lease(SHOP, "a", 2), Lease(SHOP, "b", 1), Lease(PAY, "a", 1), Lease(SHOP, "", 1)]
)
async def test_a_lease_that_was_never_given_writes_nothing(store: Store, wrong: Lease) -> None:
    await take(store)
    with pytest.raises(LeaseLostError):
        await store.append([write(wrong, 1)])
    assert await store.read() == ()


async def test_nothing_to_do_does_nothing(store: Store) -> None:
    assert await store.acquire([], "a", TTL) == ()
    assert await store.append([]) == ()
    await store.renew([], TTL)
    await store.release([])
    assert await store.read() == ()


async def test_data_becomes_what_json_makes_of_it(store: Store) -> None:
    data = MappingProxyType({"pair": (1, MappingProxyType({"a": "b"})), "kind": Kind.NOTE})
    lease = await take(store)
    (record,) = await store.append([Write(lease, Draft(kind=Kind.NOTE, data=data))])
    assert record.data == {"pair": [1, {"a": "b"}], "kind": "note"}
    assert (await store.read()) == (record,)


def deep() -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(5_000):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"a": {CANARY}}, r"data of a record\.a: expected a JSON value, got set"),
        ({"a": [0, CANARY.encode()]}, r"data of a record\.a\[1\]: expected a JSON value, got bytes"),
        ({"a": {1: CANARY}}, r"data of a record\.a: expected keys that are strings, got int"),
        ({"a": math.nan}, "number that JSON cannot hold"),
        ({"a": -math.inf}, "number that JSON cannot hold"),
        ({"a": 10**5_000}, "number that JSON cannot hold"),
        (deep(), "nested more than 50 deep"),
    ],
    ids=["set", "bytes", "key", "nan", "infinity", "digits", "depth"],
)
async def test_data_that_json_cannot_hold_is_refused_whole(
    store: Store, data: dict[str, Any], message: str
) -> None:
    lease = await take(store)
    with pytest.raises(JournalError, match=message) as caught:
        await store.append([write(lease, 1), Write(lease, Draft(kind=Kind.NOTE, data=data))])
    assert CANARY not in str(caught.value)
    assert await store.read() == ()
    await store.append([write(lease, 2)])


async def test_records_share_nothing_with_anybody(store: Store) -> None:
    lease = await take(store)
    data: dict[str, Any] = {"list": [1]}
    (written,) = await store.append([Write(lease, Draft(kind=Kind.NOTE, data=data))])
    data["list"].append(2)
    written.data["list"].append(3)
    (read,) = await store.read()
    read.data["list"].append(4)
    assert (await store.read())[0].data == {"list": [1]}


async def test_two_stores_on_one_journal_see_each_other(ground: Ground, store: Store) -> None:
    other = await ground.open()
    lease = await take(store)
    with pytest.raises(LeaseHeldError):
        await take(other, "b")
    (pay,) = await other.acquire([PAY], "b", TTL)
    await store.append([write(lease, 1)])
    await other.append([write(pay, 2)])
    await store.append([write(lease, 3)])
    assert numbers(await other.read()) == [1, 2, 3]
    assert await store.read() == await other.read()
    ground.clock.now += TTL
    assert (await take(other, "b")).token == 2
    with pytest.raises(LeaseLostError):
        await store.append([write(lease, 4)])
    assert numbers(await store.read()) == [1, 2, 3]


async def test_a_closed_store_refuses_and_closes_again(store: Store) -> None:
    lease = await take(store)
    await store.close()
    await store.close()
    for verb in (store.read(), store.append([write(lease, 1)]), store.renew([lease], TTL), take(store)):
        with pytest.raises(JournalError, match="is closed"):
            await verb
