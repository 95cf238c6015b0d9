"""Digests: how a journal recognises again what it must not hold."""

import json
import secrets
import time
from hashlib import blake2b
from typing import Any, Final

_SIZE: Final = 16
_MILLISECONDS: Final = 1000


def new_run_id() -> str:
    """Return an id for a run, 32 hexadecimal digits, which sort by the time they were made."""
    return f"{int(time.time() * _MILLISECONDS):012x}{secrets.token_hex(10)}"


def digest(salt: str, value: Any) -> str:
    """Return a digest of a JSON value, in hexadecimal.

    It hides a value no better than the value is hard to guess, since the salt stands beside it: it keeps
    secrets out of files and screens, and is no reason to show a journal around.

    Args:
        salt: Makes equal values of different runs look different; the run's id.
        value: Anything JSON can write; the order of keys does not matter.
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return blake2b(
        text.encode("utf-8", "surrogatepass"), key=salt.encode()[:64], digest_size=_SIZE
    ).hexdigest()
