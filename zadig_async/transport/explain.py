"""`explain`: what aiohttp raised, in our own words; the other half of the border that `transport.http` is.

aiohttp's exceptions carry request headers in `args` and `repr`, the token among them, and their text may
hold a URL. So nothing they say is passed on, only their class and what the operating system or OpenSSL
calls the reason.
"""

import errno
import os
import re
import socket
import ssl
from typing import Final

import aiohttp

from zadig_async.errors import ConnectError, DeadlineError, TransportError
from zadig_async.wire.call import AnyCall

BROKEN: Final = (aiohttp.ClientError, aiohttp.http.HttpProcessingError, OSError)
"""All that aiohttp raises about a connection or an answer; `TimeoutError` is an `OSError`."""

_NETWORK: Final = frozenset(
    {
        errno.ECONNABORTED,
        errno.ECONNRESET,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EPIPE,
        errno.ETIMEDOUT,
    }
)

_CONSTANT: Final = re.compile(r"[A-Z0-9_]+")

_CA_HINT: Final = (
    "Check the host name in the URL; for a private certificate authority give its PEM file as ca_file."
)
_REFUSED_HINT: Final = "Check host and port in the URL, and that the server and its gateway are running."
_PROXY_HINT: Final = "Check the proxy option."
_FILES_HINT: Final = "Raise the limit of open files (ulimit -n), or follow fewer logs at once."


class Unrepeated(aiohttp.ClientError):
    """A lost connection, in a form that aiohttp does not answer by sending the request again."""

    def __init__(self, name: str, number: int | None) -> None:
        super().__init__()
        self.name = name
        self.number = number


def _system_reason(error: OSError) -> str:
    """Say why in the operating system's words, never in those of the exception."""
    number = error.errno
    if number is None:
        return ""
    if isinstance(error, aiohttp.ClientConnectorDNSError) and isinstance(error.os_error, socket.gaierror):
        # The numbers of the resolver are not those of errno.
        return {socket.EAI_NONAME: ": no such name", socket.EAI_AGAIN: ": no name server answers"}.get(
            number, ""
        )
    return f": {os.strerror(number)}" if number > 0 else ""


def _tls_reason(error: aiohttp.ClientSSLError) -> str:
    cause = (
        error.certificate_error
        if isinstance(error, aiohttp.ClientConnectorCertificateError)
        else error.os_error
    )
    # OpenSSL sets these two; an SSLError raised by Python code does not have them at all.
    if isinstance(cause, ssl.SSLCertVerificationError):
        return getattr(cause, "verify_message", "") or "the certificate was not accepted"
    reason = getattr(cause, "reason", None)
    # A constant such as WRONG_VERSION_NUMBER, or else some text we do not know.
    return reason if isinstance(reason, str) and _CONSTANT.fullmatch(reason) else "handshake failed"


def explain(error: BaseException, call: AnyCall, server: str) -> TransportError:
    """Turn what aiohttp raised into our error: `ConnectError` only where no byte can have left."""
    name = type(error).__name__
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return ConnectError(
            f"{call.label}: the name of {server} was not found{_system_reason(error)}", call=call.label
        )
    if isinstance(error, aiohttp.ClientSSLError):
        problem = f"TLS to {server} failed: {_tls_reason(error)}"
        return ConnectError(f"{call.label}: {problem} ({name})", call=call.label, hint=_CA_HINT)
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        problem = f"no connection to the proxy{_system_reason(error)}"
        return ConnectError(f"{call.label}: {problem} ({name})", call=call.label, hint=_PROXY_HINT)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        # The proxy refused to open the tunnel, so nothing went through it.
        problem = f"the proxy refused to connect to {server} with status {error.status}"
        return ConnectError(f"{call.label}: {problem}", call=call.label, hint=_PROXY_HINT)
    if isinstance(error, aiohttp.ClientConnectorError):
        hint = _FILES_HINT if error.errno in {errno.EMFILE, errno.ENFILE} else _REFUSED_HINT
        problem = f"no connection to {server}{_system_reason(error)}"
        return ConnectError(f"{call.label}: {problem} ({name})", call=call.label, hint=hint)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return ConnectError(f"{call.label}: no connection to {server} in time ({name})", call=call.label)
    if isinstance(error, aiohttp.SocketTimeoutError):
        return TransportError(f"{call.label}: {server} fell silent ({name})", call=call.label)
    if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ClientError) and error.errno is None:
        return DeadlineError(f"{call.label}: no whole answer from {server} in time", call=call.label)
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.http.HttpProcessingError):
        # Its status is made up by the parser (400 for garbage): nothing was received that we could trust.
        return TransportError(
            f"{call.label}: {server} sent something that is not HTTP ({name})", call=call.label
        )
    if isinstance(error, aiohttp.ClientPayloadError):
        return TransportError(f"{call.label}: {server} cut its answer short ({name})", call=call.label)
    if isinstance(error, Unrepeated):
        name, number = error.name, error.number
    else:
        number = error.errno if isinstance(error, OSError) else None
    # Only numbers that are the network's: TLS errors carry numbers of their own in the same place.
    reason = f": {os.strerror(number)}" if number in _NETWORK else ""
    return TransportError(
        f"{call.label}: the connection to {server} was lost{reason} ({name})", call=call.label
    )
