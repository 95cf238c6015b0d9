"""Launch files: what they say, and every mistake told with its line, its place and the mend."""

import inspect
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zadig_async.cli import launchfile
from zadig_async.cli.launchfile import parse_launch_file, read_input_file, read_launch_file
from zadig_async.cli.yamlfile import LARGEST, FileError, parse_yaml
from zadig_async.errors import ConfigError
from zadig_async.model.inputs import FreestyleInput, RepoInput, RepoParam
from zadig_async.model.launch import ALL_JOBS
from zadig_async.orchestrator.policy import ApprovalRule, Deadlines, ReconcilePolicy

WHOLE = """\
launches:
  - ref: shop/deploy-api
    all_jobs: true
    params:
      branch: "1.10"
      source: {codehost_name: gitlab, repo_namespace: mall, repo_name: api, branch: main}
    inputs:
      build:
        type: freestyle
        inputs: {A: "1"}
        repos:
          - {codehost_name: gitlab, repo_namespace: mall, repo_name: api, prs: [1, 2]}
  - project: shop
    workflow: deploy-web
    jobs: [build, deploy]
    allow_bypass: [staging-gate]
approvals:
  - {project: shop, workflow: "deploy-*", gate: staging-gate, after_passed: false, comment: CHG-1}
policy:
  concurrency: 3
  poll_every: 0.5
  deadlines: {queue: 10m, run: 1h30m, gate: 0, total: 7200, cancel: true}
"""


def problems(text: str) -> list[str]:
    """Return the sentences of the refusal, without the headline of several."""
    with pytest.raises(FileError) as caught:
        parse_launch_file(text, "l.yaml")
    error = caught.value
    if len(error.problems) == 1:
        return [f"{error} ({error.hint})" if error.hint else str(error)]
    headline, *rest = str(error).splitlines()
    assert headline == f"l.yaml: {len(rest)} problems"
    return [line.strip() for line in rest]


def test_a_whole_file_is_read() -> None:
    found = parse_launch_file(WHOLE, "l.yaml")
    first, second = found.launches
    assert (str(first.ref), first.jobs) == ("shop/deploy-api", ALL_JOBS)
    assert first.params == {
        "branch": "1.10",
        "source": RepoParam(codehost_name="gitlab", repo_namespace="mall", repo_name="api", branch="main"),
    }
    repo = RepoInput(codehost_name="gitlab", repo_namespace="mall", repo_name="api", prs=[1, 2])
    assert first.inputs == {"build": FreestyleInput(inputs={"A": "1"}, repos=[repo])}
    assert (str(second.ref), second.jobs, second.allow_bypass) == (
        "shop/deploy-web",
        ("build", "deploy"),
        frozenset({"staging-gate"}),
    )
    policy = found.policy
    assert (policy.concurrency, policy.poll_every) == (3, 0.5)
    assert policy.deadlines == Deadlines(queue=600, run=5400, gate=0, total=7200, cancel=True)
    assert policy.approvals.rules == (
        ApprovalRule(
            project="shop", workflow="deploy-*", gate="staging-gate", after_passed=False, comment="CHG-1"
        ),
    )


def test_the_example_of_the_module_is_a_good_file() -> None:
    doc = inspect.getdoc(launchfile)
    assert doc is not None
    example = textwrap.dedent("\n".join(line for line in doc.splitlines()[1:] if line[:4].strip() == ""))
    assert [str(launch.ref) for launch in parse_launch_file(example, "doc").launches] == ["shop/deploy-api"]


def test_a_file_with_nothing_but_policy_is_good() -> None:
    assert parse_launch_file("policy: {concurrency: 2}", "l.yaml").policy.concurrency == 2


