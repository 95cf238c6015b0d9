"""The options of a run as words, there and back, and one command line on top of another."""

from typing import Any

import click
import pytest
from click.testing import CliRunner

from zadig_async.cli import policy_options
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
    ("--approve", "shop/deploy-*:staging gate"),
    ("--approve", "shop/a:x:y", "--approve", "*/b:z", "--approve-own"),
    (),
]


@pytest.mark.parametrize(
    "argv",
    [pytest.param(argv, id=" ".join(argv)) for argv in ROUND_TRIPS],
)
def test_options_are_read_again_as_they_were_given(argv: tuple[str, ...]) -> None:
    given = policy_options.parse(argv)
    words = policy_options.again(given)
    assert policy_options.parse(words) == given
    assert policy_options.policy(policy_options.parse(words), RunPolicy()) == policy_options.policy(
        given, RunPolicy()
    )
    assert not any("e+" in word for word in words)


def test_every_option_comes_in_some_round_trip() -> None:
    command = policy_options.reconcile_options(policy_options.policy_options(click.Command("all")))
    options = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    assert options == {word for argv in ROUND_TRIPS for word in argv if word.startswith("--")}


def test_words_for_watch_leave_out_what_it_does_not_have() -> None:
    given = policy_options.parse([word for argv in ROUND_TRIPS for word in argv])
    words = policy_options.again(given, reconcile=False)
    assert not {"--marker", "--reconcile-for", "--retrigger", "--operation-log"} & {*words}
    assert {"--approve", "--approve-own", "--gate-timeout", "--cancel-on-timeout"} <= {*words}


MERGED: list[tuple[tuple[str, ...], tuple[str, ...], dict[str, Any]]] = [
    (("--gate-timeout", "60"), ("--gate-timeout", "0"), {"gate": 0.0}),
    (("--logs",), ("--no-logs",), {"logs": False}),
    (("--no-logs",), ("--logs",), {"logs": True}),
    (("--logs", "--gate-timeout", "0"), (), {"logs": True, "gate": 0.0}),
    (("--cancel-on-timeout",), ("--timeout", "1h"), {"cancel_on_timeout": True, "total": 3600.0}),
    (("--timeout", "1h", "--marker", "a"), ("--marker", "b"), {"total": 3600.0, "marker": "b"}),
    ((), ("--retrigger", "--operation-log"), {"retrigger": True, "operation_log": True}),
]


@pytest.mark.parametrize(("then", "now", "expected"), MERGED)
def test_what_is_given_now_wins_and_the_rest_stays(
    then: tuple[str, ...], now: tuple[str, ...], expected: dict[str, Any]
) -> None:
    merged = policy_options.merged(policy_options.parse(then), policy_options.parse(now))
    untouched = policy_options.parse(())
    assert merged == {**untouched, **expected}


def test_rules_given_now_replace_those_of_then() -> None:
    then = policy_options.parse(("--approve", "shop/a:x", "--approve-own"))
    same = policy_options.merged(then, policy_options.parse(()))
    assert same == then
    now = policy_options.parse(("--approve", "shop/b:y"))
    replaced = policy_options.merged(then, now)
    assert replaced["approve"] == now["approve"]
    assert not replaced["approve_own"], "the new rule has not waived four eyes"
    both = policy_options.merged(then, policy_options.parse(("--approve", "shop/b:y", "--approve-own")))
    assert both["approve_own"]


def test_a_printed_duration_is_one_a_shell_can_give_again() -> None:
    seen: list[policy_options.Given] = []

    @click.command()
    @policy_options.policy_options
    @click.pass_context
    def command(ctx: click.Context) -> None:
        seen.append(policy_options.given(ctx))

    words = policy_options.again(policy_options.parse(("--timeout", "14d", "--gate-timeout", "0")))
    assert CliRunner().invoke(command, words).exit_code == 0
    assert (seen[0]["total"], seen[0]["gate"]) == (1_209_600.0, 0.0)
