"""Silence ends a wait, a slow reader does not."""

import asyncio

import pytest

from tests.support.virtual_time import virtual_time
from zadig_async.orchestrator.logs.patience import Patience


def now() -> float:
    return asyncio.get_running_loop().time()


@virtual_time
async def test_silence_ends_the_wait_when_the_limit_is_reached() -> None:
    begun = now()
    with pytest.raises(TimeoutError):
        async with Patience(lambda heard: heard + 60.0):
            await asyncio.sleep(1000.0)
    assert now() - begun == pytest.approx(60.0)


@virtual_time
async def test_whatever_is_heard_begins_it_anew() -> None:
    begun = now()
    with pytest.raises(TimeoutError):  # noqa: PT012 - how long it took is the point
        async with Patience(lambda heard: heard + 60.0) as patience:
            for _ in range(5):
                await asyncio.sleep(50.0)
                patience.heard()
            await asyncio.sleep(1000.0)
    assert now() - begun == pytest.approx(310.0)


@virtual_time
async def test_time_in_which_nobody_listens_does_not_count() -> None:
    begun = now()
    with pytest.raises(TimeoutError):  # noqa: PT012 - how long it took is the point
        async with Patience(lambda heard: heard + 60.0) as patience:
            patience.busy()
            await asyncio.sleep(500.0)  # never ended: what is told here must arrive
            patience.heard()
            await asyncio.sleep(1000.0)
    assert now() - begun == pytest.approx(560.0, abs=1.0)


@virtual_time
async def test_a_limit_that_became_shorter_holds_from_the_next_look_on() -> None:
    limit = 60.0
    begun = now()
    with pytest.raises(TimeoutError):  # noqa: PT012 - how long it took is the point
        async with Patience(lambda heard: heard + limit) as patience:
            await asyncio.sleep(10.0)
            limit = 2.0
            patience.look()
            await asyncio.sleep(1000.0)
    assert now() - begun == pytest.approx(10.0)


@virtual_time
async def test_who_begins_to_work_at_the_very_moment_is_not_interrupted() -> None:
    limit = 60.0
    done = []
    async with Patience(lambda heard: heard + limit) as patience:
        await asyncio.sleep(1.0)
        limit = 0.0
        patience.look()  # the wait is about to be ended
        patience.busy()
        await asyncio.sleep(5.0)
        done.append(True)
        limit = 60.0
        patience.heard()
        await asyncio.sleep(1.0)
    assert done == [True]


@virtual_time
async def test_leaving_in_time_leaves_no_timer() -> None:
    async with Patience(lambda heard: heard + 1.0):
        await asyncio.sleep(0.5)
    await asyncio.sleep(10.0)  # a timer left behind would cancel this


@virtual_time
async def test_a_cancellation_from_outside_is_no_silence() -> None:
    async def wait() -> None:
        async with Patience(lambda heard: heard + 60.0):
            await asyncio.sleep(1000.0)

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(1.0)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
