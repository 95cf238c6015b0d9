"""Repeating: how often, how fast, for whom, and what is said when it is given up; in virtual time."""

import asyncio
import random
from collections.abc import Callable, Iterator

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.calls import as_is, follow, get, make_call, post
from tests.support.canary import failure_of
from tests.support.scripted_carrier import After, Move, ScriptedCarrier
from tests.support.virtual_time import START, run, virtual_time
from zadig_async.errors import (
    ConfigError,
    ConnectError,
    DeadlineError,
    DecodeError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitedError,
    ServerError,
    TransportError,
    UnauthorizedError,
    ZadigError,
)
from zadig_async.transport.budget import RetryBudget
from zadig_async.transport.retry import RequestRecord, RetryPolicy, Sender
from zadig_async.wire.call import AnyCall, Call, Lane, Reply
from zadig_async.wire.reply import retry_after

OK = Reply(200, {}, b"fine")
NO_JITTER = RetryPolicy(first_delay=0)


def judge(reply: Reply) -> Reply:
    """Read an answer as the wire would, as far as these tests need it."""
    if reply.status == 429 or reply.status >= 500:
        kind = RateLimitedError if reply.status == 429 else ServerError
        error = kind("busy", status=reply.status)
        error.retry_after = retry_after(reply.header("retry-after"), reply.header("date"))
        raise error
    if reply.status == 404:
        raise NotFoundError("gone", status=404)
    if reply.body == b"<html>":
        raise DecodeError("a page", status=reply.status)
    return reply


READ = make_call(judge)
WRITE = make_call(judge, method="POST", body=b"{}")


def lost() -> TransportError:
    return TransportError("GET /openapi/things: lost", call="GET /openapi/things")


def refused() -> ConnectError:
    return ConnectError("GET /openapi/things: refused", call="GET /openapi/things")


def status(code: int, *, retry_after: str = "", date: str = "") -> Reply:
    headers = {name: value for name, value in (("retry-after", retry_after), ("date", date)) if value}
    return Reply(code, headers, b"")


def waits(carrier: ScriptedCarrier) -> list[float]:
    return [later - earlier for earlier, later in zip(carrier.times, carrier.times[1:], strict=False)]


# Which calls are repeated


RETRIED = [
    refused,
    lost,
    lambda: DeadlineError("x"),
    lambda: status(502),
    lambda: status(503),
    lambda: status(429),
]


@pytest.mark.parametrize("failure", RETRIED)
@virtual_time
async def test_a_read_is_repeated_until_it_is_answered(failure: Callable[[], Move]) -> None:
    carrier = ScriptedCarrier(failure(), failure(), failure(), OK)
    assert await Sender(carrier).send(READ) is OK
    assert len(carrier.times) == 4


@pytest.mark.parametrize(
    "failure",
    [lambda: status(404), lambda: UnauthorizedError("x", status=401), lambda: OutcomeUnknownError("x")],
)
@pytest.mark.parametrize("call", [READ, WRITE], ids=["read", "write"])
@virtual_time
async def test_a_clear_no_is_raised_at_once(failure: Callable[[], Move], call: Call[Reply]) -> None:
    carrier = ScriptedCarrier(failure(), OK)
    error = await failure_of(Sender(carrier).send(call))
    assert isinstance(error, NotFoundError | UnauthorizedError | OutcomeUnknownError)
    assert len(carrier.times) == 1
    assert asyncio.get_running_loop().time() == START
    assert not hasattr(error, "__notes__")


@virtual_time
async def test_a_write_is_repeated_while_it_was_never_sent() -> None:
    carrier = ScriptedCarrier(refused(), refused(), refused(), OK)
    assert await Sender(carrier).send(WRITE) is OK
    assert len(carrier.times) == 4


@pytest.mark.parametrize("failure", [lost(), DeadlineError("x"), DecodeError("x")], ids=type)
@pytest.mark.parametrize("never_sent", [0, 2])
@virtual_time
async def test_a_write_that_may_have_been_sent_is_unknown(failure: ZadigError, never_sent: int) -> None:
    carrier = ScriptedCarrier(*(refused() for _ in range(never_sent)), failure, OK)
    error = await failure_of(Sender(carrier).send(WRITE))
    assert type(error) is OutcomeUnknownError
    assert error.call == "POST /openapi/things"
    assert "not known" in str(error)
    assert str(failure) in str(error)
    assert error.hint
    assert error.__cause__ is None
    assert error.__context__ is None
    assert len(carrier.times) == never_sent + 1


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
@virtual_time
async def test_a_write_is_not_repeated_for_any_answer(code: int) -> None:
    carrier = ScriptedCarrier(status(code, retry_after="1"), OK)
    error = await failure_of(Sender(carrier).send(WRITE))
    assert isinstance(error, RateLimitedError | ServerError)
    assert error.retry_after == 1  # for the caller to decide with
    assert len(carrier.times) == 1


