"""`Sender`: sends calls, and repeats those that failed and may be repeated.

The first attempt is plain: no retry object, no timer. Only its failure brings in tenacity.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import attrs

from zadig_async.errors import (
    ApiError,
    ConfigError,
    DecodeError,
    OutcomeUnknownError,
    TransportError,
    ZadigError,
)
from zadig_async.transport.base import ByteStream, Carrier
from zadig_async.transport.budget import RetryBudget
from zadig_async.transport.clock import ServerClock
from zadig_async.transport.verdict import Verdict, verdict
from zadig_async.wire.call import AnyCall, Call, Lane, Reply

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")

_FAILURES: Final = (TransportError, ApiError, DecodeError)
"""The errors by which an attempt fails; anything else is a fault of ours and passes through."""


def _check_number(_policy: object, field: "attrs.Attribute[Any]", value: float) -> None:
    lowest = 1 if field.name == "attempts" else 0
    if not lowest <= value < float("inf"):
        raise ConfigError(f"retry policy: {field.name}: expected a number of {lowest} or more, got {value}")


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How often and how fast one call is repeated.

    Attributes:
        attempts: Most attempts, the first one included; 1 means no retry.
        first_delay: Upper bound of the first wait, in seconds. A wait is drawn evenly between 0 and a bound
            that doubles each time, so that callers that failed together do not come back together.
        max_delay: Largest such bound, in seconds.
        deadline: Seconds from the start of a call after which it is given up. It ends waits, and cuts
            short the repeated attempts of a repeatable call; its first attempt, and every attempt of any
            other call, is bounded by the carrier's own time-outs alone.
        max_retry_after: Most seconds to honour of a server's `Retry-After`; up to `first_delay` more is
            added to it at random.
    """

    attempts: int = attrs.field(default=4, validator=_check_number)
    first_delay: float = attrs.field(default=0.5, validator=_check_number)
    max_delay: float = attrs.field(default=10.0, validator=_check_number)
    deadline: float = attrs.field(default=120.0, validator=_check_number)
    max_retry_after: float = attrs.field(default=60.0, validator=_check_number)


@attrs.frozen
class RequestRecord:
    """One attempt as seen from here; it holds no key, query, header or body.

    Attributes:
        label: The call, with placeholders for keys.
        lane: The connection pool the call asked for.
        attempt: 1 for the first attempt.
        status: HTTP status, or None where no whole answer came.
        error: Name of the class of the exception the attempt ended with, or None.
        seconds: How long it took; for a stream, until it was open.
        bytes: Size of the body received, after inflating; 0 for an opened stream.
    """

    label: str
    lane: Lane
    attempt: int
    status: int | None
    error: str | None
    seconds: float
    bytes: int