ONE_PROBLEM = [
    ("", "l.yaml:1: expected a mapping, got nothing"),
    ("[]", "l.yaml:1: expected a mapping, got a list"),
    ("launches:\n  ref: a/b", "l.yaml:1: launches: expected a list, got a mapping"),
    ("lanches: []", "l.yaml:1: lanches: unknown key (Did you mean 'launches'?)"),
    (
        "launches:\n  - ref: shop\n    all_jobs: true",
        (
            "l.yaml:2: launches[0].ref: not a workflow: 'shop' "
            "(Write project/workflow with the keys, as in shop/deploy-api.)"
        ),
    ),
    (
        "launches:\n  - ref: a/b\n    project: a\n    all_jobs: true",
        "l.yaml:2: launches[0].ref: ref and project or workflow are both given (Keep ref alone.)",
    ),
    ("launches:\n  - project: a\n    all_jobs: true", "l.yaml:2: launches[0]: 'workflow' is missing"),
    (
        "launches:\n  - ref: a/b",
        (
            "l.yaml:2: launches[0]: it names no job, so Zadig would run nothing "
            "(Write all_jobs: true, or jobs: [...], or inputs.)"
        ),
    ),
    (
        "launches:\n  - ref: a/b\n    jobs: [x]\n    all_jobs: true",
        "l.yaml:3: launches[0].jobs: jobs and all_jobs are both given (Keep one of them.)",
    ),
    (
        "launches:\n  - ref: a/b\n    jobs: [x, x]",
        "l.yaml:2: launches[0]: Launch.jobs: a job is named twice",
    ),
    (
        "launches:\n  - ref: a/b\n    jobs:\n      - x\n      - 5",
        "l.yaml:5: launches[0].jobs[1]: expected a job name, got a number (Put it in quotes.)",
    ),
    (
        "launches:\n  - ref: a/b\n    all_jobs: yes",
        "l.yaml:3: launches[0].all_jobs: expected true or false, got text",
    ),
    (
        "launches:\n  - ref: a/b\n    all_jobs: true\n    params:\n      version: 1.10",
        "l.yaml:5: launches[0].params.version: expected text, got a number (Put it in quotes.)",
    ),
    (
        "launches:\n  - ref: a/b\n    all_jobs: true\n    params:\n      repo: {codehost_name: x}",
        "l.yaml:5: launches[0].params.repo: 'repo_namespace' is missing (A repository needs it.)",
    ),
    (
        "launches:\n  - ref: a/b\n    inputs:\n      build: {}",
        (
            "l.yaml:4: launches[0].inputs.build: 'type' is missing "
            "(Name the job's type, such as zadig-build; the page of the workflow shows it.)"
        ),
    ),
    (
        "launches:\n  - ref: a/b\n    inputs:\n      build: {type: zadig-bild}",
        (
            "l.yaml:4: launches[0].inputs.build: no job of type 'zadig-bild' can be started through "
            "Zadig's API (Did you mean 'zadig-build'?)"
        ),
    ),
    (
        (
            "launches:\n  - ref: a/b\n    inputs:\n      build:\n        type: zadig-build\n"
            "        registry: r\n        services:\n          - service_name: a\n"
            "            servce_module: b"
        ),
        (
            "l.yaml:8: launches[0].inputs.build.services[0]: unknown key 'servce_module' "
            "(Did you mean 'service_module'?)"
        ),
    ),
    ("approvals:\n  - {project: a, workflow: b}", "l.yaml:2: approvals[0]: 'gate' is missing"),
    (
        "approvals:\n  - {project: a, workflow: b, gate: on, aftr_passed: true}",
        "l.yaml:2: approvals[0].aftr_passed: unknown key (Did you mean 'after_passed'?)",
    ),
    (
        "policy:\n  concurrency: 0",
        "l.yaml:2: policy.concurrency: expected a whole number from 1, got a number",
    ),
    ("policy:\n  poll_every: 0", "l.yaml:2: policy.poll_every: expected more than 0 seconds"),
    (
        "policy:\n  deadlines:\n    run: soon",
        (
            "l.yaml:3: policy.deadlines.run: expected a duration, got text "
            "(Write seconds as a number, or something like 45s, 30m, 2h or 1h30m.)"
        ),
    ),
    (
        "policy: {deadlines: {run: -5}}",
        (
            "l.yaml:1: policy.deadlines.run: expected a duration, got a number "
            "(Write seconds as a number, or something like 45s, 30m, 2h or 1h30m.)"
        ),
    ),
]


