"""The snippet of `docs/logs.md` is run as it stands, against the emulator's default world."""

import ast
import asyncio
import inspect
import re
from pathlib import Path

import zadig_async
from zadig_async import ALL_JOBS, Launch, ZadigClient
from zadig_async.emulator import Emulator

PAGE = Path(__file__).parent.parent / "docs" / "logs.md"


async def test_the_snippet_reads_logs_to_their_reports() -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    code = compile(snippet, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    async with (
        Emulator(speed=40.0) as emulator,
        ZadigClient.connect(emulator.url, token=emulator.token) as zadig,
    ):
        names = {
            name: getattr(zadig_async, name) for name in ("LogFeed", "Orchestrator", "RunPolicy", "events")
        }
        launches = [Launch("shop", "deploy-mobile", jobs=ALL_JOBS)]
        names |= {"asyncio": asyncio, "launches": launches, "zadig": zadig}
        started = eval(code, names)  # noqa: S307 - our own page
        assert inspect.isawaitable(started)
        await started
    assert isinstance(names["event"], zadig_async.events.LogClosed)
    assert names["event"].report.complete is True
