"""A look at a server from outside, without a token: name, connection, TLS, clock."""

import asyncio
import email.utils
import os
import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import attrs

from zadig_async.errors import ConnectError

_SECONDS: Final = 10.0
_LARGEST_HEAD: Final = 64 * 1024


@attrs.frozen(kw_only=True)
class Probe:
    """What one connection told.

    Attributes:
        address: IP address that answered.
        tls: TLS version, empty for plain HTTP.
        certificate_ends: Until when the server's certificate is valid, or None.
        skew: Seconds our clock is ahead of the server's, give or take one; None where it did not say.
    """

    address: str
    tls: str = ""
    certificate_ends: datetime | None = None
    skew: float | None = None


async def probe(url: str, ca_file: Path | None = None) -> Probe:
    """Connect to a server and ask for the head of its start page.

    Raises:
        ConnectError: No connection, or TLS failed; says which.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    secure = parts.scheme == "https"
    context = ssl.create_default_context(cafile=ca_file) if secure else None
    failure: ConnectError
    try:
        async with asyncio.timeout(_SECONDS):
            reader, writer = await asyncio.open_connection(
                host, parts.port or (443 if secure else 80), ssl=context, limit=_LARGEST_HEAD
            )
    except TimeoutError:
        failure = ConnectError(f"no connection to {parts.netloc} within {_SECONDS:g} s")
    except ssl.SSLCertVerificationError as error:
        failure = ConnectError(
            f"the certificate of {parts.netloc} is not trusted: {error.verify_message}",
            hint="Check the host name; for a private authority give its PEM file with --ca-file.",
        )
    except ssl.SSLError as error:
        failure = ConnectError(f"TLS with {parts.netloc} failed: {error.reason or 'handshake failed'}")
    except socket.gaierror as error:
        failure = ConnectError(f"the name {host} was not found: {error.strerror}")
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "the connection was refused"
        failure = ConnectError(f"no connection to {parts.netloc}: {reason}")
    else:
        try:
            return await _look(reader, writer, f"{parts.path or '/'}", parts.netloc)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
    raise failure


async def _look(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, netloc: str) -> Probe:
    peer = writer.get_extra_info("peername")
    secured = writer.get_extra_info("ssl_object")
    certificate = secured.getpeercert() if secured is not None else None
    ends = None
    if certificate:
        ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    return Probe(
        address=str(peer[0]) if peer else "",
        tls=secured.version() if secured is not None else "",
        certificate_ends=ends,
        skew=await _skew(reader, writer, path, netloc),
    )


async def _skew(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, netloc: str
) -> float | None:
    writer.write(f"HEAD {path} HTTP/1.1\r\nHost: {netloc}\r\nConnection: close\r\n\r\n".encode("ascii"))
    try:
        async with asyncio.timeout(_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
    except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"date":
            with suppress(ValueError, TypeError):
                told = email.utils.parsedate_to_datetime(value.decode("ascii", "replace").strip())
                return (datetime.now(UTC) - told).total_seconds()
    return None