@virtual_time
async def test_what_cannot_be_read_is_asked_for_once_more() -> None:
    page = Reply(200, {}, b"<html>")
    carrier = ScriptedCarrier(page, OK)
    assert await Sender(carrier).send(READ) is OK
    carrier = ScriptedCarrier(page, lost(), page, OK)
    error = await failure_of(Sender(carrier, NO_JITTER).send(READ))
    assert type(error) is DecodeError
    assert len(carrier.times) == 3
    assert error.__notes__ == ["Gave up after 3 attempts in 0.0 s: it could not be read twice."]


@pytest.mark.parametrize("fault", [KeyError("ours"), ConfigError("closed")], ids=type)
@pytest.mark.parametrize("before", [0, 1])
@virtual_time
async def test_a_fault_of_ours_passes_through(fault: Exception, before: int) -> None:
    carrier = ScriptedCarrier(*(lost() for _ in range(before)), fault, OK)
    assert await failure_of(Sender(carrier).send(READ)) is fault
    assert len(carrier.times) == before + 1


# How often and how fast


@virtual_time
async def test_attempts_are_limited() -> None:
    last = lost()
    carrier = ScriptedCarrier(refused(), refused(), last, OK)
    error = await failure_of(Sender(carrier, RetryPolicy(attempts=3)).send(READ))
    assert error is last
    assert len(carrier.times) == 3
    (note,) = error.__notes__
    assert note.startswith("Gave up after 3 attempts in ")
    assert note.endswith(" s: no attempt is left.")
    assert error.__cause__ is None
    assert error.__context__ is None


@virtual_time
async def test_one_attempt_means_no_retry() -> None:
    carrier = ScriptedCarrier(lost(), OK)
    error = await failure_of(Sender(carrier, RetryPolicy(attempts=1)).send(READ))
    assert error.__notes__ == ["Gave up after 1 attempt in 0.0 s: no attempt is left."]
    assert len(carrier.times) == 1


@given(st.integers(0, 2**32), st.floats(0, 5), st.floats(0, 20))
def test_waits_are_drawn_under_a_bound_that_doubles(seed: int, first: float, largest: float) -> None:
    random.seed(seed)
    carrier = ScriptedCarrier(lost())
    policy = RetryPolicy(attempts=7, first_delay=first, max_delay=largest, deadline=1e6)
    run(failure_of(Sender(carrier, policy).send(READ)))
    bounds = [min(largest, first * 2**n) for n in range(6)]
    assert len(waits(carrier)) == 6
    for waited, bound in zip(waits(carrier), bounds, strict=True):
        assert 0 <= waited <= bound + 1e-6


def test_waits_differ() -> None:
    random.seed(1)
    carrier = ScriptedCarrier(lost())
    run(failure_of(Sender(carrier, RetryPolicy(attempts=9, deadline=1e6)).send(READ)))
    assert len({round(waited, 6) for waited in waits(carrier)}) == 8
    assert max(waits(carrier)) > 1


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize(
    ("retry_after", "date", "waited"),
    [
        ("5", "", 5),
        ("1000000000", "", 60),
        ("Mon, 23 Nov 2026 12:00:07 GMT", "Mon, 23 Nov 2026 12:00:00 GMT", 7),
        ("Mon, 23 Nov 2026 12:00:07 GMT", "", 0),
        ("soon", "", 0),
        ("-5", "", 0),
        ("", "", 0),
    ],
)
@virtual_time
async def test_retry_after_is_honoured(code: int, retry_after: str, date: str, waited: float) -> None:
    carrier = ScriptedCarrier(status(code, retry_after=retry_after, date=date), OK)
    await Sender(carrier, NO_JITTER).send(READ)
    assert waits(carrier) == [pytest.approx(waited)]


@virtual_time
async def test_retry_after_is_spread_a_little() -> None:
    carrier = ScriptedCarrier(*(status(429, retry_after="5") for _ in range(3)), OK)
    await Sender(carrier, RetryPolicy(first_delay=0.5)).send(READ)
    assert all(5 <= waited <= 5.5 for waited in waits(carrier))
    assert len(set(waits(carrier))) == 3


