"""Tasks as values: phases, lazy parts, and what a running task at a gate is called."""

import pytest

from zadig_async.errors import ConfigError, DecodeError
from zadig_async.model.gate import Gate, GateKind
from zadig_async.model.ids import TaskRef
from zadig_async.model.lazy import Lazy, lazy
from zadig_async.model.status import PHASE_OF, Phase, Status
from zadig_async.model.task import JobRun, StageRun, Task, TaskStatus
from zadig_async.model.ticket import Ticket

GATE = Gate(kind=GateKind.BREAKPOINT, stage="s", name="g")


@pytest.mark.parametrize("word", PHASE_OF)
@pytest.mark.parametrize("gates", [(), (GATE,)])
def test_a_running_task_at_a_gate_needs_attention(word: str, gates: tuple[Gate, ...]) -> None:
    status = Status(word)
    task = Task(task_id=1, workflow_key="w", status=status, gates=lazy(gates))
    seen = TaskStatus(task_id=1, status=status, gates=gates)
    expected = Phase.ATTENTION if gates and status.phase is Phase.RUNNING else status.phase
    assert task.phase is expected
    assert seen.phase is expected


def test_jobs_across_stages() -> None:
    stages = (
        StageRun(name="a", jobs=(JobRun(name="1"), JobRun(name="2"))),
        StageRun(name="b", jobs=(JobRun(name="3"),)),
    )
    task = Task(task_id=1, workflow_key="w", stages=lazy(stages))
    assert [job.name for job in task.jobs()] == ["1", "2", "3"]
    assert task.job("3") is stages[1].jobs[0]
    assert task.job("4") is None


def test_the_ref_of_a_task() -> None:
    assert Task(task_id=7, workflow_key="w", project_key="p").ref == TaskRef("p", "w", 7)
    with pytest.raises(ConfigError):
        _ = Task(task_id=7, workflow_key="w").ref


def test_a_lazy_value_is_made_once() -> None:
    made: list[int] = []

    def make() -> list[int]:
        made.append(1)
        return made

    value = Lazy(make)
    assert repr(value) == "Lazy(unread)"
    assert made == []
    assert value.get() is value.get()
    assert made == [1]
    assert repr(value) == "Lazy([1])"


def test_a_lazy_value_that_cannot_be_made_says_so_every_time() -> None:
    def make() -> int:
        raise DecodeError("broken")

    value = Lazy(make)
    for _ in range(2):
        with pytest.raises(DecodeError):
            value.get()


def test_a_lazy_none_is_a_value() -> None:
    made: list[int] = []

    def make() -> None:
        made.append(1)

    value = Lazy(make)
    value.get()
    value.get()
    assert made == [1]


def test_parts_without_a_document_are_empty() -> None:
    task = Task(task_id=1, workflow_key="w")
    assert (task.params, task.stages, task.gates, task.raw) == ((), (), (), {})
    assert JobRun(name="j").spec is None
    assert TaskStatus(task_id=1).jobs == ()


def test_equal_tasks_are_equal_in_depth() -> None:
    def task(status: str) -> Task:
        stages = (StageRun(name="a", jobs=(JobRun(name="1", status=Status(status)),)),)
        return Task(task_id=1, workflow_key="w", stages=Lazy(lambda: stages))

    assert task("passed") == task("passed")
    assert task("passed") != task("failed")


@pytest.mark.parametrize("field", ["envs", "services", "users"])
def test_one_environment_is_not_a_list_of_letters(field: str) -> None:
    with pytest.raises(ConfigError, match="expected a list, got str"):
        Ticket(project_key="p", approval_id="1", **{field: "prod"})  # type: ignore[arg-type]  # the point of the test
