"""`account_name`: whose token it is, as Zadig itself finds out.

An API token is a JSON Web Token, and Zadig takes the name it writes down as a task's creator from the claim
`name` (Zadig v4.1.0 pkg/shared/handler/base.go:95-131). Nothing is verified here: the server does that.
"""

import base64
import binascii
import json
from typing import Final

from zadig_async.model.secret import Secret

_PARTS: Final = 3
_LONGEST: Final = 200


def account_name(token: Secret) -> str:
    """Return the display name in a token, or an empty string where it names nobody."""
    parts = token.reveal().split(".")
    if len(parts) != _PARTS:
        return ""
    padded = parts[1] + "=" * (-len(parts[1]) % 4)
    try:
        claims = json.loads(base64.urlsafe_b64decode(padded))
    except (binascii.Error, ValueError, RecursionError):
        return ""
    name = claims.get("name") if isinstance(claims, dict) else None
    return name if isinstance(name, str) and len(name) <= _LONGEST else ""
