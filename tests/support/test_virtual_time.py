"""The clock jumps when nothing else is to be done, and only then."""

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.virtual_time import START, run, virtual_time


@virtual_time
async def test_a_day_passes_at_once() -> None:
    loop = asyncio.get_running_loop()
    assert loop.time() == START
    await asyncio.sleep(86_400 * 3)
    assert loop.time() == pytest.approx(START + 86_400 * 3)


@virtual_time
async def test_time_stands_still_while_there_is_work() -> None:
    loop = asyncio.get_running_loop()
    sleeper = asyncio.create_task(asyncio.sleep(10))
    for _ in range(1000):
        await asyncio.sleep(0)
    assert loop.time() == START
    await sleeper


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20))
def test_sleepers_wake_in_order_and_on_time(delays: list[float]) -> None:
    woken: list[tuple[float, float]] = []

    async def sleeper(delay: float) -> None:
        await asyncio.sleep(delay)
        woken.append((delay, asyncio.get_running_loop().time() - START))

    async def main() -> None:
        await asyncio.gather(*map(sleeper, delays))

    run(main())
    assert len(woken) == len(delays)
    for due, came in woken:
        assert came == pytest.approx(due, abs=1e-5)
    assert [came for _, came in woken] == sorted(came for _, came in woken)


@virtual_time
async def test_time_outs_fire() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3600):
            await asyncio.get_running_loop().create_future()
    assert asyncio.get_running_loop().time() == pytest.approx(START + 3600)


@virtual_time
async def test_time_stands_still_while_a_thread_works() -> None:
    loop = asyncio.get_running_loop()
    gate = threading.Event()
    job = asyncio.create_task(asyncio.to_thread(gate.wait, 5))
    asyncio.get_running_loop().call_soon(gate.set)
    async with asyncio.timeout(0.001):
        assert await job
    assert loop.time() == START


@pytest.mark.parametrize("value", [1, 2])
@virtual_time
async def test_parameters_and_fixtures_work(value: int, tmp_path: object) -> None:
    await asyncio.sleep(value)
    assert value in {1, 2}
    assert tmp_path


def test_what_the_test_raises_comes_out() -> None:
    async def fail() -> None:
        await asyncio.sleep(1)
        raise KeyError("out")

    with pytest.raises(KeyError, match="out"):
        run(fail())
