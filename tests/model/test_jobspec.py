"""Job specs: every job type has its class, nothing is required, no credential is shown."""

from typing import Any

import attrs
import pytest

from zadig_async.model import jobspec
from zadig_async.model.jobspec import (
    SPEC_OF,
    ApprovalSpec,
    DeploySpec,
    GenericSpec,
    JobSpec,
    LarkApproval,
    NativeApproval,
    Received,
)
from zadig_async.model.secret import Secret
from zadig_async.model.user import User
from zadig_async.model.variable import KeyValue, Param

CANARY = "canary-7f3a"

JOB_TYPES = """
    zadig-build zadig-distribute-image zadig-test zadig-scanning custom-deploy zadig-deploy zadig-vm-deploy
    zadig-helm-deploy zadig-helm-chart-deploy freestyle plugin k8s-blue-green-deploy k8s-blue-green-release
    k8s-canary-deploy k8s-canary-release k8s-gray-release k8s-gray-rollback k8s-resource-patch istio-release
    istio-rollback update-env-istio-config jira nacos apollo pingcode tapd sql jenkins meego-transition
    workflow-trigger offline-service mse-gray-release mse-gray-offline guanceyun-check grafana blueking
    approval notification sae-deploy build deploy
""".split()  # noqa: SIM905 - a table to compare with the source by eye
"""By hand, in the order of pkg/microservice/aslan/config/consts.go:216-261 of Zadig v4.1.0."""

WITHOUT_CLASS = {"update-env-istio-config", "notification", "sae-deploy", "build", "deploy"}


EVERY_CLASS = [
    kind
    for kind in (getattr(jobspec, name) for name in jobspec.__all__)
    if isinstance(kind, type) and issubclass(kind, Received)
]


def test_every_job_type_has_a_class() -> None:
    assert sorted(SPEC_OF) == sorted(JOB_TYPES)


@pytest.mark.parametrize("job_type", JOB_TYPES)
def test_only_the_types_whose_shape_depends_on_configuration_are_generic(job_type: str) -> None:
    kind = SPEC_OF[job_type]
    assert issubclass(kind, JobSpec)
    assert (kind is GenericSpec) == (job_type in WITHOUT_CLASS)


def test_both_names_of_a_deployment_share_a_class() -> None:
    assert SPEC_OF["zadig-helm-deploy"] is SPEC_OF["zadig-deploy"] is DeploySpec


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        SPEC_OF["new"] = GenericSpec  # type: ignore[index]  # that it cannot is the point


@pytest.mark.parametrize("kind", EVERY_CLASS, ids=lambda kind: kind.__name__)
def test_nothing_is_required_and_raw_is_kept_but_neither_shown_nor_compared(kind: type[Received]) -> None:
    value = kind(raw={"secret": CANARY})
    assert value.raw == {"secret": CANARY}
    assert value == kind()
    assert CANARY not in repr(value)


@pytest.mark.parametrize("kind", EVERY_CLASS, ids=lambda kind: kind.__name__)
def test_a_value_is_frozen_and_has_no_room_for_more(kind: type[Received]) -> None:
    value = kind()
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        value.raw = {}  # type: ignore[misc]  # that it cannot is the point
    assert not hasattr(value, "__dict__")


@pytest.mark.parametrize(
    "value",
    [
        jobspec.BuildSpec(envs=(KeyValue(key="TOKEN", value=CANARY, is_credential=True),)),
        jobspec.PluginSpec(
            args=(CANARY,),
            cmds=(CANARY,),
            envs=(jobspec.PluginEnv(name="TOKEN", value=CANARY),),
            inputs=(Param(name="TOKEN", value=CANARY, default=CANARY, is_credential=True),),
        ),
        jobspec.DeploySpec(
            yaml_content=CANARY,
            user_supplied_value=CANARY,
            variables=(jobspec.RenderVariable(key="password", value={"yaml": CANARY}),),
        ),
        jobspec.HelmChart(values_yaml=CANARY, override_kvs=CANARY),
        jobspec.PatchItem(patch_content=CANARY),
        jobspec.BlueGreenService(blue_service_yaml=CANARY, blue_deployment_yaml=CANARY),
        jobspec.MseGrayService(yaml_content=CANARY),
        jobspec.SqlSpec(sql=CANARY, detail=CANARY, results=(jobspec.SqlResult(sql=CANARY),)),
        jobspec.NacosSpec(
            detail=CANARY,
            configs=(jobspec.NacosConfig(content=CANARY, original_content=CANARY),),
            raw={"auth_config": {"password": CANARY}},
        ),
        jobspec.ApolloNamespace(
            items=(jobspec.ApolloItem(key="password", value=CANARY),),
            original_items=(jobspec.ApolloItem(key="password", value=CANARY),),
        ),
        jobspec.ApolloSpec(detail=CANARY),
        jobspec.TapdSpec(client_secret=Secret(CANARY), detail=CANARY),
        jobspec.PingCodeSpec(client_secret=Secret(CANARY), detail=CANARY),
        jobspec.JenkinsJob(
            job_output=CANARY, parameters=(jobspec.JenkinsParameter(name="password", value=CANARY),)
        ),
        jobspec.BlueKingParameter(value=CANARY, server={"ip": CANARY}),
        jobspec.GenericSpec(raw={"token": CANARY}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_may_be_a_credential_is_never_shown(value: Received) -> None:
    assert CANARY not in repr(value)
    assert CANARY not in str(value)


@pytest.mark.parametrize("kind", [jobspec.TapdSpec, jobspec.PingCodeSpec])
def test_a_spec_is_read_with_its_credential_hidden(kind: type[JobSpec]) -> None:
    assert attrs.fields_dict(kind)["client_secret"].type is Secret


def test_a_native_approval_tells_who_and_how_many() -> None:
    li, han = User(type="user", user_id="u1"), User(type="user", user_id="u2", decision="approve")
    spec = ApprovalSpec(kind="native", native=NativeApproval(approve_users=(li, han), needed_approvers=2))
    assert spec.approvers == (li, han)
    assert spec.needed == 2


def test_an_approval_elsewhere_has_nobody_who_could_vote_here() -> None:
    spec = ApprovalSpec(kind="lark", lark=LarkApproval(approval_id="app"))
    assert spec.approvers == ()
    assert spec.needed == 0


@pytest.mark.parametrize("kind", EVERY_CLASS, ids=lambda kind: kind.__name__)
def test_lists_are_tuples_and_start_empty(kind: type[Received]) -> None:
    def tuples(value: Any) -> list[str]:
        return [field.name for field in attrs.fields(type(value)) if "tuple" in str(field.type)]

    value = kind()
    assert all(getattr(value, name) == () for name in tuples(value))
    assert not any("list[" in str(field.type) for field in attrs.fields(kind))