@pytest.mark.parametrize(("text", "sentence"), ONE_PROBLEM)
def test_a_mistake_is_told_with_line_place_and_mend(text: str, sentence: str) -> None:
    assert problems(text) == [sentence]


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines() -> None:
    text = WHOLE.replace("all_jobs: true", "all_job: true").replace("run: 1h30m", "run: 1x")
    text = text.replace("    jobs: [build, deploy]", "    jobs: build")
    assert problems(text) == [
        "l.yaml:3: launches[0].all_job: unknown key (Did you mean 'all_jobs'?)",
        "l.yaml:15: launches[1].jobs: expected a list, got text",
        (
            "l.yaml:22: policy.deadlines.run: expected a duration, got text "
            "(Write seconds as a number, or something like 45s, 30m, 2h or 1h30m.)"
        ),
    ]


def test_what_is_no_launch_or_rule_is_one_mistake() -> None:
    assert problems("launches: [a]\napprovals: [b]") == [
        "l.yaml:1: launches[0]: expected a mapping, got text",
        "l.yaml:2: approvals[0]: expected a mapping, got text",
    ]


def test_of_very_many_mistakes_the_first_are_told() -> None:
    with pytest.raises(FileError) as caught:
        parse_launch_file("launches:" + "\n- a" * 1000, "l.yaml")
    first, *lines = str(caught.value).splitlines()
    assert first == "l.yaml: 1000 problems"
    assert (len(lines), lines[-1]) == (51, "  and 950 more")
    assert len(caught.value.problems) == 1000


STRICT = [
    ("a: 1\nb: 2\na: 3", "l.yaml:3: the key 'a' stands here again, first in line 1"),
    ("a: &x [1]\nb: *x", "l.yaml:2: the alias *x is not accepted (Write the value out.)"),
    ("a: !!python/object:os.system x", "l.yaml:1: the tag"),
    ("a: !mine x", "l.yaml:1: the tag !mine is not accepted"),
    ("a: [1,\n", "l.yaml:2: not YAML: "),
    ("a: b: c", "l.yaml:1: not YAML: "),
    ("\ta: 1", "l.yaml:1: not YAML: "),
    ("a: 1\n---\nb: 1", "l.yaml:2: a second document begins here"),
    ("a: \x07", "l.yaml:1: not YAML: it holds a character"),
    ("1: a", "l.yaml:1: a key must be text"),
    ("? [a]\n: b", "l.yaml:1: a key must be text"),
    ("[" * 40, "l.yaml:1: nested deeper than 32 levels"),
    ("[" * 100_000, "l.yaml:1: nested deeper than 32 levels"),
]


@pytest.mark.parametrize(("text", "sentence"), STRICT)
def test_yaml_is_read_strictly(text: str, sentence: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(sentence)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("on", "on"), ("12:30:00", "12:30:00"), ("010", 10), ("0o17", 15), ("0x1F", 31),
        ("-3", -3), ("1.50", 1.5), ("true", True), ("~", None), ("", None), ("'5'", "5"),
        ("2024-01-02", "2024-01-02"),
    ],
)  # fmt: skip
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    found = parse_yaml(f"a: {text}", "l.yaml").value["a"]
    assert found == value
    assert type(found) is type(value)


@given(
    st.text(max_size=200) | st.lists(st.sampled_from([*"[]{}:,&*!|>-? \n#'\"ab1", "- ", ": "])).map("".join)
)
def test_no_text_at_all_ends_in_anything_but_data_or_a_file_error(text: str) -> None:
    refused = ""
    value: object = None
    try:
        value = parse_yaml(text, "l.yaml").value
    except FileError as error:
        refused = str(error)
    assert refused.startswith("l.yaml:") or isinstance(value, dict | list | str | int | float | bool | None)


def test_a_file_is_named_as_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "l.yaml"
    path.write_text("lunches: []", encoding="utf-8")
    with pytest.raises(FileError, match=r"l\.yaml:1: lunches"):
        read_launch_file(str(path))
    with pytest.raises(ConfigError, match="No such file"):
        read_launch_file(str(tmp_path / "none.yaml"))
    path.write_bytes(b"a: 1\nb: \xff")
    with pytest.raises(FileError, match=r"l\.yaml:2: it is not UTF-8 text"):
        read_launch_file(str(path))
    path.write_bytes(b" " * (LARGEST + 1))
    with pytest.raises(ConfigError, match="larger than 1024 KiB"):
        read_launch_file(str(path))