class Sender:
    """Sends calls through a carrier and repeats those that failed and may be repeated.

    One sender serves all calls of a client, and so does its retry budget.

    Attributes:
        clock: What time it is where the server runs.
    """

    def __init__(
        self,
        carrier: Carrier,
        policy: RetryPolicy = RetryPolicy(),
        budget: RetryBudget | None = None,
        on_request: Callable[[RequestRecord], None] | None = None,
    ) -> None:
        """Prepare to send.

        Args:
            carrier: Carries single attempts; closed by `aclose`.
            policy: How often and how fast a call is repeated.
            budget: Bounds the retries of all calls together; a bucket of the default size if None.
            on_request: Told about every attempt soon after it ended. It is called by the event loop and
                not inside the call, so that a fault in it cannot lose the answer of a write.
        """
        self._carrier = carrier
        self._policy = policy
        self._budget = RetryBudget() if budget is None else budget
        self._on_request = on_request
        self.clock = ServerClock()

    async def send(self, call: Call[T]) -> T:
        """Send a call and return what its answer means.

        Cancelling it while a call that must not be repeated is in flight raises `CancelledError` at
        once and leaves open what became of the call: shield it if its answer matters.

        Raises:
            ConnectError: Never sent, however often it was tried.
            OutcomeUnknownError: Sent, not repeatable, and no clear answer came.
            TransportError: No usable answer came within the policy; the class is that of the last failure.
            ApiError: Zadig answered no, or a gateway did for it, within the policy.
            DecodeError: What came cannot be read, at the second try either.
        """
        started = asyncio.get_running_loop().time()
        try:
            value = await self.attempt(call, 1)
        except _FAILURES as error:
            failure = error
        else:
            self._budget.first_answered()
            return value
        if verdict(call, failure) is Verdict.RAISE:
            if isinstance(failure, ApiError):
                self._budget.first_answered()
            raise failure
        return await _Recovery(self, call, self._policy, self._budget, started, failure).run()

    async def attempt(self, call: Call[T], number: int) -> T:
        """Send a call once, without judging its failure.

        Args:
            call: The call.
            number: Which attempt this is, for the record; 1 for the first.

        Raises:
            ZadigError: As `send`, after this one attempt.
        """
        if call.before_send is not None:
            call.before_send()
        observed = self._on_request is not None
        loop = asyncio.get_running_loop()
        started = loop.time() if observed else 0.0
        reply: Reply | None = None
        name: str | None = None
        try:
            reply = await self._carrier.send(call)
            self.clock.note(reply.header("date"), loop.time())
            return call.read(reply)
        except _FAILURES as error:
            failure = _settled(call, error)
            name = type(failure).__name__
        except BaseException as error:
            name = type(error).__name__
            raise
        finally:
            if observed:
                size = 0 if reply is None else len(reply.body)
                self._record(call, number, None if reply is None else reply.status, name, started, size)
        raise failure  # here and not in the handler, so that what it replaces is not its context

    def stream(self, call: AnyCall) -> AbstractAsyncContextManager[ByteStream]:
        """Open a call whose answer keeps coming: one attempt, never repeated here.

        Raises:
            ApiError: Zadig answered no: what `call.read` makes of any status but 200.
            DecodeError: The status is not 200, and `call.read` finds nothing wrong with that.
            TransportError: No answer came, or, while reading, the connection broke.
        """
        return _Opening(self, self._carrier.stream(call), call)

    async def open(self, context: AbstractAsyncContextManager[ByteStream], call: AnyCall) -> ByteStream:
        """Open a stream of the carrier, and close it again unless its answer is one; for `stream` alone."""
        started = asyncio.get_running_loop().time()
        opened = False
        head: Reply | None = None
        name: str | None = None
        failure: ZadigError | None = None
        try:
            body = await context.__aenter__()
            opened = True
            head = body.head
            if head.status == 200:
                return body
            call.read(head)
            problem = f"expected a stream with status 200, got {head.status}"
            failure = DecodeError(f"{call.label}: {problem}", call=call.label, status=head.status)
        except _FAILURES as error:
            failure = _settled(call, error)
        except BaseException as error:
            name = type(error).__name__
            raise
        finally:
            if failure is not None:
                name = type(failure).__name__
            size = 0 if head is None else len(head.body)
            self._record(call, 1, None if head is None else head.status, name, started, size)
            if opened and (failure is not None or name is not None):
                await context.__aexit__(None, None, None)
        raise failure

    async def aclose(self) -> None:
        """Close the carrier. Calling it again does nothing."""
        await self._carrier.aclose()

    def _record(
        self, call: AnyCall, number: int, status: int | None, error: str | None, started: float, size: int
    ) -> None:
        if self._on_request is None:
            return
        loop = asyncio.get_running_loop()
        record = RequestRecord(call.label, call.lane, number, status, error, loop.time() - started, size)
        loop.call_soon(self._on_request, record)


class _Opening:
    """A call whose answer keeps coming: once entered, it is open.

    A class of its own, because a generator made a context manager takes 1 KB more for as long as it is open.
    """

    __slots__ = ("_call", "_context", "_sender")

    def __init__(
        self, sender: Sender, context: AbstractAsyncContextManager[ByteStream], call: AnyCall
    ) -> None:
        self._sender = sender
        self._context = context
        self._call = call

    async def __aenter__(self) -> ByteStream:
        return await self._sender.open(self._context, self._call)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._context.__aexit__(kind, error, trace)