@virtual_time
async def test_no_wait_beyond_the_deadline() -> None:
    carrier = ScriptedCarrier(lost(), status(429, retry_after="50"), OK)
    error = await failure_of(Sender(carrier, RetryPolicy(first_delay=0, deadline=20)).send(READ))
    assert isinstance(error, RateLimitedError)
    assert error.__notes__ == [
        "Gave up after 2 attempts in 0.0 s: the next one would come after the deadline of 20 s."
    ]
    assert asyncio.get_running_loop().time() == START


@virtual_time
async def test_the_deadline_cuts_a_repeated_read_and_tells_the_failure_before() -> None:
    first = lost()
    carrier = ScriptedCarrier(After(5, first), After(1000, OK))
    error = await failure_of(Sender(carrier, RetryPolicy(first_delay=0, deadline=20)).send(READ))
    assert error is first
    assert error.__notes__ == [
        "Gave up after 2 attempts in 20.0 s: the last one was cut by the deadline of 20 s."
    ]
    assert asyncio.get_running_loop().time() == pytest.approx(START + 20)


@virtual_time
async def test_the_deadline_never_cuts_a_write() -> None:
    carrier = ScriptedCarrier(refused(), After(1000, OK))
    assert await Sender(carrier, RetryPolicy(first_delay=0, deadline=20)).send(WRITE) is OK


@virtual_time
async def test_a_time_out_that_is_not_ours_passes_through() -> None:
    theirs = TimeoutError("theirs")
    assert await failure_of(Sender(ScriptedCarrier(lost(), theirs), NO_JITTER).send(READ)) is theirs


MOVES = st.sampled_from(
    ["ok", "refused", "lost", "deadline", "page", "404", "429", "500", "503", "503 later"]
)


def played(names: list[str], seconds: float) -> Iterator[Move]:
    for name in names:
        move: Move
        match name:
            case "ok":
                move = OK
            case "refused":
                move = refused()
            case "lost":
                move = lost()
            case "deadline":
                move = DeadlineError("x")
            case "page":
                move = Reply(200, {}, b"<html>")
            case "503 later":
                move = status(503, retry_after="30")
            case code:
                move = status(int(code))
        yield After(seconds, move)


@given(
    st.lists(MOVES, min_size=1, max_size=12),
    st.booleans(),
    st.floats(0, 10),
    st.builds(
        RetryPolicy,
        attempts=st.integers(1, 6),
        first_delay=st.floats(0, 5),
        max_delay=st.floats(0, 20),
        deadline=st.floats(0, 100),
        max_retry_after=st.floats(0, 100),
    ),
)
def test_policy_holds_whatever_happens(
    names: list[str], repeatable: bool, seconds: float, policy: RetryPolicy
) -> None:
    carrier = ScriptedCarrier(*played(names, seconds))
    call = READ if repeatable else WRITE
    records: list[RequestRecord] = []

    async def main() -> tuple[Reply | None, float]:
        try:
            reply = await Sender(carrier, policy, on_request=records.append).send(call)
        except (TransportError, ServerError, RateLimitedError, NotFoundError, DecodeError):
            reply = None
        ended = asyncio.get_running_loop().time()
        await asyncio.sleep(0)
        return reply, ended

    reply, ended = run(main())
    attempts = len(carrier.times)
    met = (names + names[-1:] * attempts)[:attempts]
    assert attempts <= policy.attempts
    assert (reply is None) == (met[-1] != "ok" or ended - carrier.times[-1] < seconds - 1e-6)
    assert met.count("page") <= 2
    assert [record.attempt for record in records] == [*range(1, attempts + 1)]
    # No wait reaches beyond the deadline, and no repeated read does.
    assert all(begun <= START + policy.deadline + 1e-6 for begun in carrier.times[1:])
    if repeatable:
        assert ended <= START + max(seconds, policy.deadline) + 1e-6
    else:
        assert set(met[:-1]) <= {"refused"}  # sent at most once


# The budget


@virtual_time
async def test_the_budget_is_shared_and_bounds_what_a_dead_server_gets() -> None:
    carrier = ScriptedCarrier(otherwise=lambda _call: lost())
    sender = Sender(carrier)
    errors = [await failure_of(sender.send(READ)) for _ in range(500)]
    assert len(carrier.times) <= 1.1 * 500
    assert "retry budget" in errors[-1].__notes__[0]


