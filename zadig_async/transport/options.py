"""What a carrier is told: where the server is, how long to wait for it, how much to do at once.

Everything is checked when the value is made, before there is a socket, and no message shows the token
or any part of a URL that could hold a credential.
"""

import ipaddress
import re
import ssl
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import attrs

from zadig_async.errors import ConfigError
from zadig_async.model.secret import Secret

_PATH: Final = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:%-]+)*")
_LABEL: Final = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")


_EXAMPLES: Final = MappingProxyType({"url": "https://zadig.example.com", "proxy": "http://proxy:3128"})


def _is_host(host: str) -> bool:
    if ":" not in host:
        return len(host) <= 254 and _HOST.fullmatch(host) is not None
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return "%" not in host


def _split(name: str, value: str) -> SplitResult:
    """Split a URL into parts, refusing all that is not plainly `scheme://host[:port][/path]`."""
    if not value.isascii() or not value.isprintable() or " " in value or "\\" in value:
        raise ConfigError(
            f"{name}: it holds a space, a backslash, a control or a non-ASCII character",
            hint="Write the URL as in a browser's address bar; write an international name as xn--...",
        )
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ConfigError(
            f"{name}: the host or the port cannot be read", hint="Use https://host or https://host:port."
        ) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(
            f"{name}: it must start with https:// or http:// and name a host",
            hint=f"Example: {_EXAMPLES[name]}",
        )
    if "@" in parts.netloc:
        raise ConfigError(
            f"{name}: a user name or password in the URL is not accepted", hint="Remove what is before the @."
        )
    if "?" in value or "#" in value:
        raise ConfigError(
            f"{name}: a query or fragment is not accepted", hint="Remove what follows the ? or the #."
        )
    if port == 0 or parts.netloc.endswith(":"):
        raise ConfigError(f"{name}: the port is missing or 0", hint="Name the port, or remove the colon.")
    if not _is_host(parts.hostname):
        raise ConfigError(f"{name}: the host name holds a character that no host name has")
    return parts


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _server_url(value: str) -> str:
    parts = _split("url", value)
    host = parts.hostname or ""
    if parts.scheme == "http" and not _is_loopback(host):
        raise ConfigError(
            f"url: http to {host} would send the token in clear",
            hint="Use https://; plain http is accepted for this machine only (localhost, 127.0.0.1, ::1).",
        )
    path = parts.path.rstrip("/")
    if not _PATH.fullmatch(path) or any(segment in {".", ".."} for segment in path.split("/")):
        raise ConfigError(
            "url: the path cannot be used as a prefix",
            hint="Give the address under which the Zadig portal opens, such as https://host or https://host/zadig.",
        )
    return f"{parts.scheme}://{parts.netloc}{path}"


def _proxy_url(value: str | None) -> str | None:
    if value is None:
        return None
    parts = _split("proxy", value)
    if parts.path not in {"", "/"}:
        raise ConfigError("proxy: a path is not accepted", hint="Use http://host:port.")
    return f"{parts.scheme}://{parts.netloc}"


def _check_token(_owner: object, _field: object, token: Secret) -> None:
    value = token.reveal()
    problem = ""
    if not value:
        problem = "it is empty"
    elif value[:7].lower() == "bearer " or value.lower() == "bearer":
        problem = "it begins with 'Bearer', which is added when it is sent"
    elif not value.isascii():
        problem = "it holds a character that is not ASCII"
    elif any(character.isspace() for character in value):
        problem = "it holds white space or a line break"
    elif not value.isprintable():
        problem = "it holds a control character"
    if problem:
        raise ConfigError(
            f"token: {problem}",
            hint="Copy the API token again from the account page in Zadig: it is one word.",
        )


def _check_ca_file(_owner: object, _field: object, path: Path | None) -> None:
    if path is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except OSError as error:
        # ssl.SSLError is an OSError too: the file is there, and is no list of certificates.
        what = "it is not a PEM file with certificates" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigError(
            f"ca_file: {path}: {what}", hint="Give the PEM file of the authority that signed the server."
        ) from None


