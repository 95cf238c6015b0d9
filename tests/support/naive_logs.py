"""Two ways to follow a log that one writes without thinking of it, to show that thinking is needed.

    whole  reads the stream; when it ends, opens it anew with the whole log and skips as many lines as it had
    tail   reads the stream; when it ends, opens it anew with the last ten lines, and takes what comes

Both take the job's end for the end of its log, and know nothing of archives.
"""

import asyncio
from contextlib import suppress
from typing import Final, Literal

from tests.support.log_truth import Heard
from zadig_async import TaskRef, ZadigClient, ZadigError
from zadig_async.model.log import LogReport
from zadig_async.model.status import Phase

_TAIL: Final = 10

Manner = Literal["whole", "tail"]
Key = tuple[str, int, str, int]


class NaiveLogs:
    """Follows the logs of a task until it has ended.

    Attributes:
        logs: What was told, by workflow, task number, job task name and attempt.
    """

    def __init__(self, zadig: ZadigClient, manner: Manner, *, every: float, drain: float) -> None:
        """Prepare.

        Args:
            zadig: The server.
            manner: Which of the two.
            every: Seconds between two looks at the task, and before a stream is opened anew.
            drain: Seconds to read on after a job's end.
        """
        self._zadig = zadig
        self._manner = manner
        self._every = every
        self._drain = drain
        self.logs: dict[Key, Heard] = {}

    async def watch(self, ref: TaskRef) -> None:
        """Follow the logs of a task."""
        readers: dict[str, asyncio.Task[None]] = {}
        ending: list[asyncio.Task[None]] = []
        attempts: dict[str, int] = {}
        over = False
        while not over:
            with suppress(ZadigError):
                status = await self._zadig.tasks.status(ref)
                over = status.status.phase.final
                for job in status.jobs:
                    running = job.status.phase is Phase.RUNNING
                    if running and job.name not in readers:
                        attempts[job.name] = attempts.get(job.name, 0) + 1
                        heard = Heard()
                        self.logs[ref.workflow, ref.task_id, job.name, attempts[job.name]] = heard
                        readers[job.name] = asyncio.create_task(self._read(ref, job.name, heard))
                    elif not running and job.name in readers:
                        ending.append(asyncio.create_task(self._end(readers.pop(job.name))))
            await asyncio.sleep(self._every)
        ending += [asyncio.create_task(self._end(reader)) for reader in readers.values()]
        await asyncio.gather(*ending)
        for heard in self.logs.values():
            heard.report = LogReport(lines=heard.count)

    async def _end(self, reader: "asyncio.Task[None]") -> None:
        await asyncio.sleep(self._drain)
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader

    async def _read(self, ref: TaskRef, job: str, heard: Heard) -> None:
        told = heard.stretches[0].lines
        tail = 0
        while True:
            skip = len(told) if self._manner == "whole" else 0
            with suppress(ZadigError):
                async with self._zadig.logs.open(ref, job, tail=tail) as stream:
                    async for batch in stream:
                        told += [line.text for line in batch[skip:]]
                        skip = max(0, skip - len(batch))
            tail = 0 if self._manner == "whole" else _TAIL
            await asyncio.sleep(self._every)