@virtual_time
async def test_the_budget_bounds_a_dead_server_asked_by_many_at_once() -> None:
    carrier = ScriptedCarrier(otherwise=lambda _call: After(1, lost()))
    sender = Sender(carrier)
    await asyncio.gather(*(failure_of(sender.send(READ)) for _ in range(500)))
    assert len(carrier.times) <= 1.1 * 500


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.05, 0.3, 0.6, 0.9]))
def test_the_budget_bounds_a_server_that_fails_at_random(seed: int, share: float) -> None:
    chance = random.Random(seed)
    carrier = ScriptedCarrier(otherwise=lambda _call: lost() if chance.random() < share else OK)

    records: list[RequestRecord] = []

    async def main() -> None:
        sender = Sender(carrier, NO_JITTER, on_request=records.append)
        for _ in range(400):
            await asyncio.gather(sender.send(READ), return_exceptions=True)

    run(main())
    answered_at_first = sum(record.attempt == 1 and record.error is None for record in records)
    failed_retries = sum(record.attempt > 1 and record.error is not None for record in records)
    assert len(records) == len(carrier.times)
    assert failed_retries <= 20 + 0.1 * answered_at_first


@virtual_time
async def test_answered_retries_cost_nothing() -> None:
    budget = RetryBudget(capacity=1, refill=0)
    for answer in (OK, status(404)):
        for _ in range(5):
            carrier = ScriptedCarrier(lost(), answer)
            await asyncio.gather(Sender(carrier, budget=budget).send(READ), return_exceptions=True)
            assert len(carrier.times) == 2
            assert budget.tokens == 1


@pytest.mark.parametrize("answer", [OK, status(404), status(429)])
@virtual_time
async def test_an_answer_at_first_refills_the_budget_and_a_failure_does_not(answer: Reply) -> None:
    budget = RetryBudget(capacity=1, refill=0.25)
    assert budget.take()
    sender = Sender(ScriptedCarrier(answer), RetryPolicy(attempts=1), budget)
    await asyncio.gather(sender.send(READ), return_exceptions=True)
    assert budget.tokens == (0 if answer.status == 429 else 0.25)


@virtual_time
async def test_an_empty_budget_forbids_retries_for_writes_too() -> None:
    carrier = ScriptedCarrier(refused(), OK)
    error = await failure_of(Sender(carrier, budget=RetryBudget(0)).send(WRITE))
    assert type(error) is ConnectError
    assert len(carrier.times) == 1


# Many at once


@virtual_time
async def test_attempts_do_not_leak_between_calls() -> None:
    seen: dict[int, int] = {}

    def third_time_lucky(call: AnyCall) -> Move:
        seen[id(call)] = seen.get(id(call), 0) + 1
        return After(random.random(), OK if seen[id(call)] == 3 else lost())

    carrier = ScriptedCarrier(otherwise=third_time_lucky)
    sender = Sender(carrier, RetryPolicy(attempts=3), RetryBudget(capacity=1000))
    calls = [make_call(judge) for _ in range(50)]
    assert await asyncio.gather(*map(sender.send, calls)) == [OK] * 50
    assert [seen[id(call)] for call in calls] == [3] * 50


# Cancelling


