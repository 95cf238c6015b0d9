"""The two clocks."""

import asyncio
import time

import pytest

from tests.support.virtual_time import virtual_time
from zadig_async.emulator.clock import LoopClock, ManualClock


async def test_manual_clock_wakes_sleepers_in_order_and_only_when_due() -> None:
    clock = ManualClock(100.0)
    woken: list[str] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    tasks = [
        asyncio.ensure_future(sleeper(name, at)) for name, at in (("late", 5), ("soon", 2), ("never", 50))
    ]
    await asyncio.sleep(0)
    clock.advance(1.9)
    await asyncio.sleep(0)
    assert woken == []
    clock.advance(4)
    await asyncio.sleep(0)
    assert woken == ["soon", "late"]
    assert clock.now() == pytest.approx(105.9)
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    clock.advance(100)  # a cancelled sleeper is not woken again


async def test_manual_clock_sleep_of_nothing_returns() -> None:
    clock = ManualClock()
    await clock.sleep(0)
    await clock.sleep(-1)


def test_manual_clock_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="cannot go back"):
        ManualClock().advance(-1)


@virtual_time
async def test_loop_clock_follows_the_loop_at_its_speed() -> None:
    clock = LoopClock(start=1000.0, speed=60.0)
    assert clock.now() == 1000.0
    await asyncio.sleep(1)
    assert clock.now() == pytest.approx(1060.0)
    await clock.sleep(120)
    assert clock.now() == pytest.approx(1180.0)
    assert asyncio.get_running_loop().time() == pytest.approx(1_003.0)


@virtual_time
async def test_loop_clock_asked_to_sleep_before_it_was_read() -> None:
    clock = LoopClock(start=0.0, speed=2.0)
    await clock.sleep(10)
    assert clock.now() == pytest.approx(10.0)


@virtual_time
async def test_loop_clock_starts_at_the_real_time() -> None:
    before = time.time()
    assert before <= LoopClock().now() <= time.time()


def test_loop_clock_needs_a_positive_speed() -> None:
    with pytest.raises(ValueError, match="positive"):
        LoopClock(speed=0)
