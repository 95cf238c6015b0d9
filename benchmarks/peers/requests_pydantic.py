"""requests in a pool of threads, and pydantic: one session for each thread, kept as long as the thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from benchmarks.payloads import Document
from benchmarks.peers.typed import Task
from benchmarks.peers.urls import HEADERS, task_url
from benchmarks.worker import Act


class _Local(threading.local):
    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.headers.update(HEADERS)


@contextmanager
def get(server: str) -> Iterator[Act]:
    """One request and `model_validate_json`."""
    local = _Local()

    def act(document: Document) -> object:
        response = local.session.get(task_url(server, document))
        response.raise_for_status()
        return Task.model_validate_json(response.content)

    yield act
