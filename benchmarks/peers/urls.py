"""Where a peer finds a task, and how it says who it is."""

from typing import Final

from benchmarks.logs import Log
from benchmarks.payloads import WORKFLOW, Document

HEADERS: Final = {"Authorization": "Bearer benchmark"}


def task_url(server: str, document: Document) -> str:
    """Return the URL of a document's task."""
    return f"{server}/openapi/workflows/custom/task?taskId={document.task_id}&workflowKey={WORKFLOW}"


def log_url(server: str, log: Log) -> str:
    """Return the URL of a job's live log."""
    return f"{server}/openapi/logs/sse/v4/workflow/{WORKFLOW}/1/{log.job}/{log.lines}"