def _settled(call: AnyCall, error: ZadigError) -> ZadigError:
    """Say of an attempt's failure what can be said with the call at hand."""
    if verdict(call, error) is Verdict.UNKNOWN:
        return OutcomeUnknownError(
            f"{error}; it was sent, so what became of it is not known", call=call.label
        )
    return error


@attrs.define(eq=False)
class _Recovery(Generic[T]):
    """The further attempts of one call whose first attempt failed."""

    sender: Sender
    call: Call[T]
    policy: RetryPolicy
    budget: RetryBudget
    started: float
    failure: ZadigError
    attempts: int = 0
    unreadable: int = 0
    expired: bool = False

    @property
    def _deadline(self) -> float:
        return self.started + self.policy.deadline

    async def run(self) -> T:
        """Attempt until it is answered, judged hopeless, or given up.

        Raises:
            ZadigError: The last failure, with a note that says how many attempts were made and why no more.
        """
        # Imported here because most programs never get here, and it takes time to import.
        from tenacity import AsyncRetrying, retry_if_exception, wait_random_exponential  # noqa: PLC0415

        jitter = wait_random_exponential(multiplier=self.policy.first_delay, max=self.policy.max_delay)

        def wait(state: "RetryCallState") -> float:
            asked: float | None = getattr(self.failure, "retry_after", None)
            if asked is None:
                return jitter(state)
            spread = random.uniform(0, self.policy.first_delay)  # noqa: S311 - jitter is no secret
            return min(asked, self.policy.max_retry_after) + spread

        # Made anew for each call: one shared by several calls mixes up their counts.
        retrying = AsyncRetrying(
            sleep=asyncio.sleep,
            retry=retry_if_exception(self._may_repeat),
            wait=wait,
            stop=lambda state: self._give_up(state.upcoming_sleep),
            reraise=True,
        )
        return await retrying(self._attempt)

    async def _attempt(self) -> T:
        self.attempts += 1
        if self.attempts == 1:
            raise self.failure  # the attempt that brought us here
        try:
            # A write is never cut here: that would turn an answer under way into an unknown outcome.
            async with asyncio.timeout_at(self._deadline if self.call.repeatable else None) as clock:
                value = await self.sender.attempt(self.call, self.attempts)
        except _FAILURES as error:
            self.failure = error
        except TimeoutError:
            if not clock.expired():
                raise
            # The failure before this attempt says more than that we ran out of time.
            self.expired = True
        else:
            self.budget.retry_answered()
            return value
        raise self.failure

    def _may_repeat(self, error: BaseException) -> bool:
        if not isinstance(error, _FAILURES):
            return False  # a cancellation, or a fault of ours
        if self.expired:
            self._note(f"the last one was cut by the deadline of {self.policy.deadline:g} s")
            return False
        decision = verdict(self.call, error)
        if decision is Verdict.RETRY_ONCE:
            self.unreadable += 1
            if self.unreadable == 1:
                return True
            self._note("it could not be read twice")
            return False
        if decision is Verdict.RAISE and isinstance(error, ApiError):
            self.budget.retry_answered()
        return decision is Verdict.RETRY

    def _give_up(self, wait: float) -> bool:
        """Decide whether to stop instead of waiting; otherwise pay for the next attempt."""
        if self.attempts >= self.policy.attempts:
            self._note("no attempt is left")
        elif asyncio.get_running_loop().time() + wait >= self._deadline:
            self._note(f"the next one would come after the deadline of {self.policy.deadline:g} s")
        elif not self.budget.take():
            self._note("the retry budget of this client is used up: too many calls are failing")
        else:
            return False
        return True

    def _note(self, reason: str) -> None:
        seconds = asyncio.get_running_loop().time() - self.started
        times = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        self.failure.add_note(f"Gave up after {times} in {seconds:.1f} s: {reason}.")
