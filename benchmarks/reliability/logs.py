"""Logs through a network in which no stream lasts: each line comes once, or a hole is said where some lack.

Time runs `SPEED` times faster than in production: the jobs, the cuts, and how long silence is borne. What was
told is then held against what each attempt of each job printed, by `tests/support/log_truth.py`, which shares
no code with the client. Two naive followers do the same in the same weather, to show how bad it is.

What the logs hold: `tests/support/log_texts.py`. What befalls streams: `tests/support/log_weather.py`.

The jobs are of three kinds, counted apart:

    plain     containers, a VM, a deploy job, one that fails and is repeated: the archive comes
    rotated   containers whose logs the kubelet rotates: a replay and the archive lack the beginning
    capitals  containers of a workflow with capitals: there is no archive, ever
"""

import asyncio
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

import attrs

from benchmarks.reliability.other_side import TOKEN, OtherSide
from tests.support.log_texts import CREDENTIAL, log_text
from tests.support.log_truth import Heard, LogEar, Verdict, judge
from tests.support.naive_logs import NaiveLogs
from tests.support.worlds import job, workflow, world
from zadig_async import (
    ALL_JOBS,
    Launch,
    Orchestrator,
    RetryPolicy,
    RunPolicy,
    Secret,
    ZadigClient,
    inputs,
)
from zadig_async.orchestrator.policy import LogPolicy
from zadig_async.transport.http import HttpCarrier
from zadig_async.transport.options import Connection, Timeouts

SPEED: Final = 30.0
"""World seconds in one of ours."""

DURATION: Final = 300.0
"""World seconds that a job runs."""

LASTS: Final = (1.0, 16.0)
"""World seconds that a live stream lasts."""

PROVED: Final = 0.9
"""Least share of plain logs that is to be called complete."""

_SECRETS: Final = (CREDENTIAL, TOKEN)
_KINDS: Final = ("plain", "rotated", "capitals")
_CLIENTS: Final = ("ours", "whole", "tail")

Key = tuple[str, int, str, int]


