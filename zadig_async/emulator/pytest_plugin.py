"""The pytest fixtures `zadig_emulator` and `zadig_emulator_script` for tests of code that talks to Zadig.

`zadig_emulator` is a started `Emulator`, new for every test. Override `zadig_emulator_script` to choose the
scenario: a `Script`, a mapping or the path of a YAML file. The fixtures need pytest-asyncio; where it is
missing they skip the test that asks for them, and nothing else of this plugin needs it. Importing the
plugin imports neither aiohttp nor the emulator.
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from zadig_async.emulator.server import Emulator

__all__ = ["zadig_emulator_script"]


@pytest.fixture
def zadig_emulator_script() -> Any:
    """The scenario of `zadig_emulator`.

    None is the built-in demo world. Override it in a module or conftest.
    """
    return None


try:
    import pytest_asyncio
except ImportError:

    @pytest.fixture
    def zadig_emulator() -> Any:
        """Without pytest-asyncio there is no event loop to run the emulator on."""
        pytest.skip("zadig_emulator needs pytest-asyncio")

else:

    @pytest_asyncio.fixture(name="zadig_emulator")
    async def _zadig_emulator(zadig_emulator_script: Any) -> "AsyncIterator[Emulator]":
        """A started emulator on the test's event loop; closed after the test."""
        from zadig_async.emulator.server import Emulator  # noqa: PLC0415 - aiohttp only for those who use it

        async with Emulator(zadig_emulator_script) as emulator:
            yield emulator
