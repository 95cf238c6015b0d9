"""The options of a run as words, there and back, and one command line on top of another."""

from typing import Any

import click
import pytest
from click.testing import CliRunner

from zadig_async.cli import given as command_line
from zadig_async.cli import going_on, log_options, policy_options
from zadig_async.orchestrator.policy import RunPolicy

ROUND_TRIPS: list[tuple[str, ...]] = [
    ("--queue-timeout", "0"),
    ("--run-timeout", "14d"),
    ("--gate-timeout", "0"),
    ("--gate-timeout", "1h30m"),
    ("--timeout", "0.1"),
    ("--timeout", "1000000"),
    ("--timeout", "123456.789"),
    ("--poll-every", "0.1"),
    ("--poll-every", "100"),
    ("--reconcile-for", "14d"),
    ("--marker", "run_id"),
    ("--cancel-on-timeout",),
    ("--approve-own",),
    ("--retrigger",),
    ("--operation-log",),
    ("--logs",),
    ("--no-logs",),
    ("--grep", r"error|\bpanic: .*x\b"),
    ("--timestamps",),
    ("--color", "keep"),
    ("--color", "strip"),
    ("--log-dir", "/var/log/release 7"),
    ("--tail", "1"),
    ("--tail", "1000000"),
    ("--since-start",),
    ("--log-job", "build", "--log-job", "job-0-0-1-test"),
    ("--approve", "shop/deploy-*:staging gate"),
    ("--approve", "shop/a:x:y", "--approve", "*/b:z", "--approve-own"),
    (),
]


@pytest.mark.parametrize(
    "argv",
    [pytest.param(argv, id=" ".join(argv)) for argv in ROUND_TRIPS],
)
def test_options_are_read_again_as_they_were_given(argv: tuple[str, ...]) -> None:
    given = going_on.parse(argv)
    words = going_on.words(given, "resume")
    assert going_on.parse(words) == given
    assert policy_options.policy(going_on.parse(words), RunPolicy()) == policy_options.policy(
        given, RunPolicy()
    )
    assert not any("e+" in word for word in words)


def test_every_option_comes_in_some_round_trip() -> None:
    command = policy_options.reconcile_options(policy_options.policy_options(click.Command("all")))
    command = log_options.run_log_options(command)
    options = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    assert options == {word for argv in ROUND_TRIPS for word in argv if word.startswith("--")}


def test_words_for_watch_leave_out_what_it_does_not_have() -> None:
    given = going_on.parse([word for argv in ROUND_TRIPS for word in argv])
    words = going_on.words(given, "watch")
    assert not {"--marker", "--reconcile-for", "--retrigger", "--operation-log"} & {*words}
    assert {"--approve", "--approve-own", "--gate-timeout", "--cancel-on-timeout"} <= {*words}
    assert {"--grep", "--timestamps", "--color", "--log-dir", "--tail", "--job"} <= {*words}
    assert "--log-job" not in words, "it is `--job` of `watch`"


MERGED: list[tuple[tuple[str, ...], tuple[str, ...], dict[str, Any]]] = [
    (("--gate-timeout", "60"), ("--gate-timeout", "0"), {"gate": 0.0}),
    (("--logs",), ("--no-logs",), {"logs": False}),
    (("--no-logs",), ("--logs",), {"logs": True}),
    (("--logs", "--gate-timeout", "0"), (), {"logs": True, "gate": 0.0}),
    (("--cancel-on-timeout",), ("--timeout", "1h"), {"cancel_on_timeout": True, "total": 3600.0}),
    (("--timeout", "1h", "--marker", "a"), ("--marker", "b"), {"total": 3600.0, "marker": "b"}),
    ((), ("--retrigger", "--operation-log"), {"retrigger": True, "operation_log": True}),
    (("--log-job", "a", "--grep", "x"), ("--log-job", "b"), {"log_jobs": ("b",), "grep": "x"}),
    (("--tail", "5"), ("--since-start",), {"since_start": True}),
    (("--since-start",), ("--tail", "5"), {"tail": 5}),
    (("--tail", "5", "--timestamps"), ("--tail", "6"), {"tail": 6, "timestamps": True}),
    (("--color", "keep"), ("--color", "strip"), {"color": "strip"}),
]


@pytest.mark.parametrize(("then", "now", "expected"), MERGED)
def test_what_is_given_now_wins_and_the_rest_stays(
    then: tuple[str, ...], now: tuple[str, ...], expected: dict[str, Any]
) -> None:
    merged = going_on.merged(going_on.parse(then), going_on.parse(now))
    untouched = going_on.parse(())
    assert merged == {**untouched, **expected}


def test_rules_given_now_replace_those_of_then() -> None:
    then = going_on.parse(("--approve", "shop/a:x", "--approve-own"))
    same = going_on.merged(then, going_on.parse(()))
    assert same == then
    now = going_on.parse(("--approve", "shop/b:y"))
    replaced = going_on.merged(then, now)
    assert replaced["approve"] == now["approve"]
    assert not replaced["approve_own"], "the new rule has not waived four eyes"
    both = going_on.merged(then, going_on.parse(("--approve", "shop/b:y", "--approve-own")))
    assert both["approve_own"]


def test_a_printed_duration_is_one_a_shell_can_give_again() -> None:
    seen: list[command_line.Given] = []

    @click.command()
    @policy_options.policy_options
    @click.pass_context
    def command(ctx: click.Context) -> None:
        seen.append(command_line.given(ctx))

    words = going_on.words(going_on.parse(("--timeout", "14d", "--gate-timeout", "0")), "watch")
    assert CliRunner().invoke(command, words).exit_code == 0
    assert (seen[0]["total"], seen[0]["gate"]) == (1_209_600.0, 0.0)
