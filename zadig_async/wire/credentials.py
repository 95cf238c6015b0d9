"""The credentials a task detail holds in clear, so that they can be masked where they turn up again.

Zadig marks what is one with `is_credential`, spelled so in JSON and in specs that are sent as they are stored
(BSON): variables of workflows, triggers, plugins and patches (Zadig v4.1.0 .../models/workflow_v4.go:1586),
environment variables of builds, tests and scans (.../models/build.go:224, inlined at :263), variables of
deployments (.../models/workflow_v4.go:592). Their values stand under `value`, `default` and `choice_value`. A
scan's Sonar token is such a variable too (.../controller/job/job_scanning.go:748).

Others are known by their key alone:

    oauth_token, password, ssh_key, private_access_token   repositories, pkg/types/repo.go:52-69
    tapd_client_secret, pingcode_client_secret             .../models/wokflow_task_v4.go:518, 538
    password, access_key_secret                            Nacos, pkg/tool/nacos/types.go:16, 22
    token, hook_address                                    notifications, .../models/workflow_v4.go:1214-1242
    sonar_token, secret_key                                steps, which v4.1 does not send, pkg/types/step

The server masks some of them in logs itself, but no value with an equals sign in it, and in the output of
scripts and checkouts only (pkg/util/variables.go:26).
"""

from collections.abc import Mapping
from typing import Final

from zadig_async.model.secret import Secret

_FLAG: Final = "is_credential"
_VALUES: Final = frozenset({"value", "default", "choice_value"})
_ALWAYS: Final = frozenset(
    {
        "access_key_secret",
        "hook_address",
        "oauth_token",
        "password",
        "pingcode_client_secret",
        "private_access_token",
        "secret_key",
        "sonar_token",
        "ssh_key",
        "tapd_client_secret",
        "token",
    }
)


def credentials(document: object) -> tuple[Secret, ...]:
    """Return every credential of a parsed task detail, or of any part of it.

    Takes what JSON can hold, in whatever shape, to any depth. Empty texts are left out, and so is what is no
    text.

    Returns:
        The values, each once.
    """
    found: dict[str, None] = {}
    # Our own stack, as a document may be nested more deeply than Python calls may be.
    todo: list[tuple[object, bool]] = [(document, False)]
    while todo:
        item, secret = todo.pop()
        if isinstance(item, str):
            if secret and item:
                found[item] = None
        elif isinstance(item, (list, tuple)):
            todo += [(value, secret) for value in item]
        elif isinstance(item, Mapping):
            flagged = item.get(_FLAG) is True
            for key, value in item.items():
                if secret or (flagged and key in _VALUES) or (key in _ALWAYS and isinstance(value, str)):
                    todo.append((value, True))
                elif not isinstance(value, str):  # texts are most of a document
                    todo.append((value, False))
    return tuple(map(Secret, found))
