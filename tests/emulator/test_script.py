"""Scenarios: short ones work, wrong ones are refused with file, line, path and remedy."""

from pathlib import Path

import pytest

from zadig_async.emulator.script import Script, ScriptError, UserScript

SHORT = """\
projects:
  - key: shop
    workflows:
      - key: deploy
        stages:
          - name: build
            jobs:
              - name: build
                duration: 5
                log: [one, {text: two, at: 4}]
          - name: gate
            jobs:
              - name: gate
                approval: {users: [admin]}
"""


def test_a_short_scenario_has_defaults() -> None:
    script = Script.parse(SHORT)
    (user,) = script.users
    assert (user.name, user.admin, user.tokens) == ("admin", True, ("demo-token",))
    workflow = script.projects[0].workflows[0]
    assert (workflow.name, workflow.concurrency_limit) == ("deploy", -1)
    build, gate = (stage.jobs[0] for stage in workflow.stages)
    assert (build.type, build.outcome) == ("freestyle", ("passed",))
    assert [(line.text, line.at) for line in build.log] == [("one", None), ("two", 4.0)]
    assert gate.type == "approval"


def test_the_demo_world() -> None:
    script = Script.default()
    keys = [workflow.key for project in script.projects for workflow in project.workflows]
    assert keys == ["deploy-api", "deploy-web", "deploy-search", "deploy-mobile"]
    assert script.users[0].tokens == ("demo-token",)
    assert Script.load(None) == script


def test_users_have_stable_identities() -> None:
    assert UserScript(name="amy") == UserScript(name="amy")
    assert UserScript(name="amy").uid != UserScript(name="bob").uid
    assert UserScript(name="amy").tokens == ("amy-token",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "projects:\n  - key: a\n    workflos: []\n",
            "s.yaml:3: projects[0].workflos: unknown key; did you mean 'workflows'?",
        ),
        ("projects:\n  - name: a\n", "s.yaml:2: projects[0]: 'key' is missing"),
        ("queue_tick: soon\n", "s.yaml:1: queue_tick: should be a number, not 'soon'"),
        ("professional: 1\n", "s.yaml:1: professional: should be true or false, not 1"),
        (
            "workflow_concurrency: true\n",
            "s.yaml:1: workflow_concurrency: should be a whole number, not True",
        ),
        ("version: 4.1\n", "s.yaml:1: version: should be text, not 4.1"),
        ("users: {}\n", "s.yaml:1: users: should be a list, not a mapping"),
        (
            "users:\n  - name: a\n    projects: {p: [deploy]}\n",
            "s.yaml:3: users[0].projects: 'deploy' is none of",
        ),
        ("users:\n  - name: a\n    name: b\n", 's.yaml:3: found duplicate key "name"'),
        ("users: [\n", "s.yaml:2: "),
        ("- a\n", "s.yaml:1: the document: should be a mapping, not a list"),
        ("projects:\n  - 7\n", "s.yaml:2: projects[0]: should be a mapping, not 7"),
        ("projects:\n  - key:\n", "s.yaml:2: projects[0].key: should be text, not empty"),
        (
            "users:\n  - {name: a, projects: [p]}\n",
            "s.yaml:2: users[0].projects: should be a mapping, not a list",
        ),
        ("users:\n  - {name: a, projects: {1: []}}\n", "a key should be text, not 1"),
        ("queue_tick: 0\n", "s.yaml:1: queue_tick: 0.0 is not positive"),
        ("version: latest\n", "s.yaml:1: version: 'latest' is not a version such as 4.1.0"),
        ("users: []\n", "s.yaml:1: users: nobody is named"),
        (f"users: {'[' * 3000}\n", "s.yaml: it is nested too deeply"),
        (
            SHORT.replace("duration: 5", "outcome: [failed, maybe]"),
            "s.yaml:9: projects[0].workflows[0].stages[0].jobs[0].outcome: 'maybe' is none of",
        ),
        (
            SHORT.replace("duration: 5", "duration: -5"),
            "s.yaml:9: projects[0].workflows[0].stages[0].jobs[0].duration:",
        ),
        (
            SHORT.replace("duration: 5", "container_log_lines: 0"),
            "jobs[0].container_log_lines: 0 is not at least 1",
        ),
        ("container_log_lines: -1\n", "s.yaml:1: container_log_lines: -1 is not at least 1"),
        (
            SHORT.replace("one,", "{text: one, repeat: 0},"),
            "s.yaml:10: projects[0].workflows[0].stages[0].jobs[0].log[0].repeat: 0 is not at least 1",
        ),
        (SHORT.replace("[admin]", "[nobody]"), "approver 'nobody' is not among the users"),
        (
            SHORT.replace("name: gate\n                app", "name: build\n                app"),
            "this name is used twice",
        ),
        (SHORT + "      - key: deploy\n", "workflow 'deploy' is in 'shop' and again in 'shop'"),
        (
            SHORT.replace("one,", "1,"),
            "s.yaml:10: projects[0].workflows[0].stages[0].jobs[0].log[0]: should be a mapping",
        ),
    ],
)
def test_errors_name_the_place_and_the_remedy(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "s.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ScriptError) as caught:
        Script.load(tmp_path / "s.yaml")
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path))


def test_a_mapping_is_checked_the_same_way() -> None:
    with pytest.raises(ScriptError, match=r"scenario: projects\[0\]: 'key' is missing"):
        Script.load({"projects": [{}]})


def test_a_file_that_is_no_text_is_a_script_error(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_bytes(b"version: \xff")
    with pytest.raises(ScriptError, match="not UTF-8"):
        Script.load(tmp_path / "s.yaml")


def test_a_missing_file_is_a_script_error(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="cannot be read"):
        Script.load(tmp_path / "nothing.yaml")


@pytest.mark.parametrize(
    ("version", "release"), [("4.1.0", (4, 1, 0)), ("v5", (5, 0, 0)), ("4.3", (4, 3, 0))]
)
def test_release(version: str, release: tuple[int, int, int]) -> None:
    assert Script(version=version).release == release
