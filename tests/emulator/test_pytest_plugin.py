"""The fixtures a user gets, in the user's own test session."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

TESTS = """
import aiohttp
import pytest

@pytest.fixture
def zadig_emulator_script():
    return {"projects": [{"key": "mine", "workflows": [{"key": "w"}]}]}

%s
async def test_speaks(zadig_emulator):
    headers = {"Authorization": "Bearer " + zadig_emulator.token}
    async with aiohttp.ClientSession(zadig_emulator.url, headers=headers) as session:
        async with session.get("/openapi/workflows?projectKey=mine") as answer:
            assert (await answer.json())["workflows"][0]["workflow_key"] == "w"
    assert len(zadig_emulator.ledger.requests) == 1

def test_has_nothing_to_do_with_it():
    pass
"""


@pytest.mark.parametrize(("mode", "mark"), [("auto", ""), ("strict", "@pytest.mark.asyncio")])
def test_the_fixture_works_in_both_modes_of_pytest_asyncio(
    pytester: pytest.Pytester, mode: str, mark: str
) -> None:
    pytester.makeini(f"[pytest]\nasyncio_mode = {mode}\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(TESTS % mark)
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=2)


def test_without_pytest_asyncio_the_fixture_skips(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile("def test_asks(zadig_emulator):\n    pass\n\ndef test_does_not():\n    pass\n")
    plugin = "zadig_async.emulator.pytest_plugin"
    code = (
        "import sys; sys.modules['pytest_asyncio'] = None; import pytest; "
        f"sys.exit(pytest.main(['-q', '-p', {plugin!r}]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=pytester.path, capture_output=True, text=True, check=False
    )
    assert "1 passed, 1 skipped" in ended.stdout, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        (
            "import zadig_async.emulator.pytest_plugin",
            ["aiohttp", "zadig_async.emulator.server", "ruamel.yaml"],
        ),
        ("from zadig_async.emulator import Script, ManualClock, World, Dialect", ["aiohttp"]),
        ("import zadig_async.emulator", ["aiohttp", "ruamel.yaml"]),
    ],
)
def test_imports_are_cheap(statement: str, unwanted: list[str]) -> None:
    code = f"import sys; {statement}; print([name for name in {unwanted!r} if name in sys.modules])"
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


def test_every_exported_name_exists() -> None:
    import zadig_async.emulator as package  # noqa: PLC0415 - the import is what is tested

    for name in package.__all__:
        assert getattr(package, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        package.__getattr__("Nothing")
