"""What names a workflow or a task: `WorkflowRef` and `TaskRef`."""

import re
from typing import Final

import attrs

from zadig_async.errors import ConfigError

_WORKFLOW: Final = re.compile(r"(?P<project>[^/#\s]+)/(?P<workflow>[^/#\s]+)")
_TASK: Final = re.compile(_WORKFLOW.pattern + r"#(?P<task>[1-9][0-9]{0,18})")


def _key(what: str, value: object) -> None:
    if not isinstance(value, str):
        raise ConfigError(f"{what}: expected a string, got {type(value).__name__}")
    if not value:
        raise ConfigError(
            f"{what}: must not be empty", hint="Use the key (标识) shown in Zadig, not the name."
        )


@attrs.frozen(order=True)
class WorkflowRef:
    """A workflow by its keys, written `project/workflow`.

    Attributes:
        project: Project key.
        workflow: Workflow key; unique in a whole Zadig installation.
    """

    project: str = attrs.field(validator=lambda _, __, value: _key("project", value))
    workflow: str = attrs.field(validator=lambda _, __, value: _key("workflow", value))

    @classmethod
    def parse(cls, text: str) -> "WorkflowRef":
        """Read `project/workflow`.

        Raises:
            ConfigError: The text has another form.
        """
        match = _WORKFLOW.fullmatch(text)
        if match is None:
            raise ConfigError(
                f"not a workflow: {text!r}",
                hint="Write project/workflow with the keys, as in shop/deploy-api.",
            )
        return cls(match["project"], match["workflow"])

    def __str__(self) -> str:
        return f"{self.project}/{self.workflow}"


@attrs.frozen(order=True)
class TaskRef:
    """One run of a workflow, written `project/workflow#task_id`.

    Attributes:
        project: Project key.
        workflow: Workflow key.
        task_id: Number of the run, counted per workflow from 1, with gaps. It starts anew when the
            workflow is deleted and made again.
    """

    project: str = attrs.field(validator=lambda _, __, value: _key("project", value))
    workflow: str = attrs.field(validator=lambda _, __, value: _key("workflow", value))
    task_id: int = attrs.field()

    @task_id.validator
    def _positive(self, _: "attrs.Attribute[int]", value: object) -> None:
        if type(value) is not int or value < 1:
            raise ConfigError(f"task_id: expected a whole number from 1, got {type(value).__name__}")

    @classmethod
    def parse(cls, text: str) -> "TaskRef":
        """Read `project/workflow#task_id`.

        Raises:
            ConfigError: The text has another form.
        """
        match = _TASK.fullmatch(text)
        if match is None:
            raise ConfigError(
                f"not a task: {text!r}", hint="Write project/workflow#number, as in shop/deploy-api#56."
            )
        return cls(match["project"], match["workflow"], int(match["task"]))

    @property
    def of(self) -> WorkflowRef:
        """The workflow this is a run of."""
        return WorkflowRef(self.project, self.workflow)

    def __str__(self) -> str:
        return f"{self.project}/{self.workflow}#{self.task_id}"
