"""The object store in which the logs of ended jobs lie, with the spelling of its keys."""

from zadig_async.emulator.joblog import Source

__all__ = ["Archive"]


class Archive:
    """Texts by key. Whoever writes an object last has it: a later attempt of a job, or another workflow."""

    def __init__(self) -> None:
        self._objects: dict[str, str] = {}

    def upload(self, source: Source, workflow_key: str, task_id: int, job_name: str, text: str) -> None:
        """Store the log of a job.

        Containers' logs are stored under the workflow key as it is spelt, those of VM and deploy jobs in
        lower case (Zadig v4.1.0 jobcontroller/kubernetes.go:1176, core/vm/service/log.go:205; v4.2.0
        core/common/service/joblog/job_log.go:125).
        """
        if source is not Source.CONTAINER:
            workflow_key, job_name = workflow_key.lower(), job_name.lower()
        self._objects[_path(workflow_key, task_id, job_name)] = text

    def download(self, workflow_key: str, task_id: int, job_name: str) -> str:
        """Read a log, or nothing where there is none.

        The workflow key is put in lower case (Zadig v4.1.0 core/log/handler/log.go:135). So a container's log
        of a workflow with capitals is never found; what is found is that of its namesake without them.
        """
        return self._objects.get(_path(workflow_key.lower(), task_id, job_name), "")


def _path(workflow_key: str, task_id: int, job_name: str) -> str:
    return f"{workflow_key}/{task_id}/log/{job_name.replace('_', '-')}.log"
