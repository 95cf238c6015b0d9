"""Where a peer finds a task, and how it says who it is."""

from typing import Final

from benchmarks.payloads import WORKFLOW, Document

HEADERS: Final = {"Authorization": "Bearer benchmark"}


def task_url(server: str, document: Document) -> str:
    """Return the URL of a document's task."""
    return f"{server}/openapi/workflows/custom/task?taskId={document.task_id}&workflowKey={WORKFLOW}"
