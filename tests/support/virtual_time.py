"""An event loop whose clock jumps: when every task waits for a time, that time comes at once.

    @virtual_time
    async def test_waits_a_day() -> None:
        await asyncio.sleep(86_400)

The decorated test is an ordinary function, so fixtures, parameters and Hypothesis work with it as usual; an
asynchronous fixture does not, because it would live in another loop. `run` does the same for one coroutine.

For code that takes its time from the loop (`loop.time`, `asyncio.sleep`, `asyncio.timeout`), never for
sockets: bytes travel in real time. Work in threads (`asyncio.to_thread`) is waited for in real time, with
the clock standing still.
"""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

START: Final = 1_000.0
"""First reading of the clock, in seconds; not 0, so that a test cannot pass by taking it for 'no time'."""

_REAL_PATIENCE: Final = 5.0
"""Real seconds to wait for another thread before a test is said to be stuck."""


class _JumpingSelector(selectors.DefaultSelector):
    """Moves the loop's clock instead of waiting."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        if timeout is not None and not self.loop.threads:
            ready = super().select(0)
            if not ready:
                self.loop.now += timeout
            return ready
        ready = super().select(_REAL_PATIENCE)
        if not ready:
            raise RuntimeError("virtual time: every task waits for something that will never come")
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """See the module.

    Attributes:
        now: Reading of the clock, in seconds.
        threads: How many jobs are in threads.
    """

    def __init__(self) -> None:
        self.now = START
        self.threads = 0
        selector = _JumpingSelector()
        selector.loop = self
        super().__init__(selector)
        # Wide enough that a jump always reaches the timer it aims at, whatever the rounding.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self.now

    def run_in_executor(  # type: ignore[override]  # typeshed's generic signature cannot be repeated here
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        job = super().run_in_executor(executor, func, *args)
        self.threads += 1
        job.add_done_callback(self._thread_ended)
        return job

    def _thread_ended(self, _job: "asyncio.Future[Any]") -> None:
        self.threads -= 1


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time and return what it returns."""
    with asyncio.Runner(debug=True, loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def virtual_time(test: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Turn an asynchronous test into one that runs in virtual time."""

    @functools.wraps(test)
    def in_virtual_time(*args: P.args, **kwargs: P.kwargs) -> T:
        return run(test(*args, **kwargs))

    return in_virtual_time
