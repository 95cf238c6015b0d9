"""`Repository`: the code a job or variable uses, with which version of it."""

from collections.abc import Mapping
from typing import Any, Final

import attrs

from zadig_async.model.secret import Secret

_NONE: Final = Secret("")


@attrs.frozen(kw_only=True)
class Repository:
    """A code repository as Zadig describes it (Zadig v4.1.0 pkg/types/repo.go:27).

    Attributes:
        source: Kind of code host: `gitlab`, `github`, `gerrit`, `gitee`, `perforce`, `other`.
        repo_owner: Owner.
        repo_namespace: Namespace; inputs are matched by it and `repo_name`.
        repo_name: Name.
        remote_name: Git remote.
        branch: Branch.
        merge_branches: Branches merged into it before the job starts.
        pr: Pull request of older servers; 0 for none.
        prs: Pull requests merged into it before the job starts.
        tag: Tag; it wins over the branch.
        enable_commit: Whether `commit_id` decides and not the branch.
        commit_id: Commit used.
        commit_message: Its message.
        author_name: Its author.
        checkout_path: Folder it is checked out to.
        checkout_ref: Git ref checked out.
        submodules: Whether submodules are fetched.
        hidden: Whether the web page hides it.
        use_default: Whether it is fixed in the web page.
        is_primary: Whether it names the image.
        codehost_id: Id of the code host.
        address: Address of the code host.
        auth_type: How `other` hosts are logged into.
        username: Account name; not a secret.
        oauth_token: Credential.
        password: Credential.
        ssh_key: Credential.
        private_access_token: Credential.
        enable_proxy: Whether it is fetched through a proxy.
        disable_ssl: Whether the certificate goes unchecked.
        filter_regexp: Which branches and tags may be chosen.
        source_from: Where its version comes from: `runtime`, `param`, `job`, or empty.
        param_name: The workflow variable it comes from.
        job_name: The job it comes from.
        service_name: The service of that job.
        service_module: The module of that job.
        repo_index: Its position in that job.
        submission_id: Id of a submission.
        perforce_host: Perforce server.
        perforce_port: Its port.
        depot_type: Perforce: `stream` or `local`.
        stream: Perforce stream.
        view_mapping: Perforce view of a local depot.
        changelist_id: Perforce change list.
        shelve_id: Perforce shelf.
        raw: The object as received, credentials included.
    """

    source: str = ""
    repo_owner: str = ""
    repo_namespace: str = ""
    repo_name: str = ""
    remote_name: str = ""
    branch: str = ""
    merge_branches: tuple[str, ...] = ()
    pr: int = 0
    prs: tuple[int, ...] = ()
    tag: str = ""
    enable_commit: bool = False
    commit_id: str = ""
    commit_message: str = ""
    author_name: str = ""
    checkout_path: str = ""
    checkout_ref: str = ""
    submodules: bool = False
    hidden: bool = False
    use_default: bool = False
    is_primary: bool = False
    codehost_id: int = 0
    address: str = ""
    auth_type: str = ""
    username: str = ""
    oauth_token: Secret = _NONE
    password: Secret = _NONE
    ssh_key: Secret = _NONE
    private_access_token: Secret = _NONE
    enable_proxy: bool = False
    disable_ssl: bool = False
    filter_regexp: str = ""
    source_from: str = ""
    param_name: str = ""
    job_name: str = ""
    service_name: str = ""
    service_module: str = ""
    repo_index: int = 0
    submission_id: str = ""
    perforce_host: str = ""
    perforce_port: int = 0
    depot_type: str = ""
    stream: str = ""
    view_mapping: str = ""
    changelist_id: int = 0
    shelve_id: int = 0
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)
