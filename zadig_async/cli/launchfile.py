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

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

import attrs

from zadig_async.cli.filereader import FileReader, kind_of
from zadig_async.cli.yamlfile import Document, Place, parse_yaml, read_yaml
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


class _Reader(FileReader):
    """Reads launches, rules, policies and inputs."""

    def launch(self, value: object, place: Place) -> Launch | None:
        before = self.problems
        table = self.mapping(value, place, _LAUNCH)
        if not isinstance(value, dict):
            return None
        project, workflow = self._workflow(table, place)
        params = self._params(table.get("params", {}), (*place, "params"))
        every = self.flag(table, "all_jobs", place)
        if every and "jobs" in table:
            self.wrong((*place, "jobs"), "jobs and all_jobs are both given", "Keep one of them.")
        names = self.names(table, "jobs", place)
        inputs = self.inputs(table.get("inputs", {}), (*place, "inputs"))
        bypass = self.names(table, "allow_bypass", place)
        if self.problems > before:
            return None
        if not every and not names and not inputs:
            self.wrong(
                place,
                "it names no job, so Zadig would run nothing",
                "Write all_jobs: true, or jobs: [...], or inputs.",
            )
            return None
        return self.make(
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
        before = self.problems
        table = self.mapping(value, place, _RULE)
        if not isinstance(value, dict):
            return None
        texts = {key: self.text(table, key, place) for key in ("project", "workflow", "gate")}
        after_passed = self.flag(table, "after_passed", place, otherwise=True)
        own_tasks = self.flag(table, "own_tasks", place)
        unchanged = self.flag(table, "unchanged", place, otherwise=True)
        windows = self.parsed(table, "windows", place, Window.parse)
        soak = self.seconds(table, "soak", place) or 0.0
        comment = self.text(table, "comment", place, required=False)
        if self.problems > before:
            return None
        return self.make(
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
            **{key: self.seconds(waits, key, (*place, "deadlines")) for key in _WAITS},
            cancel=self.flag(waits, "cancel", (*place, "deadlines")),
        )
        default = RunPolicy()
        concurrency = self.count(table, "concurrency", place) or default.concurrency
        per_hour = self.count(table, "approvals_per_hour", place)
        every = self.seconds(table, "poll_every", place)
        if every == 0:
            self.wrong((*place, "poll_every"), "expected more than 0 seconds")
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
            self.wrong((*place, "when_absent"), f"expected one of: {', '.join(_ABSENCE)}")
        window = self.seconds(table, "window", place)
        if window == 0:
            self.wrong((*place, "window"), "expected more than 0 seconds")
        return ReconcilePolicy(
            window=window or default.window,
            marker=self.text(table, "marker", place, required=False) or default.marker,
            account=self.text(table, "account", place, required=False),
            when_absent="retrigger" if absence == "retrigger" else "stop",
            attempts=self.count(table, "attempts", place) or default.attempts,
            operation_log=self.flag(table, "operation_log", place),
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
                self.wrong(
                    where,
                    "'type' is missing" if job_type is None else "'type' must be text",
                    "Name the job's type, such as zadig-build; the page of the workflow shows it.",
                )
                continue
            try:
                read[job] = input_from_mapping(job_type, fields)
            except ConfigError as error:
                inner, text = _inner_place(str(error), job_type)
                self.wrong((*where, *inner), text, error.hint)
        return read

    def _workflow(self, table: Mapping[str, Any], place: Place) -> tuple[str, str]:
        if "ref" not in table:
            return self.text(table, "project", place), self.text(table, "workflow", place)
        if "project" in table or "workflow" in table:
            self.wrong((*place, "ref"), "ref and project or workflow are both given", "Keep ref alone.")
        text = self.text(table, "ref", place)
        ref = self.make((*place, "ref"), lambda: WorkflowRef.parse(text)) if text else None
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
                self.wrong(where, f"expected text, got {kind_of(item)}", "Put it in quotes.")
        return params

    def _repo(self, value: object, place: Place) -> RepoParam | None:
        fields = {field.name: field.default for field in attrs.fields(RepoParam)}
        given = self.mapping(value, place, fields)
        for key, default in fields.items():
            if default is attrs.NOTHING and key not in given:
                self.wrong(place, f"{key!r} is missing", "A repository needs it.")
                return None
        return self.make(place, lambda: RepoParam(**given))


def _inner_place(message: str, job_type: str) -> tuple[Place, str]:
    """Split `zadig-build.services[0]: unknown key 'x'` into the place within the input and the rest."""
    where, separator, text = message.partition(": ")
    if not separator or not where.startswith(job_type):
        return (), message
    steps = [key or int(index) for key, index in _STEP.findall(where.removeprefix(job_type))]
    return tuple(steps), text
