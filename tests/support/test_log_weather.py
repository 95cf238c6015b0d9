"""The weather strikes what it is said to strike, the same each time."""

from tests.support.fault_spoils import Exchange, Fault, Spoil
from tests.support.log_weather import LogWeather

STREAM = "/openapi/logs/sse/v4/workflow/w/1/job-0-0-0-a/0"
ARCHIVE = "/openapi/logs/log/v4/workflow/w/1/job-0-0-0-a"
POLL = "/openapi/workflows/custom/task?taskId=1&workflowKey=w"


def roll(seed: int, target: str, method: str = "GET") -> list[Spoil | None]:
    weather = LogWeather(seed, lasts=(1.0, 2.0), archives=0.5, polls=0.2)
    return [weather(Exchange(number, method, target)) for number in range(1000)]


def test_no_stream_lasts() -> None:
    spoils = [spoil for spoil in roll(1, STREAM) if spoil is not None]
    assert len(spoils) == 1000
    kinds = {spoil.kind for spoil in spoils}
    assert kinds == {Fault.CUT, Fault.HALF_OPEN, Fault.BAD_GATEWAY_BEFORE, Fault.RESET_BEFORE, Fault.DELAY}
    cuts = [spoil for spoil in spoils if spoil.kind is Fault.CUT]
    assert {spoil.hard for spoil in cuts} == {True, False}
    assert {spoil.size is None for spoil in cuts} == {True, False}
    assert all(spoil.seconds is not None and 1.0 <= spoil.seconds <= 2.0 for spoil in cuts)


def test_a_share_of_archives_and_polls_is_spoiled_and_nothing_else() -> None:
    assert 400 < sum(spoil is not None for spoil in roll(1, ARCHIVE)) < 600
    assert 120 < sum(spoil is not None for spoil in roll(1, POLL)) < 280
    assert not any(roll(1, POLL, "POST"))
    assert not any(roll(1, "/openapi/workflows"))


def test_it_is_the_same_each_time() -> None:
    assert roll(1, STREAM) == roll(1, STREAM)
    assert roll(1, STREAM) != roll(2, STREAM)
