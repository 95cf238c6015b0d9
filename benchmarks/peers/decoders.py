"""Decoders of a task detail: untyped, and typed by pydantic."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import orjson

from benchmarks.peers.typed import Task
from benchmarks.worker import Act


def _decoder(decode: Callable[[bytes], object]) -> Callable[[str], AbstractContextManager[Act]]:
    @contextmanager
    def subject(_: str) -> Iterator[Act]:
        yield lambda document: decode(document.body)

    return subject


by_orjson = _decoder(orjson.loads)
by_pydantic = _decoder(Task.model_validate_json)