def test_an_input_file_holds_inputs_alone(tmp_path: Path) -> None:
    path = tmp_path / "i.yaml"
    path.write_text("build: {type: freestyle, inputs: {A: b}}", encoding="utf-8")
    assert read_input_file(str(path)) == {"build": FreestyleInput(inputs={"A": "b"})}
    path.write_text("build: {type: freestyle, inpts: {A: b}}", encoding="utf-8")
    with pytest.raises(FileError, match="unknown key 'inpts'"):
        read_input_file(str(path))


RULES = """
approvals:
  - project: shop
    workflow: "deploy-*"
    gate: prod-gate
    own_tasks: true
    unchanged: false
    windows: ["Mon-Thu 09:00-16:00 Europe/Berlin", "Fri 09:00-12:00 Europe/Berlin"]
    soak: 5m
freezes:
  - "2026-12-23 .. 2027-01-04 Europe/Berlin: year's end"
policy:
  approvals_per_hour: 20
  reconcile:
    {window: 4m, marker: run_id, account: bot, when_absent: retrigger, attempts: 3, operation_log: true}
"""


def test_rules_may_demand_more() -> None:
    policy = parse_launch_file(RULES, "l.yaml").policy
    (rule,) = policy.approvals.rules
    assert (rule.own_tasks, rule.unchanged, rule.after_passed, rule.soak) == (True, False, True, 300.0)
    assert [str(window) for window in rule.windows] == [
        "Mon-Thu 09:00-16:00 Europe/Berlin",
        "Fri 09:00-12:00 Europe/Berlin",
    ]
    (freeze,) = policy.approvals.freezes
    assert (freeze.reason, freeze.start.isoformat()) == ("year's end", "2026-12-23T00:00:00+01:00")
    assert policy.approvals.max_per_hour == 20
    assert policy.reconcile == ReconcilePolicy(
        window=240.0, marker="run_id", account="bot", when_absent="retrigger", attempts=3, operation_log=True
    )


def test_without_a_word_an_account_does_not_approve_its_own_tasks() -> None:
    text = "approvals: [{project: shop, workflow: w, gate: g}]"
    (rule,) = parse_launch_file(text, "l.yaml").policy.approvals.rules
    assert (rule.own_tasks, rule.unchanged, rule.windows) == (False, True, ())
    assert parse_launch_file(text, "l.yaml").policy.reconcile == ReconcilePolicy()


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("freezes: 2026-12-23", "freezes", "expected a list"),
        ("freezes: [12]", "freezes[0]", "expected text, got a number"),
        ("freezes: [soon]", "freezes[0]", "not a freeze: 'soon'"),
        ("freezes: ['2026-12-23 .. 2026-12-24 Mars/Olympus']", "freezes[0]", "Mars/Olympus"),
        (
            "approvals: [{project: p, workflow: w, gate: g, windows: ['always']}]",
            "approvals[0].windows[0]",
            "not a window: 'always'",
        ),
        ("approvals: [{project: p, workflow: w, gate: g, soak: -3}]", "approvals[0].soak", "a duration"),
        (
            "approvals: [{project: p, workflow: w, gate: g, own_tasks: 1}]",
            "approvals[0].own_tasks",
            "true or",
        ),
        ("policy: {approvals_per_hour: 0}", "policy.approvals_per_hour", "a whole number from 1"),
        ("policy: {reconcile: {when_absent: hope}}", "policy.reconcile.when_absent", "stop, retrigger"),
        ("policy: {reconcile: {window: 0}}", "policy.reconcile.window", "more than 0 seconds"),
        ("policy: {reconcile: {attempts: 1.5}}", "policy.reconcile.attempts", "a whole number from 1"),
        ("policy: {reconcile: {markr: x}}", "policy.reconcile.markr", "unknown key"),
    ],
)
def test_a_rule_that_is_wrong_is_named(text: str, place: str, words: str) -> None:
    with pytest.raises(FileError) as caught:
        parse_launch_file(text, "l.yaml")
    assert f"l.yaml:1: {place}: " in str(caught.value)
    assert words in str(caught.value)
