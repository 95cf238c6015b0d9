"""The README's snippets are run as they stand, against the emulator's default world."""

import ast
import inspect
import re
from pathlib import Path
from types import CodeType

import pytest

from zadig_async.emulator import Emulator

README = Path(__file__).parent.parent / "README.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
LAST_LINES = [
    "succeeded shop/deploy-mobile#1",
    "shop/deploy-search failed job-0-0-0-build",
    "failed shop/deploy-search#1",
    "succeeded [",
]


def compiled(snippet: str) -> CodeType:
    code = compile(snippet, str(README), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert isinstance(code, CodeType)
    return code


@pytest.mark.parametrize(("snippet", "last"), list(zip(SNIPPETS, LAST_LINES, strict=True)))
async def test_a_snippet_runs_and_says_what_it_should(
    snippet: str, last: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async with Emulator(speed=30.0) as emulator:
        names = {"url": emulator.url, "token": emulator.token, "folder": tmp_path}
        # A snippet's code is a coroutine where it awaits at top level, as in an asyncio REPL.
        started = eval(compiled(snippet), names)  # noqa: S307 - our own README
        assert inspect.isawaitable(started)
        await started
    printed = capsys.readouterr().out.strip().splitlines()
    assert printed[-1].startswith(last)
