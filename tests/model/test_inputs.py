"""Inputs: friendly to build, strict about kinds, silent about values."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zadig_async.errors import ConfigError
from zadig_async.model import inputs
from zadig_async.model.input_reader import input_from_mapping
from zadig_async.model.inputs import (
    INPUT_OF,
    RUNS_AS_CONFIGURED,
    SELECTABLE,
    WITHOUT_EFFECT,
    ApprovalInput,
    BuildInput,
    BuildService,
    CustomDeployInput,
    DeployInput,
    DeployService,
    DeployTarget,
    FreestyleInput,
    GrayRollbackInput,
    InputValue,
    JobInput,
    PatchTarget,
    PluginInput,
    RawInput,
    RepoInput,
    RepoParam,
    ResourcePatchInput,
    RollbackTarget,
    ScanInput,
    ScanningInput,
    SqlInput,
    TapdInput,
    TestingInput,
    TestInput,
    VMDeployInput,
    VMDeployService,
)
from zadig_async.model.secret import Secret

CANARY = "canary-7f3a"

EIGHTEEN = """
    zadig-build freestyle plugin zadig-deploy zadig-vm-deploy custom-deploy zadig-test zadig-scanning
    k8s-blue-green-deploy k8s-blue-green-release k8s-canary-deploy k8s-canary-release k8s-gray-release
    k8s-gray-rollback k8s-resource-patch approval sql tapd
