"""The scenario in `docs/emulator.md` is one, and behaves as the page says."""

import re
from pathlib import Path

from ruamel.yaml import YAML

from zadig_async import (
    ALL_JOBS,
    ApprovalPolicy,
    ApprovalRule,
    Launch,
    Orchestrator,
    RunPolicy,
    Verdict,
    ZadigClient,
)
from zadig_async.emulator import Emulator

PAGE = Path(__file__).parent.parent / "docs" / "emulator.md"


async def test_the_world_of_the_page_fails_once_and_passes_when_retried() -> None:
    (world,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    rule = ApprovalRule(project="shop", workflow="deploy-api", gate="staging-gate", own_tasks=True)
    policy = RunPolicy(approvals=ApprovalPolicy([rule]), poll_every=0.05, settle=0.2)
    async with (
        Emulator(YAML(typ="safe").load(world), speed=60.0) as emulator,
        ZadigClient.connect(emulator.url, token=emulator.token) as zadig,
        Orchestrator(zadig, policy) as orchestrator,
    ):
        first = await orchestrator.run(Launch("shop", "deploy-api", jobs=ALL_JOBS))
        assert first.verdict is Verdict.FAILED
        assert first.ref is not None
        second = await (await orchestrator.retry(first.ref)).wait()
    assert second.ok
    assert second.ref == first.ref
