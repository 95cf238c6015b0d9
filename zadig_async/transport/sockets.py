"""Sockets that notice a dead peer: TCP keep-alive probes, and a bound on unacknowledged data."""

import socket
from typing import Any, Final

KEEPALIVE_IDLE: Final = 30
"""Seconds of silence before the first probe."""
KEEPALIVE_INTERVAL: Final = 10
"""Seconds between probes."""
KEEPALIVE_PROBES: Final = 3
"""Unanswered probes after which the connection is dead: noticed 60 s after the peer fell silent."""
USER_TIMEOUT_MS: Final = 60_000
"""Milliseconds that sent data may stay unacknowledged."""

# Not every platform has every option; Linux has all four, macOS and Windows have some.
_OPTIONS: Final = tuple(
    (getattr(socket, name), value)
    for name, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_IDLE),
        ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL),
        ("TCP_KEEPCNT", KEEPALIVE_PROBES),
        ("TCP_USER_TIMEOUT", USER_TIMEOUT_MS),
    )
    if hasattr(socket, name)
)


def probing_socket(address: tuple[Any, ...]) -> socket.socket:
    """Make an unconnected socket for one `getaddrinfo` row, with keep-alive probes on.

    Zadig sends no heartbeat on a log stream, so without probes a connection whose other end vanished
    (a lost NAT entry, a killed node) would be waited on for ever.

    Raises:
        OSError: No socket could be made, for example because no file descriptor is left.
    """
    family, kind, protocol = address[:3]
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _OPTIONS:
            made.setsockopt(socket.IPPROTO_TCP, option, value)
    except BaseException:
        made.close()
        raise
    return made
