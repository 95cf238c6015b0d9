"""Launch files: what to run, which gates may be approved, how to wait, in YAML.

    launches:
      - ref: shop/deploy-api            # or project: and workflow:
        all_jobs: true                  # or jobs: [build, staging-gate, deploy]
        params: {branch: main}
        inputs:
          build:
            type: freestyle
            repos: [{codehost_name: gitlab, repo_namespace: mall, repo_name: shop-api, branch: main}]
        allow_bypass: []
    approvals:
      - project: shop
        workflow: "deploy-*"
        gate: staging-gate
        own_tasks: true                 # tasks this very account has started too
        windows: ["Mon-Thu 09:00-16:00 Europe/Berlin"]
        soak: 5m
    freezes: ["2026-12-23 .. 2027-01-04 Europe/Berlin: year's end"]
    policy:
      concurrency: 8
      poll_every: 3
      approvals_per_hour: 20
      deadlines: {queue: 10m, run: 1h, gate: 30m, total: 2h, cancel: false}
      reconcile: {window: 5m, marker: zadig_async_run, when_absent: stop}

Everything is checked before anything is sent, and everything that is wrong is said at once.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, TypeVar

import attrs

from zadig_async.cli import durations
from zadig_async.cli.yamlfile import Document, FileError, Place, Problem, parse_yaml, read_yaml, spell
from zadig_async.errors import ConfigError
from zadig_async.model.ids import WorkflowRef
from zadig_async.model.input import JobInput, RepoParam
from zadig_async.model.input_reader import input_from_mapping
from zadig_async.model.launch import ALL_JOBS, Launch
from zadig_async.orchestrator.calendar import Freeze, Window
from zadig_async.orchestrator.policy import (
    ApprovalPolicy,
    ApprovalRule,
    Deadlines,
    ReconcilePolicy,
    RunPolicy,
)

T = TypeVar("T")

_LAUNCH: Final = (
    "project",
    "workflow",
    "ref",
    "params",
    "jobs",
    "all_jobs",
    "inputs",
    "allow_bypass",
)
_RULE: Final = (
    "project",
    "workflow",
    "gate",
    "after_passed",
    "own_tasks",
    "unchanged",
    "windows",
    "soak",
    "comment",
)
_POLICY: Final = ("concurrency", "poll_every", "approvals_per_hour", "deadlines", "reconcile")
_RECONCILE: Final = ("window", "marker", "account", "when_absent", "attempts", "operation_log")
_ABSENCE: Final = ("stop", "retrigger")
_WAITS: Final = ("queue", "run", "gate", "total")
_STEP: Final = re.compile(r"\.([A-Za-z_]\w*)|\[([0-9]+)\]")


@attrs.frozen(kw_only=True)
class LaunchFile:
    """What a launch file says.

    Attributes:
        launches: What to run.
        policy: How, with the file's approval rules in it.
    """

    launches: tuple[Launch, ...] = ()
    policy: RunPolicy = attrs.field(factory=RunPolicy)


def read_launch_file(name: str) -> LaunchFile:
    """Read a launch file, or standard input for `-`.

    Raises:
        ConfigError: It cannot be read, or something in it is wrong: `FileError` names every line.
    """
    return _build(read_yaml(name))


def parse_launch_file(text: str, file: str) -> LaunchFile:
    """Read the text of a launch file; `file` names it in messages.

    Raises:
        FileError: Something in it is wrong; names every line.
    """
    return _build(parse_yaml(text, file))


def read_input_file(name: str) -> Mapping[str, JobInput]:
    """Read a file of inputs alone: what stands under `inputs` of a launch.

    Raises:
        ConfigError: It cannot be read, or something in it is wrong: `FileError` names every line.
    """
    document = read_yaml(name)
    reader = _Reader(document)
    inputs = reader.inputs(document.value, ())
    reader.finish()
    return inputs


def _build(document: Document) -> LaunchFile:
    reader = _Reader(document)
    top = reader.mapping(document.value, (), ("launches", "approvals", "freezes", "policy"))
    launches = [reader.launch(item, place) for place, item in reader.items(top, "launches", ())]
    rules = [reader.rule(item, place) for place, item in reader.items(top, "approvals", ())]
    freezes = reader.parsed(top, "freezes", (), Freeze.parse)
    policy = reader.policy(
        top.get("policy", {}), ("policy",), [rule for rule in rules if rule is not None], freezes
    )
    reader.finish()
    return LaunchFile(launches=tuple(launch for launch in launches if launch is not None), policy=policy)


class _Reader:
    """Reads parts of one document and collects what is wrong with them.

    A part that is wrong reads as empty, so that the rest is still checked; `finish` then raises.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self._problems: list[Problem] = []

    def finish(self) -> None:
        if self._problems:
            raise FileError(self._document.file, self._problems)

    def launch(self, value: object, place: Place) -> Launch | None:
        before = len(self._problems)
        table = self.mapping(value, place, _LAUNCH)
        if not isinstance(value, dict):
            return None
        project, workflow = self._workflow(table, place)
        params = self._params(table.get("params", {}), (*place, "params"))
        every = self._flag(table, "all_jobs", place)
        if every and "jobs" in table:
            self._wrong((*place, "jobs"), "jobs and all_jobs are both given", "Keep one of them.")
        names = self._names(table, "jobs", place)
        inputs = self.inputs(table.get("inputs", {}), (*place, "inputs"))
        bypass = self._names(table, "allow_bypass", place)
        if len(self._problems) > before:
            return None
        if not every and not names and not inputs:
            self._wrong(
                place,
                "it names no job, so Zadig would run nothing",
                "Write all_jobs: true, or jobs: [...], or inputs.",
            )
            return None
        return self._make(
            place,
            lambda: Launch(
                project,
                workflow,
                params=params,
                jobs=ALL_JOBS if every else names,
                inputs=inputs,
                allow_bypass=frozenset(bypass),
            ),
        )

    def rule(self, value: object, place: Place) -> ApprovalRule | None:
        before = len(self._problems)
        table = self.mapping(value, place, _RULE)
        if not isinstance(value, dict):
            return None
        texts = {key: self._text(table, key, place) for key in ("project", "workflow", "gate")}
        after_passed = self._flag(table, "after_passed", place, otherwise=True)
        own_tasks = self._flag(table, "own_tasks", place)
        unchanged = self._flag(table, "unchanged", place, otherwise=True)
        windows = self.parsed(table, "windows", place, Window.parse)
        soak = self._seconds(table, "soak", place) or 0.0
        comment = self._text(table, "comment", place, required=False)
        if len(self._problems) > before:
            return None
        return self._make(
            place,
            lambda: ApprovalRule(
                after_passed=after_passed,
                own_tasks=own_tasks,
                unchanged=unchanged,
                windows=windows,
                soak=soak,
                comment=comment,
                **texts,
            ),
        )

    def parsed(
        self, table: Mapping[str, Any], key: str, place: Place, parse: Callable[[str], T]
    ) -> tuple[T, ...]:
        """Read a list of texts, each of which has a form of its own."""
        read = []
        for where, item in self.items(table, key, place):
            if isinstance(item, str):
                read.append(self._make(where, partial(parse, item)))
            else:
                self._wrong(where, f"expected text, got {_kind(item)}", "Put it in quotes.")
        return tuple(item for item in read if item is not None)

    def policy(
        self,
        value: object,
        place: Place,
        rules: Iterable[ApprovalRule],
        freezes: Iterable[Freeze] = (),
    ) -> RunPolicy:
        table = self.mapping(value, place, _POLICY)
        waits = self.mapping(table.get("deadlines", {}), (*place, "deadlines"), (*_WAITS, "cancel"))
        deadlines = Deadlines(
            **{key: self._seconds(waits, key, (*place, "deadlines")) for key in _WAITS},
            cancel=self._flag(waits, "cancel", (*place, "deadlines")),
        )
        default = RunPolicy()
        concurrency = self._count(table, "concurrency", place) or default.concurrency
        per_hour = self._count(table, "approvals_per_hour", place)
        every = self._seconds(table, "poll_every", place)
        if every == 0:
            self._wrong((*place, "poll_every"), "expected more than 0 seconds")
        return RunPolicy(
            concurrency=concurrency,
            approvals=ApprovalPolicy(rules, freezes=freezes, max_per_hour=per_hour),
            deadlines=deadlines,
            poll_every=every or default.poll_every,
            reconcile=self._reconcile(table.get("reconcile", {}), (*place, "reconcile")),
        )

    def _reconcile(self, value: object, place: Place) -> ReconcilePolicy:
        table = self.mapping(value, place, _RECONCILE)
        default = ReconcilePolicy()
        absence = table.get("when_absent", default.when_absent)
        if absence not in _ABSENCE:
            self._wrong((*place, "when_absent"), f"expected one of: {', '.join(_ABSENCE)}")
        window = self._seconds(table, "window", place)
        if window == 0:
            self._wrong((*place, "window"), "expected more than 0 seconds")
        return ReconcilePolicy(
            window=window or default.window,
            marker=self._text(table, "marker", place, required=False) or default.marker,
            account=self._text(table, "account", place, required=False),
            when_absent="retrigger" if absence == "retrigger" else "stop",
            attempts=self._count(table, "attempts", place) or default.attempts,
            operation_log=self._flag(table, "operation_log", place),
        )

    def inputs(self, value: object, place: Place) -> dict[str, JobInput]:
        read: dict[str, JobInput] = {}
        for job, item in self.mapping(value, place).items():
            where = (*place, job)
            fields = self.mapping(item, where)
            if item is not None and not isinstance(item, dict):
                continue
            job_type = fields.pop("type", None)
            if not isinstance(job_type, str):
                self._wrong(
                    where,
                    "'type' is missing" if job_type is None else "'type' must be text",
                    "Name the job's type, such as zadig-build; the page of the workflow shows it.",
                )
                continue
            try:
                read[job] = input_from_mapping(job_type, fields)
            except ConfigError as error:
                inner, text = _inner_place(str(error), job_type)
                self._wrong((*where, *inner), text, error.hint)
        return read

    def mapping(self, value: object, place: Place, known: Iterable[str] | None = None) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._wrong(place, f"expected a mapping, got {_kind(value)}")
            return {}
        if known is None:
            return dict(value)
        names = list(known)
        for key in value:
            if key not in names:
                close = difflib.get_close_matches(key, names, n=1)
                hint = f"Did you mean {close[0]!r}?" if close else f"Known are: {', '.join(names)}."
                self._wrong((*place, key), "unknown key", hint)
        return {key: item for key, item in value.items() if key in names}

    def items(self, table: Mapping[str, Any], key: str, place: Place) -> list[tuple[Place, Any]]:
        value = table.get(key, [])
        if not isinstance(value, list):
            self._wrong((*place, key), f"expected a list, got {_kind(value)}")
            return []
        return [((*place, key, index), item) for index, item in enumerate(value)]

    def _workflow(self, table: Mapping[str, Any], place: Place) -> tuple[str, str]:
        if "ref" not in table:
            return self._text(table, "project", place), self._text(table, "workflow", place)
        if "project" in table or "workflow" in table:
            self._wrong((*place, "ref"), "ref and project or workflow are both given", "Keep ref alone.")
        text = self._text(table, "ref", place)
        ref = self._make((*place, "ref"), lambda: WorkflowRef.parse(text)) if text else None
        return (ref.project, ref.workflow) if ref else ("", "")

    def _params(self, value: object, place: Place) -> dict[str, str | RepoParam]:
        params: dict[str, str | RepoParam] = {}
        for name, item in self.mapping(value, place).items():
            where = (*place, name)
            if isinstance(item, str):
                params[name] = item
            elif isinstance(item, dict):
                repo = self._repo(item, where)
                if repo is not None:
                    params[name] = repo
            else:
                self._wrong(where, f"expected text, got {_kind(item)}", "Put it in quotes.")
        return params

    def _repo(self, value: object, place: Place) -> RepoParam | None:
        fields = {field.name: field.default for field in attrs.fields(RepoParam)}
        given = self.mapping(value, place, fields)
        for key, default in fields.items():
            if default is attrs.NOTHING and key not in given:
                self._wrong(place, f"{key!r} is missing", "A repository needs it.")
                return None
        return self._make(place, lambda: RepoParam(**given))

    def _names(self, table: Mapping[str, Any], key: str, place: Place) -> tuple[str, ...]:
        names = []
        for where, item in self.items(table, key, place):
            if isinstance(item, str) and item:
                names.append(item)
            else:
                self._wrong(where, f"expected a job name, got {_kind(item)}", "Put it in quotes.")
        return tuple(names)

    def _text(self, table: Mapping[str, Any], key: str, place: Place, *, required: bool = True) -> str:
        if key not in table:
            if required:
                self._wrong(place, f"{key!r} is missing")
            return ""
        value = table[key]
        if not isinstance(value, str) or (required and not value):
            self._wrong((*place, key), f"expected text, got {_kind(value)}", "Put it in quotes.")
            return ""
        return value

    def _flag(self, table: Mapping[str, Any], key: str, place: Place, *, otherwise: bool = False) -> bool:
        value = table.get(key, otherwise)
        if not isinstance(value, bool):
            self._wrong((*place, key), f"expected true or false, got {_kind(value)}")
            return otherwise
        return value

    def _count(self, table: Mapping[str, Any], key: str, place: Place) -> int | None:
        """Read a whole number from 1; None where there is none."""
        if key not in table:
            return None
        value = table[key]
        if type(value) is not int or value < 1:
            self._wrong((*place, key), f"expected a whole number from 1, got {_kind(value)}")
            return None
        return value

    def _seconds(self, table: Mapping[str, Any], key: str, place: Place) -> float | None:
        if key not in table:
            return None
        value = table[key]
        seconds: float | None = None
        if isinstance(value, str):
            seconds = durations.parse_duration(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            seconds = float(value)
        if seconds is None or not 0 <= seconds < float("inf"):
            self._wrong(
                (*place, key), f"expected a duration, got {_kind(value)}", f"{durations.MEND.capitalize()}."
            )
            return None
        return seconds

    def _make(self, place: Place, make: Callable[[], T]) -> T | None:
        try:
            return make()
        except ConfigError as error:
            self._wrong(place, str(error), error.hint)
            return None

    def _wrong(self, place: Place, text: str, hint: str = "") -> None:
        self._problems.append(Problem(self._document.line(place), spell(place), text, hint))


def _inner_place(message: str, job_type: str) -> tuple[Place, str]:
    """Split `zadig-build.services[0]: unknown key 'x'` into the place within the input and the rest."""
    where, separator, text = message.partition(": ")
    if not separator or not where.startswith(job_type):
        return (), message
    steps = [key or int(index) for key, index in _STEP.findall(where.removeprefix(job_type))]
    return tuple(steps), text


def _kind(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text" if value else "empty text"
        case list():
            return "a list"
        case _:
            return "a mapping"
