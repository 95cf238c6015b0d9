"""A write under way is not torn from its answer."""

import asyncio

import pytest

from tests.support.virtual_time import virtual_time
from zadig_async.orchestrator.writes import DetachedError, HaltedError, OutdatedError, Permit, finish


def granted() -> Permit:
    """The permit of a write that is on its way."""
    permit = Permit()
    permit()
    return permit


@virtual_time
async def test_the_result_is_passed_on() -> None:
    async def write() -> int:
        await asyncio.sleep(3.0)
        return 7

    assert await finish(write(), granted()) == 7


@virtual_time
async def test_a_cancellation_waits_for_the_write() -> None:
    done = []

    async def write() -> None:
        await asyncio.sleep(5.0)
        done.append(True)

    caller = asyncio.create_task(finish(write(), granted(), grace=10.0))
    await asyncio.sleep(1.0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert done == [True]


@virtual_time
async def test_a_write_that_outlasts_the_grace_is_given_up() -> None:
    loop = asyncio.get_running_loop()
    ended = []

    async def write() -> None:
        try:
            await asyncio.sleep(500.0)
        except asyncio.CancelledError:
            ended.append(loop.time())
            raise

    caller = asyncio.create_task(finish(write(), granted(), grace=10.0))
    await asyncio.sleep(1.0)
    started = loop.time()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended == [started + 10.0]


@virtual_time
async def test_a_write_that_fails_after_a_cancellation_leaves_no_trace() -> None:
    async def write() -> None:
        await asyncio.sleep(2.0)
        raise ValueError("told by the write itself")

    caller = asyncio.create_task(finish(write(), granted()))
    await asyncio.sleep(1.0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller


@virtual_time
async def test_a_write_that_was_not_let_through_yet_is_given_up_at_once() -> None:
    loop = asyncio.get_running_loop()
    permit = Permit()
    caller = asyncio.create_task(finish(asyncio.sleep(500.0), permit))
    await asyncio.sleep(1.0)
    started = loop.time()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert loop.time() == started
    with pytest.raises(DetachedError):
        permit()


@virtual_time
async def test_a_permit_grows_old() -> None:
    permit = Permit(until=asyncio.get_running_loop().time() + 5.0)
    await asyncio.sleep(5.0)
    permit()
    await asyncio.sleep(0.1)
    with pytest.raises(OutdatedError):
        permit()


@virtual_time
async def test_a_permit_ends_when_nothing_may_be_sent_any_more() -> None:
    allowed = [True]

    def guard() -> None:
        if not allowed[0]:
            raise HaltedError("not sent: asked to")

    permit = Permit(guard)
    permit()
    allowed[0] = False
    with pytest.raises(HaltedError, match="asked to"):
        permit()