""".split()  # noqa: SIM905 - a table to compare with the source by eye
"""By hand: the cases of Zadig v4.1.0 workflow/service/workflow/openapi.go:317-389."""

REPO = RepoInput(codehost_name="gitlab", repo_namespace="mall", repo_name="shop-api", branch="main")


def test_there_is_a_class_for_every_selectable_type() -> None:
    assert sorted(INPUT_OF) == sorted(EIGHTEEN)
    assert frozenset(EIGHTEEN) == SELECTABLE
    assert all(INPUT_OF[job_type].job_type == job_type for job_type in EIGHTEEN)
    assert RUNS_AS_CONFIGURED < SELECTABLE
    assert WITHOUT_EFFECT < SELECTABLE
    assert not RUNS_AS_CONFIGURED & WITHOUT_EFFECT


def test_variables_are_given_as_a_mapping_or_one_by_one() -> None:
    short = PluginInput(inputs={"USER": "admin", "PASSWORD": Secret("Zadig")})
    long = PluginInput(
        inputs=[InputValue(key="USER", value="admin"), InputValue(key="PASSWORD", value="Zadig")]
    )
    assert short == long
    assert [(item.key, item.value.reveal()) for item in short.inputs] == [
        ("USER", "admin"),
        ("PASSWORD", "Zadig"),
    ]


def test_an_empty_value_is_a_value() -> None:
    assert InputValue(key="SUFFIX", value="").value == Secret("")


def test_lists_become_tuples() -> None:
    given_list = [BuildService(service_name="shop-api", service_module="api", repos=[REPO])]
    build = BuildInput(registry="https://registry.example.com/shop", services=given_list)
    given_list.clear()
    assert isinstance(build.services, tuple)
    assert build.services[0].repos == (REPO,)
    assert hash(build) == hash(attrs.evolve(build))


def test_parameters_of_a_raw_input_are_the_callers_copy() -> None:
    parameters = {"a": 1}
    raw = RawInput(job_type="dms", parameters=parameters)
    parameters["a"] = 2
    assert raw.parameters == {"a": 1}
    assert raw.job_type == "dms"


def test_a_commit_switches_the_branch_off() -> None:
    assert not REPO.enable_commit
    assert attrs.evolve(REPO, commit_id="9f3c1e7").enable_commit


@pytest.mark.parametrize(
    "repo",
    [
        lambda: RepoInput(codehost_name="g", repo_namespace="n", repo_name="r", prs=[7]),
        lambda: RepoInput(codehost_name="g", repo_namespace="n", repo_name="r", commit_id="9f3c1e7"),
        lambda: RepoInput(codehost_name="p4", stream="//depot/main"),
        lambda: RepoInput(codehost_name="p4", changelist_id=12),
    ],
)
def test_a_version_can_be_given_in_any_way_zadig_takes(repo: Callable[[], RepoInput]) -> None:
    assert repo().codehost_name


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        (BuildInput, {"registry": 7, "services": []}, "BuildInput.registry: expected a string, got int"),
        (BuildInput, {"registry": " ", "services": []}, "BuildInput.registry: must not be empty"),
        (BuildInput, {"registry": "r", "services": []}, "BuildInput.services: must not be empty"),
        (BuildInput, {"registry": "r", "services": "api"}, "BuildInput.services: expected a list, got str"),
        (
            BuildInput,
            {"registry": "r", "services": {"a": 1}},
            "BuildInput.services: expected a list, got dict",
        ),
        (
            BuildInput,
            {"registry": "r", "services": [{"service_name": "a"}]},
            "BuildInput.services[0]: expected BuildService, got dict",
        ),
        (
            BuildInput,
            {"registry": "r", "services": [BuildService(service_name="a", service_module="b")] * 2},
            "BuildInput.services: a/b stands twice",
        ),
        (DeployInput, {"env_name": "", "services": []}, "DeployInput.env_name: must not be empty"),
        (DeployInput, {"env_name": "prod", "services": ()}, "DeployInput.services: must not be empty"),
        (
            DeployInput,
            {"env_name": "prod", "services": [DeployService(service_name="a", service_module="b")] * 2},
            "DeployInput.services: a/b stands twice",
        ),
        (
            DeployService,
            {"service_name": "a", "service_module": "b", "value_merge_strategy": "reuse_values"},
            "DeployService.value_merge_strategy: not one of the words Zadig knows",
        ),
        (
            DeployService,
            {"service_name": "a", "service_module": "b", "value_merge_strategy": True},
            "DeployService.value_merge_strategy: expected a string, got bool",
        ),
        (
            VMDeployInput,
            {"env_name": "prod", "services": [VMDeployService(service_name="a", file_name="f")] * 2},
            "VMDeployInput.services: a stands twice",
        ),
        (CustomDeployInput, {"targets": []}, "CustomDeployInput.targets: must not be empty"),
        (GrayRollbackInput, {"targets": []}, "GrayRollbackInput.targets: must not be empty"),
        (ResourcePatchInput, {"targets": []}, "ResourcePatchInput.targets: must not be empty"),
        (RollbackTarget, {"workload_name": ""}, "RollbackTarget.workload_name: must not be empty"),
        (
            PatchTarget,
            {"resource_name": "n", "resource_kind": "", "resource_version": "v1"},
            "PatchTarget.resource_kind: must not be empty",
        ),
        (
            DeployTarget,
            {"workload_type": "Deployment", "workload_name": "w", "container_name": "c", "image_name": None},
            "DeployTarget.image_name: expected a string, got NoneType",
        ),
        (SqlInput, {"sql": ""}, "SqlInput.sql: must not be empty"),
        (TapdInput, {"project_id": "1", "status": ""}, "TapdInput.status: must not be empty"),
        (
            TapdInput,
            {"project_id": "1", "status": "open", "iteration_ids": [114]},
            "TapdInput.iteration_ids[0]: expected a string, got int",
        ),
        (
            FreestyleInput,
            {"inputs": {"VERSION": 1.1}},
            "FreestyleInput.inputs: 'VERSION': expected a string, got float",
        ),
        (FreestyleInput, {"inputs": {3: "x"}}, "FreestyleInput.inputs: expected names as strings, got int"),
        (
            FreestyleInput,
            {"inputs": "A=1"},
            "FreestyleInput.inputs: expected a mapping of names to values, got str",
        ),
        (
            FreestyleInput,
            {"inputs": [("A", "1")]},
            "FreestyleInput.inputs[0]: expected InputValue, got tuple",
        ),
        (InputValue, {"key": "A", "value": 1}, "InputValue.value: expected a string, got int"),
        (InputValue, {"key": "", "value": "1"}, "InputValue.key: must not be empty"),
        (
            TestInput,
            {"tests": [ScanningInput(scanning_name="s")]},
            "TestInput.tests[0]: expected TestingInput",
        ),
        (ScanInput, {"scans": None}, "ScanInput.scans: expected a list, got NoneType"),
        (
            RepoParam,
            {"codehost_name": "g", "repo_namespace": "n", "repo_name": "r", "branch": ""},
            "RepoParam.branch: must not be empty",
        ),
        (
            RepoParam,
            {"codehost_name": "g", "repo_namespace": "n", "repo_name": "r", "branch": "b", "prs": [True]},
            "RepoParam.prs[0]: expected a whole number, got bool",
        ),
        (
            RepoInput,
            {"codehost_name": "g", "repo_namespace": "n", "repo_name": "r"},
            "RepoInput.branch: no branch, pull request or commit given",
        ),
        (
            RepoInput,
            {"codehost_name": "g", "repo_name": "r", "branch": "b"},
            "RepoInput.repo_namespace: must not be empty",
        ),
        (RepoInput, {"codehost_name": "", "branch": "b"}, "RepoInput.codehost_name: must not be empty"),
        (RawInput, {"job_type": "x", "parameters": []}, "RawInput.parameters: expected a mapping, got list"),
    ],
)
def test_a_wrong_kind_is_refused_with_its_place_and_a_mend(
    kind: type[Any], fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        kind(**fields)
    assert str(caught.value).startswith(said)
    assert caught.value.hint


@given(
    st.one_of(st.integers(min_value=10**9), st.lists(st.just(CANARY), min_size=1), st.just({CANARY: CANARY}))
)
def test_a_refusal_never_shows_the_value(value: Any) -> None:
    for make in (
        lambda: SqlInput(sql=value),
        lambda: InputValue(key="A", value=value),
        lambda: PluginInput(inputs={"A": value}),
        lambda: FreestyleInput(repos=value),
        lambda: input_from_mapping("sql", {"sql": value}),
        lambda: input_from_mapping("plugin", {"inputs": {"A": value}}),
    ):
        with pytest.raises(ConfigError) as caught:
            make()
        told = f"{caught.value} {caught.value.hint} {caught.value!r}"
        assert CANARY not in told
        assert not isinstance(value, int) or str(value) not in told


@pytest.mark.parametrize(
    "value",
    [
        PluginInput(inputs={"PASSWORD": CANARY}),
        FreestyleInput(inputs={"PASSWORD": CANARY}),
        TestInput(tests=[TestingInput(testing_name="t", inputs={"PASSWORD": CANARY})]),
        BuildService(service_name="a", service_module="b", inputs={"PASSWORD": CANARY}),
        PatchTarget(resource_name="n", resource_kind="k", resource_version="v", inputs={"PASSWORD": CANARY}),
        SqlInput(sql=f"ALTER USER shop IDENTIFIED BY '{CANARY}'"),
        RawInput(job_type="dms", parameters={"password": CANARY}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_value_is_shown(value: Any) -> None:
    assert CANARY not in f"{value!r} {value}"


@pytest.mark.parametrize(
    ("job_type", "data", "read"),
    [
        (
            "zadig-build",
            {
                "registry": "https://registry.example.com/shop",
                "services": [
                    {
                        "service_name": "shop-api",
                        "service_module": "api",
                        "repos": [
                            {
                                "codehost_name": "gitlab",
                                "repo_namespace": "mall",
                                "repo_name": "shop-api",
                                "branch": "main",
                            }
                        ],
                        "inputs": {"GO_VERSION": "1.24"},
                    }
                ],
            },
            BuildInput(
                registry="https://registry.example.com/shop",
                services=[
                    BuildService(
                        service_name="shop-api",
                        service_module="api",
                        repos=[REPO],
                        inputs={"GO_VERSION": "1.24"},
                    )
                ],
            ),
        ),
        ("plugin", {"inputs": [{"key": "A", "value": "1"}]}, PluginInput(inputs={"A": "1"})),
        ("approval", {}, ApprovalInput()),
        ("tapd", {"project_id": "43", "status": "open"}, TapdInput(project_id="43", status="open")),
        (
            "zadig-scanning",
            {"scans": [{"scanning_name": "scan"}]},
            ScanInput(scans=[ScanningInput(scanning_name="scan")]),
        ),
    ],
)
def test_an_input_is_read_from_plain_data(job_type: str, data: dict[str, Any], read: JobInput) -> None:
    assert input_from_mapping(job_type, data) == read


@pytest.mark.parametrize(
    ("job_type", "data", "said", "hint"),
    [
        ("zadig-deplyo", {}, "no job of type 'zadig-deplyo'", "Did you mean 'zadig-deploy'?"),
        ("jira", {}, "no job of type 'jira'", "Types that can: approval, custom-deploy"),
        ("approval", {"approvers": []}, "approval: unknown key 'approvers'", "Known are: none."),
        ("sql", {"sqll": "x"}, "sql: unknown key 'sqll'", "Did you mean 'sql'?"),
        ("sql", {"database_name": "d"}, "sql: 'sql' is missing", "SqlInput cannot do without it."),
        ("sql", None, "sql: expected a mapping, got NoneType", "Write keys with values."),
        ("zadig-deploy", {"service_list": []}, "zadig-deploy: unknown key 'service_list'", "'services' here"),
        ("plugin", {"kv": []}, "plugin: unknown key 'kv'", "'inputs' here"),
        ("plugin", {True: 1}, "plugin: unknown key True", "Known are: inputs."),
        (
            "zadig-deploy",
            {"env_name": True, "services": []},
            "zadig-deploy: DeployInput.env_name: expected a string, got bool",
            "quotes",
        ),
        (
            "zadig-deploy",
            {"env_name": "prod", "services": [{"service_name": "a", "service_modul": "b"}]},
            "zadig-deploy.services[0]: unknown key 'service_modul'",
            "Did you mean 'service_module'?",
        ),
        (
            "zadig-test",
            {
                "tests": [
                    {
                        "testing_name": "t",
                        "repos": [
                            {"codehost_name": "g", "repo_namespace": "n", "repo_name": "r", "branch": 1.10}
                        ],
                    }
                ]
            },
            "zadig-test.tests[0].repos[0]: RepoInput.branch: expected a string, got float",
            "quotes",
        ),
        (
            "zadig-test",
            {"tests": ["unit"]},
            "zadig-test.tests[0]: expected a mapping, got str",
            "Write keys with values.",
        ),
        (
            "freestyle",
            {"repos": [{"enable_commit": True}]},
            "freestyle.repos[0]: unknown key 'enable_commit'",
            "",
        ),
    ],
)
def test_data_that_does_not_fit_is_refused(job_type: str, data: Any, said: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        input_from_mapping(job_type, data)
    assert str(caught.value).startswith(said)
    assert hint in caught.value.hint


def test_every_public_class_checks_its_fields() -> None:
    """A class that forgot the transformer would take anything."""
    for name, kind in vars(inputs).items():
        if isinstance(kind, type) and attrs.has(kind) and kind is not JobInput:
            for field in attrs.fields(kind):
                assert type(field.converter).__name__ == "_Check", f"{name}.{field.name}"
