"""Specs of jobs that change data and settings: SQL, Nacos, Apollo.

What they write can hold credentials, so repr leaves the contents out.
"""

import attrs

from zadig_async.model.spec import JobSpec, Received


@attrs.frozen(kw_only=True)
class SqlResult(Received):
    """What became of one statement.

    Attributes:
        sql: The statement.
        elapsed_ms: Milliseconds it took; 0 unless it succeeded.
        rows_affected: Rows it changed.
        status: `success`, `failed` or `not_exec`.
    """

    sql: str = attrs.field(default="", repr=False)
    elapsed_ms: int = 0
    rows_affected: int = 0
    status: str = ""


@attrs.frozen(kw_only=True)
class SqlSpec(JobSpec):
    """`sql`: text that Zadig splits after every `;`, quoted ones too, and stops at the first failure.

    Attributes:
        id: Id of the database in Zadig.
        type: `mysql` or `mariadb`.
        sql: The text.
        results: What became of each statement; empty until the job runs.
        detail: What a rollback did, or empty.
    """

    id: str = ""
    type: str = ""
    sql: str = attrs.field(default="", repr=False)
    results: tuple[SqlResult, ...] = ()
    detail: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class NacosConfig(Received):
    """One configuration in Nacos.

    Attributes:
        data_id: Its id.
        group: Its group.
        description: Free text.
        format: Format of the content.
        content: What it is set to.
        original_content: What it was.
        namespace_id: Its namespace.
        namespace_name: Display name of the namespace.
        error: Why it failed, or empty.
    """

    data_id: str = ""
    group: str = ""
    description: str = ""
    format: str = ""
    content: str = attrs.field(default="", repr=False)
    original_content: str = attrs.field(default="", repr=False)
    namespace_id: str = ""
    namespace_name: str = ""
    error: str = ""


@attrs.frozen(kw_only=True)
class NacosSpec(JobSpec):
    """`nacos`. The account's password, which Zadig sends in clear as `auth_config`, stays in `raw`.

    Attributes:
        nacos_id: Id of the Nacos server in Zadig.
        nacos_addr: Its address.
        type: Kind of Nacos server.
        namespace_id: Namespace.
        namespace_name: Its display name.
        configs: What is changed.
        detail: What a rollback did, or empty.
    """

    nacos_id: str = ""
    nacos_addr: str = ""
    type: str = ""
    namespace_id: str = ""
    namespace_name: str = ""
    configs: tuple[NacosConfig, ...] = ()
    detail: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class ApolloItem(Received):
    """One setting in Apollo."""

    key: str = ""
    value: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class ApolloNamespace(Received):
    """One namespace in Apollo.

    Attributes:
        app_id: App.
        cluster_id: Cluster.
        env: Environment.
        namespace: Namespace.
        type: Format of the namespace.
        items: What it is set to.
        original_items: What it was.
        error: Why it failed, or empty.
    """

    app_id: str = ""
    cluster_id: str = ""
    env: str = ""
    namespace: str = ""
    type: str = ""
    items: tuple[ApolloItem, ...] = ()
    original_items: tuple[ApolloItem, ...] = ()
    error: str = ""


@attrs.frozen(kw_only=True)
class ApolloSpec(JobSpec):
    """`apollo`.

    Attributes:
        apollo_id: Id of the Apollo server in Zadig.
        namespaces: What is changed.
        detail: What a rollback did, or empty.
    """

    apollo_id: str = ""
    namespaces: tuple[ApolloNamespace, ...] = ()
    detail: str = attrs.field(default="", repr=False)