def _check_user_agent(_owner: object, _field: object, value: str) -> None:
    if not value.strip() or not value.isascii() or not value.isprintable():
        raise ConfigError("user_agent: it must be a line of printable ASCII")


def _check_positive(_owner: object, field: "attrs.Attribute[Any]", value: float | None) -> None:
    if value is not None and not 0 < value < float("inf"):
        raise ConfigError(f"{field.name}: expected a number above 0, got {value}")


def _check_proxy(owner: "Connection", _field: object, proxy: str | None) -> None:
    if proxy is None or owner.url.startswith("https:"):
        return
    if not _is_loopback(urlsplit(proxy).hostname or ""):
        raise ConfigError(
            "proxy: for a plain http URL it would get the token in clear",
            hint="Leave the proxy out: the server is on this machine.",
        )


@attrs.frozen
class Connection:
    """Where the server is, who we are, and whom to trust.

    Attributes:
        url: Address under which the Zadig portal opens, with a path prefix if it has one. `https`, or
            `http` to this very machine.
        token: API token, one word without `Bearer`.
        ca_file: PEM file of certificate authorities to trust instead of the system's. TLS is always
            verified; this is the way to reach a server with a private certificate.
        proxy: HTTP proxy such as `http://proxy:3128`, without user and password. None: no proxy, whatever
            the environment says.
        user_agent: How we introduce ourselves.

    Raises:
        ConfigError: A value cannot be used; says how to mend it, and never shows the token.
    """

    url: str = attrs.field(converter=_server_url)
    token: Secret = attrs.field(validator=_check_token)
    ca_file: Path | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(Path), validator=_check_ca_file
    )
    proxy: str | None = attrs.field(default=None, kw_only=True, converter=_proxy_url, validator=_check_proxy)
    user_agent: str = attrs.field(default="zadig-async", kw_only=True, validator=_check_user_agent)


@attrs.frozen(kw_only=True)
class Timeouts:
    """How long to wait for one attempt, in seconds.

    Waiting for a free connection of our own pool is not counted: every holder of one is bounded.

    Attributes:
        connect: DNS, TCP and TLS together.
        poll_total: A whole read, from connecting to the last byte: neither a silent nor a dripping server
            can hold it longer.
        write_total: A whole write, or a whole download. Long, because Zadig asks code hosts before it
            answers a trigger, and a write that we give up on is one whose outcome we do not know.
        read: Longest silence of the server within a download.
        stream_open: Until a stream's headers come. Zadig sends none before the first line, and waits up
            to 5 minutes for the pod (Zadig v4.1.0 service/log/service/sse.go:47).
        stream_read: Longest silence of an open stream, or None where the caller watches over it: Zadig
            sends no heartbeat, so a quiet build looks the same as a dead peer.
    """

    connect: float = attrs.field(default=10.0, validator=_check_positive)
    poll_total: float = attrs.field(default=60.0, validator=_check_positive)
    write_total: float = attrs.field(default=180.0, validator=_check_positive)
    read: float = attrs.field(default=30.0, validator=_check_positive)
    stream_open: float = attrs.field(default=330.0, validator=_check_positive)
    stream_read: float | None = attrs.field(default=None, validator=_check_positive)


@attrs.frozen(kw_only=True)
class Limits:
    """How many connections of each kind may be open at once.

    Attributes:
        write: Changes in flight; further ones wait their turn.
        poll: Reads in flight; further ones wait their turn.
        stream: Open streams; further ones are refused with `ConnectError`, because a stream may last for
            hours and a queue behind it would look like a hang.
    """

    write: int = attrs.field(default=4, validator=_check_positive)
    poll: int = attrs.field(default=16, validator=_check_positive)
    stream: int = attrs.field(default=512, validator=_check_positive)