@pytest.mark.parametrize("call", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize("when", ["first attempt", "wait", "second attempt"])
@virtual_time
async def test_cancelling_ends_it_at_once(call: Call[Reply], when: str) -> None:
    long = After(1000, OK)
    carrier = ScriptedCarrier(long) if when == "first attempt" else ScriptedCarrier(refused(), long)
    first_delay = 0.0 if when == "second attempt" else 1000.0
    policy = RetryPolicy(first_delay=first_delay, max_delay=1000, deadline=1e6)
    random.seed(1)
    task = asyncio.create_task(Sender(carrier, policy).send(call))
    await asyncio.sleep(10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.get_running_loop().time() == pytest.approx(START + 10)
    assert len(carrier.times) == (2 if when == "second attempt" else 1)


# Records


@virtual_time
async def test_every_attempt_is_recorded_once() -> None:
    records: list[RequestRecord] = []
    carrier = ScriptedCarrier(After(2, lost()), After(1, status(503)), After(3, OK))
    await Sender(carrier, RetryPolicy(first_delay=0), on_request=records.append).send(READ)
    await asyncio.sleep(0)
    label = "GET /openapi/things"
    assert [attrs.evolve(record, seconds=round(record.seconds, 3)) for record in records] == [
        RequestRecord(label, Lane.POLL, 1, None, "TransportError", 2, 0),
        RequestRecord(label, Lane.POLL, 2, 503, "ServerError", 1, 0),
        RequestRecord(label, Lane.POLL, 3, 200, None, 3, 4),
    ]


@virtual_time
async def test_unknown_outcomes_cut_and_cancelled_attempts_are_recorded() -> None:
    records: list[RequestRecord] = []
    await failure_of(Sender(ScriptedCarrier(lost()), on_request=records.append).send(WRITE))
    carrier = ScriptedCarrier(lost(), After(100, OK))
    policy = RetryPolicy(first_delay=0, deadline=1)
    await failure_of(Sender(carrier, policy, on_request=records.append).send(READ))
    task = asyncio.create_task(Sender(ScriptedCarrier(After(9, OK)), on_request=records.append).send(WRITE))
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert [record.error for record in records] == [
        "OutcomeUnknownError",
        "TransportError",
        "CancelledError",
        "CancelledError",
    ]


@virtual_time
async def test_a_faulty_observer_cannot_lose_an_answer() -> None:
    def faulty(_record: RequestRecord) -> None:
        raise ZeroDivisionError

    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, context: complaints.append(context["exception"])
    )
    assert await Sender(ScriptedCarrier(OK), on_request=faulty).send(WRITE) is OK
    await asyncio.sleep(0)
    assert [type(complaint) for complaint in complaints] == [ZeroDivisionError]


@virtual_time
async def test_records_show_no_target() -> None:
    records: list[RequestRecord] = []
    await Sender(ScriptedCarrier(OK), on_request=records.append).send(get("/task?key=hidden"))
    await asyncio.sleep(0)
    assert "hidden" not in repr(records)
    assert len(records) == 1


# Streams


@virtual_time
async def test_a_stream_is_handed_on() -> None:
    records: list[RequestRecord] = []
    carrier = ScriptedCarrier(After(2, Reply(200, {}, b"data")))
    async with Sender(carrier, on_request=records.append).stream(follow()) as body:
        assert [chunk async for chunk in body] == [b"data"]
        await asyncio.sleep(100)
    (record,) = records
    assert attrs.evolve(record, seconds=round(record.seconds, 3)) == RequestRecord(
        "GET /openapi/things", Lane.STREAM, 1, 200, None, 2, 0
    )


STREAM_REFUSALS: list[tuple[Move, type[ZadigError]]] = [
    (status(404), NotFoundError),
    (status(503, retry_after="5"), ServerError),
    (status(302), DecodeError),
    (lost(), TransportError),
    (refused(), ConnectError),
]


@pytest.mark.parametrize(("move", "kind"), STREAM_REFUSALS)
@virtual_time
async def test_a_stream_that_is_refused_is_not_asked_for_again(move: Move, kind: type[ZadigError]) -> None:
    records: list[RequestRecord] = []
    carrier = ScriptedCarrier(move)

    async def enter() -> None:
        async with Sender(carrier, on_request=records.append).stream(follow(read=judge)):
            raise AssertionError("it opened")

    error = await failure_of(enter())
    await asyncio.sleep(0)
    assert type(error) is kind
    assert len(carrier.times) == 1
    assert [record.error for record in records] == [kind.__name__]
    if isinstance(error, ServerError):
        assert error.retry_after == 5


@virtual_time
async def test_what_the_reader_of_a_stream_raises_passes_through() -> None:
    theirs = TransportError("cut while reading")

    async def read() -> None:
        async with Sender(ScriptedCarrier(OK)).stream(follow()):
            raise theirs

    assert await failure_of(read()) is theirs


# The rest


@virtual_time
async def test_closing_closes_the_carrier() -> None:
    carrier = ScriptedCarrier(OK)
    sender = Sender(carrier)
    await sender.aclose()
    await sender.aclose()
    assert carrier.closed == 2


@pytest.mark.parametrize("name", ["attempts", "first_delay", "max_delay", "deadline", "max_retry_after"])
@pytest.mark.parametrize("value", [-1, float("inf"), float("nan")])
def test_policy_refuses_numbers_that_mean_nothing(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        RetryPolicy(**{name: value})  # type: ignore[arg-type]  # a float for `attempts` is wrong on purpose


def test_policy_needs_an_attempt() -> None:
    with pytest.raises(ConfigError, match="attempts: expected a number of 1 or more"):
        RetryPolicy(attempts=0)


def test_calls_of_these_tests_are_what_they_say() -> None:
    assert READ.repeatable
    assert not WRITE.repeatable
    assert not post().repeatable
    assert as_is(OK) is OK


@virtual_time
async def test_before_send_is_asked_before_each_attempt_and_what_it_raises_ends_the_call() -> None:
    carrier = ScriptedCarrier(refused(), refused(), OK)
    asked: list[int] = []

    def before_send() -> None:
        asked.append(len(carrier.sent))
        if len(asked) == 2:
            raise ConfigError("not any more")

    with pytest.raises(ConfigError, match="not any more"):
        await Sender(carrier).send(attrs.evolve(WRITE, before_send=before_send))
    assert asked == [0, 1]
    assert len(carrier.sent) == 1