def scenario(seed: int, lines: int) -> Mapping[str, Any]:
    """Make a world whose jobs print about so many lines each."""

    def prints(name: str, count: int = lines, **more: Any) -> dict[str, Any]:
        return job(name, duration=DURATION, log=log_text(f"{seed} {name}", count), **more)

    def bursts(name: str) -> dict[str, Any]:
        """Print nothing for long, and then very much at once."""
        texts = log_text(f"{seed} {name}", lines)
        moments = [DURATION * (number * 7 // lines + 1) / 8 for number in range(lines)]
        log = [{"text": text, "at": at} for text, at in zip(texts, moments, strict=True)]
        return job(name, duration=DURATION, log=log)

    secret = {"name": "password", "type": "string", "value": CREDENTIAL, "is_credential": True}
    retry = {"policy": "retry", "maximum_retry": 1}
    flaky = prints("flaky", lines // 2, outcome=["failed", "passed"], error_policy=retry)
    return world(
        workflow("builds", [prints("build"), bursts("test")], parallel=True, params=[secret]),
        workflow(
            "deploys",
            [
                prints("machine", type="zadig-vm-deploy", env="dev", services=["api"]),
                prints("rollout", type="zadig-deploy", env="dev", services=["api"]),
            ],
            parallel=True,
            params=[secret],
        ),
        workflow("again", [{**flaky, "duration": DURATION / 2}], params=[secret]),
        workflow(
            "rotated",
            [prints(f"in-{share}", container_log_lines=lines // share) for share in (2, 3, 5, 10, 20)],
            parallel=True,
            params=[secret],
        ),
        workflow(
            "Capitals",
            [*(prints(f"build-{number}") for number in range(4)), bursts("test")],
            parallel=True,
            params=[secret],
        ),
        version="4.2.0",
        queue_tick=1.0,
    )


def _kind(key: Key) -> str:
    return {"rotated": "rotated", "Capitals": "capitals"}.get(key[0], "plain")


def _client(url: str) -> ZadigClient:
    carrier = HttpCarrier(
        Connection(url, Secret(TOKEN)), timeouts=Timeouts(poll_total=10.0, stream_open=330.0 / SPEED)
    )
    retry = RetryPolicy(first_delay=0.5 / SPEED, max_delay=10.0 / SPEED)
    return ZadigClient.over(carrier, retry=retry, server=url, account="bot")


_MACHINE: Final = inputs.VMDeployInput(
    env_name="dev", services=[inputs.VMDeployService(service_name="api", file_name="api.tgz")]
)
_LAUNCHES: Final = [
    *(Launch("shop", key, jobs=ALL_JOBS) for key in ("builds", "again", "rotated", "Capitals")),
    Launch("shop", "deploys", jobs=["rollout"], inputs={"machine": _MACHINE}),
]


async def _ours(zadig: ZadigClient) -> Mapping[Key, Heard]:
    ear = LogEar()
    policy = RunPolicy(
        follow_logs=True, poll_every=3.0 / SPEED, logs=LogPolicy(silence=60.0 / SPEED, drain=15.0 / SPEED)
    )
    async with Orchestrator(zadig, policy, on_event=ear.take) as orchestrator:
        outcomes = await orchestrator.run_all(_LAUNCHES)
    assert all(outcome.ok for outcome in outcomes), outcomes
    return ear.logs


async def _naive(zadig: ZadigClient, manner: str) -> Mapping[Key, Heard]:
    async with Orchestrator(zadig) as orchestrator:
        runs = [await orchestrator.start(launch) for launch in _LAUNCHES]
        refs = [run.ref for run in runs]
        naive = NaiveLogs(
            zadig, "whole" if manner == "whole" else "tail", every=3.0 / SPEED, drain=15.0 / SPEED
        )
        await asyncio.gather(*map(naive.watch, refs))
    return naive.logs


async def _follow(url: str, how: str) -> Mapping[Key, Heard]:
    async with _client(url) as zadig:
        return await (_ours(zadig) if how == "ours" else _naive(zadig, how))


@attrs.frozen(kw_only=True)
class Count:
    """One seed's figures for one kind of job.

    Attributes:
        logs: How many logs there were.
        verdicts: What became of those that were heard of.
        unheard: How many were not.
    """

    logs: int
    verdicts: Sequence[Verdict]
    unheard: int

    def line(self) -> str:
        """The figures, as a line of a table."""
        each = self.verdicts
        said = Counter(verdict.complete for verdict in each)
        claims = [verdict for verdict in each if verdict.complete is True]
        return (
            f"{self.logs:4}  {sum(v.true for v in each):6}  {sum(v.told for v in each):6}  "
            f"{sum(v.duplicates for v in each):10}  {sum(v.lost for v in each):13}  "
            f"{sum(v.marked for v in each):11}  {sum(v.gaps for v in each):4}  "
            f"{said[True]:3}/{said[None]}/{said[False]:<2}  {sum(v.false_complete for v in each):14}  "
            f"{sum(v.same_digest is True for v in claims)}/{len(claims)}"
        )

    @property
    def wrong(self) -> bool:
        """Whether something was told that is not so."""
        return bool(self.unheard) or any(verdict.wrongs for verdict in self.verdicts)


_HEAD: Final = (
    "client  seed  kind      logs    true    told  duplicates  lost unmarked  lost marked  gaps  "
    "complete?  false complete  digests  seconds"
)


def _counts(heard: Mapping[Key, Heard], other: OtherSide, how: str, seed: int) -> Mapping[str, Count]:
    verdicts: dict[str, list[Verdict]] = defaultdict(list)
    logs: Counter[str] = Counter()
    for (name, task, job_name), attempts in other.logs().items():
        for attempt, printed in enumerate(attempts, 1):
            key = (name, task, job_name, attempt)
            logs[_kind(key)] += 1
            found = heard.get(key)
            if found is None:
                print(f"  {how} {seed} {name} {job_name} attempt {attempt}: not heard of")
                continue
            if how != "ours":
                _mask(found)
            verdict = judge(found, printed, _SECRETS)
            verdicts[_kind(key)].append(verdict)
            if how == "ours" and verdict.wrongs:
                reason = found.report.reason if found.report is not None else "never closed"
                print(
                    f"  {how} {seed} {name} {job_name} attempt {attempt}: {'; '.join(verdict.wrongs)} "
                    f"({reason}; {verdict.true} lines, {verdict.told} told)"
                )
    return {
        kind: Count(logs=logs[kind], verdicts=verdicts[kind], unheard=logs[kind] - len(verdicts[kind]))
        for kind in _KINDS
    }


def _mask(heard: Heard) -> None:
    """Give a naive follower what it does not know of: what must not be shown is not what it is judged by."""
    for stretch in heard.stretches:
        for secret in _SECRETS:
            stretch.lines = [line.replace(secret, "******") for line in stretch.lines]


async def _measure(seed: int, lines: int) -> Mapping[str, tuple[Mapping[str, Count], float]]:
    """Let all clients follow at once, each in a world of its own: most of the time is waiting."""
    weather = {"seed": seed, "lasts": [seconds / SPEED for seconds in LASTS], "late": 5.0 / SPEED}
    script = scenario(seed, lines)

    async def one(how: str, other: OtherSide) -> tuple[Mapping[str, Count], float]:
        began = time.monotonic()
        heard = await _follow(other.url, how)
        return _counts(heard, other, how, seed), time.monotonic() - began

    with ExitStack() as stack:
        others = [
            stack.enter_context(OtherSide.begin(script, speed=SPEED, weather=weather)) for _ in _CLIENTS
        ]
        found = await asyncio.gather(*map(one, _CLIENTS, others))
    return dict(zip(_CLIENTS, found, strict=True))


def run(seeds: int, lines: int) -> int:
    """Follow, judge, print.

    Args:
        seeds: How many seeds.
        lines: About how many lines each job prints.

    Returns:
        0 where all promises were kept and the naive followers have shown what happens without them.
    """
    print(f"streams last {LASTS[0]:g} to {LASTS[1]:g} s of jobs of {DURATION:g} s, {SPEED:g} times faster")
    print(_HEAD)
    broken = False
    plain: list[Verdict] = []
    for seed in range(seeds):
        for how, (counts, seconds) in asyncio.run(_measure(seed, lines)).items():
            for kind, found in counts.items():
                print(f"{how:6}  {seed:4}  {kind:8}  {found.line():91}  {seconds:7.0f}", flush=True)
            wrong = any(found.wrong for found in counts.values())
            broken |= wrong if how == "ours" else not wrong
            if how == "ours":
                plain += counts["plain"].verdicts
    # One that claims nothing is never wrong: where the archive comes, it is to be used.
    proved = sum(verdict.complete is True for verdict in plain)
    print(f"ours: {proved} of {len(plain)} plain logs proved complete")
    broken |= proved < len(plain) * PROVED
    if broken:
        print(
            "WRONG: a promise was broken, or a naive follower was too lucky to prove anything",
            file=sys.stderr,
        )
    return 1 if broken else 0
