"""A small Zadig in a thread of its own, and the command line called as a shell would call it."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.support.canary import CANARY
from zadig_async.cli.app import run
from zadig_async.emulator import Emulator, Fault, Script

POLL = "--poll-every=0.1"

EVIL = "\x1b]0;owned\x07\x1b[31mred\x1b[0m \u202etxt\u202c 部署\r"
"""Text of somebody who attacks the terminal; harmless, it reads `red txt 部署`."""

WORLD: Mapping[str, Any] = {
    "queue_tick": 1,
    "users": [
        {"name": "bot", "tokens": [CANARY], "projects": {"shop": ["execute", "edit", "create", "admin"]}},
        {"name": "alice", "tokens": ["alice-token"], "projects": {"shop": ["execute"]}},
        {"name": "viewer", "tokens": ["viewer-token"]},
    ],
    "projects": [
        {
            "key": "shop",
            "name": "商城",
            "workflows": [
                {
                    "key": "good",
                    "name": "好的",
                    "params": [
                        {"name": "branch", "value": "main"},
                        {"name": "password", "value": "hunter2", "is_credential": True},
                    ],
                    "stages": [
                        {
                            "name": "构建",
                            "jobs": [{"name": "build", "duration": 2, "log": ["第一行", "line two"]}],
                        }
                    ],
                    "tasks": [{"id": 7, "status": "passed"}],
                },
                {
                    "key": "bad",
                    "stages": [
                        {
                            "name": "build",
                            "jobs": [
                                {
                                    "name": "build",
                                    "duration": 2,
                                    "outcome": "failed",
                                    "error": "exit status 2",
                                    "log": ["boom"],
                                }
                            ],
                        }
                    ],
                },
                {
                    "key": "gated",
                    "stages": [
                        {"name": "build", "jobs": [{"name": "build", "duration": 1, "log": ["built"]}]},
                        {
                            "name": "gate",
                            "jobs": [
                                {
                                    "name": "gate",
                                    "approval": {
                                        "users": ["bot", "alice"],
                                        "timeout": 600,
                                        "description": "ask the boss",
                                    },
                                }
                            ],
                        },
                        {"name": "deploy", "jobs": [{"name": "deploy", "duration": 1}]},
                    ],
                },
                {
                    "key": "slow",
                    "stages": [
                        {
                            "name": "build",
                            "jobs": [
                                {
                                    "name": "build",
                                    "outcome": "never",
                                    "log": [{"text": "begun", "at": 0}, {"text": "going on", "at": 1}],
                                }
                            ],
                        }
                    ],
                },
                {
                    "key": "steady",
                    "stages": [
                        {
                            "name": "build",
                            "jobs": [
                                {
                                    "name": "build",
                                    "duration": 40,
                                    "log": [{"text": f"step {second}", "at": second} for second in range(40)],
                                }
                            ],
                        }
                    ],
                },
                {
                    "key": "evil",
                    "name": EVIL,
                    "description": EVIL,
                    "stages": [
                        {
                            "name": EVIL,
                            "jobs": [
                                {
                                    "name": "build",
                                    "duration": 1,
                                    "outcome": "failed",
                                    "error": EVIL,
                                    "log": [f"10%\r{EVIL}"],
                                }
                            ],
                        }
                    ],
                },
            ],
            "views": [{"name": "发布", "workflows": ["good", "gated"]}],
        }
    ],
}


class Zadig:
    """An emulator whose event loop runs in a thread, so that `run` can have the main one."""

    def __init__(self, script: Mapping[str, Any] | Script, speed: float) -> None:
        self.emulator = Emulator(script, speed=speed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._call(self.emulator.start())
        self.url = self.emulator.url

    def _call(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def fault(self, kind: str, **settings: Any) -> None:
        """Order a fault for the next requests it fits."""

        async def order() -> None:
            self.emulator.faults.add(Fault(kind=kind, **settings))

        self._call(order())

    def writes(self) -> list[str]:
        """Return method and path of every request that could have changed something."""
        return [
            f"{seen.method} {seen.path.partition('?')[0]}"
            for seen in self.emulator.ledger.requests
            if seen.method not in {"GET", "HEAD"}
        ]

    def struck(self) -> list[str]:
        """Return the kinds of the faults that struck a request."""
        return [seen.fault for seen in self.emulator.ledger.requests if seen.fault]

    def close(self) -> None:
        self._call(self.emulator.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@attrs.frozen
class Result:
    """What one command line did."""

    code: int
    out: str
    err: str


Cli = Callable[..., Result]


@pytest.fixture
def zadig() -> Iterator[Zadig]:
    server = Zadig(WORLD, speed=40)
    yield server
    server.close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a home and an environment of its own."""
    for name in ("ZADIG_URL", "ZADIG_TOKEN", "ZADIG_TOKEN_FILE", "ZADIG_PROFILE", "NO_COLOR", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


@pytest.fixture
def alone(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command line without any server, and see that it never shows the token."""

    def call(*argv: str) -> Result:
        code = run(argv)
        out, err = capsys.readouterr()
        assert CANARY not in out + err
        return Result(code, out, err)

    return call


@pytest.fixture
def cli(zadig: Zadig, alone: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command line against `zadig`."""
    monkeypatch.setenv("ZADIG_URL", zadig.url)
    monkeypatch.setenv("ZADIG_TOKEN", CANARY)
    return alone
