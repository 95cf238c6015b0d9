"""Zadig's nested value shapes in the server's own key order: Repository, KeyVal, Param, User and friends.

Source: Zadig v4.1.0 pkg/types/repo.go:27-90, models/build.go:224-238, models/workflow_v4.go:280-330 and
1586-1600.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = [
    "Json",
    "error_policy",
    "key_value",
    "manual_exec",
    "notify_ctl",
    "ordered",
    "param",
    "repository",
    "user",
    "with_head_commit",
]

Json = dict[str, Any]

_REPOSITORY: tuple[tuple[str, Any, bool], ...] = (
    # name, value when absent, left out when empty
    ("source", "", True),
    ("repo_owner", "", False),
    ("repo_namespace", "", False),
    ("repo_name", "", False),
    ("remote_name", "", True),
    ("branch", "", False),
    ("pr", 0, True),
    ("prs", [], True),
    ("merge_branches", [], False),
    ("tag", "", True),
    ("enable_commit", False, False),
    ("commit_id", "", True),
    ("commit_message", "", True),
    ("checkout_path", "", True),
    ("submodules", False, True),
    ("use_default", False, True),
    ("author_name", "", True),
    ("hidden", False, False),
    ("is_primary", False, False),
    ("codehost_id", 0, False),
    ("oauth_token", "", False),
    ("address", "", False),
    ("source_from", "", False),
    ("param_name", "", False),
    ("job_name", "", False),
    ("service_name", "", False),
    ("service_module", "", False),
    ("repo_index", 0, False),
    ("submission_id", "", False),
    ("checkout_ref", "", True),
    ("username", "", True),
    ("password", "", True),
    ("perforce_host", "", True),
    ("perforce_port", 0, True),
    ("enable_proxy", False, True),
    ("filter_regexp", "", True),
    ("auth_type", "", True),
    ("ssh_key", "", True),
    ("private_access_token", "", True),
    ("depot_type", "", True),
    ("stream", "", True),
    ("view_mapping", "", True),
    ("changelist_id", 0, True),
    ("shelve_id", 0, True),
    ("disable_ssl", False, False),
)

_KEY_VALUE: tuple[tuple[str, Any, bool], ...] = (
    ("key", "", False),
    ("value", "", False),
    ("type", "", True),
    ("registry_id", "", False),
    ("choice_option", [], True),
    ("choice_value", [], True),
    ("script", "", True),
    ("call_function", "", True),
    ("function_reference", [], True),
    ("file_path", "", True),
    ("file_id", "", True),
    ("is_credential", False, False),
    ("description", "", False),
)

_PARAM: tuple[tuple[str, Any, bool], ...] = (
    ("name", "", False),
    ("description", "", False),
    ("type", "string", False),
    ("value", "", False),
    ("repo", None, False),
    ("choice_option", [], True),
    ("choice_value", [], True),
    ("file_id", "", True),
    ("file_path", "", True),
    ("default", "", False),
    ("is_credential", False, False),
    ("source", "", True),
)

_USER: tuple[tuple[str, Any, bool], ...] = (
    ("type", "", False),
    ("user_id", "", True),
    ("user_name", "", True),
    ("group_id", "", True),
    ("group_name", "", True),
    ("reject_or_approve", "", True),
    ("comment", "", True),
    ("operation_time", 0, True),
)


def ordered(source: Mapping[str, Any], layout: Iterable[tuple[str, Any, bool]]) -> Json:
    """Lay `source` out as a Go struct would be written: fixed order, zero values, `omitempty` applied."""
    result: Json = {}
    for name, absent, omit_empty in layout:
        value = source.get(name)
        if value is None:
            value = absent
        if omit_empty and not value:
            continue
        result[name] = list(value) if isinstance(value, list | tuple) else value
    return result


def repository(source: Mapping[str, Any]) -> Json:
    """A Repository."""
    return ordered(source, _REPOSITORY)


def with_head_commit(source: Mapping[str, Any]) -> Json:
    """A repository as the server stores it in a task: the branch head looked up at the code host."""
    filled = dict(source)
    if filled.get("branch") and not filled.get("commit_id"):
        place = f"{filled.get('repo_namespace')}/{filled.get('repo_name')}@{filled['branch']}"
        filled["commit_id"] = hashlib.sha1(place.encode(), usedforsecurity=False).hexdigest()
        filled.setdefault("commit_message", "")
        filled["commit_message"] = filled["commit_message"] or f"merge into {filled['branch']}"
        filled["author_name"] = filled.get("author_name") or "dev"
    return repository(filled)


def key_value(source: Mapping[str, Any]) -> Json:
    """A KeyVal."""
    return ordered(source, _KEY_VALUE)


def param(source: Mapping[str, Any]) -> Json:
    """A Param (workflow variable)."""
    result = ordered(source, _PARAM)
    if result["repo"] is not None:
        result["repo"] = repository(result["repo"])
    return result


def user(source: Mapping[str, Any]) -> Json:
    """A User, in struct order (typed places; raw specs sort the keys instead)."""
    return ordered(source, _USER)


def error_policy(source: Mapping[str, Any] | None) -> Json | None:
    """A job's error policy, or null."""
    if source is None:
        return None
    return {
        "policy": source.get("policy") or "",
        "maximum_retry": source.get("maximum_retry") or 0,
        "approval_users": [user(item) for item in source.get("approval_users") or ()],
    }


def manual_exec(source: Mapping[str, Any] | None) -> Json | None:
    """A stage's manual execution, or null. `excuted` is the server's spelling."""
    if source is None:
        return None
    result: Json = {
        "enabled": bool(source.get("enabled")),
        "modify_params": bool(source.get("modify_params")),
    }
    if source.get("excuted"):
        result["excuted"] = True
    result["manual_exec_users"] = [user(item) for item in source.get("manual_exec_users") or ()]
    for name in ("manual_exector_id", "manual_exector_name"):
        if source.get(name):
            result[name] = source[name]
    return result


def notify_ctl(source: Mapping[str, Any]) -> Json:
    """One notification setting; two deprecated leftovers are always written."""
    fixed = ("enabled", "webhook_type", "notify_type", "webhook_notify", "lark_at_users")
    result: Json = {
        "enabled": bool(source.get("enabled")),
        "webhook_type": source.get("webhook_type") or "",
    }
    result.update({key: value for key, value in source.items() if key not in fixed and value})
    result["notify_type"] = list(source.get("notify_type") or ())
    result["webhook_notify"] = source.get("webhook_notify") or {"address": "", "token": ""}
    result["lark_at_users"] = list(source.get("lark_at_users") or ())
    return result
