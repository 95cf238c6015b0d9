"""The golden files: what a Zadig server says, as replies to read. See `tests/golden/README.md`."""

import json
from pathlib import Path
from typing import Any, Final

from zadig_async.wire.call import Reply

GOLDEN: Final = Path(__file__).parent.parent / "golden"
PAGE: Final = GOLDEN / "official-page"
JSON_TYPE: Final = "application/json; charset=utf-8"


def names(folder: Path, pattern: str = "*.json") -> list[str]:
    """Name the golden files of a folder."""
    return sorted(path.name for path in folder.glob(pattern))


def value(name: str, folder: Path = GOLDEN) -> Any:
    """Return the JSON value in a golden file."""
    return json.loads((folder / name).read_bytes())


def body(name: str, folder: Path = GOLDEN) -> bytes:
    """Return the body a golden file holds, compact as Go writes it."""
    return go_json(value(name, folder))


def go_json(document: Any) -> bytes:
    """Write a JSON value with the escapes of Go's encoder."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.translate({ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}).encode()


def reply(name: str, folder: Path = GOLDEN) -> Reply:
    """Return the reply a golden file describes: a whole exchange, or the body of a 200."""
    if not name.endswith(".json"):
        return Reply(200, {"content-type": "text/plain; charset=utf-8"}, (folder / name).read_bytes())
    document = value(name, folder)
    if not isinstance(document, dict) or "_meta" not in document:
        return Reply(200, {"content-type": JSON_TYPE}, go_json(document))
    headers = {field.lower(): text for field, text in document["headers"].items()}
    content = document["body"]
    return Reply(
        document["status"], headers, content.encode() if isinstance(content, str) else go_json(content)
    )
