"""Sockets notice a dead peer."""

import socket

import pytest

from zadig_async.transport.sockets import probing_socket

ADDRESS = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", 1))


def test_keep_alive_probes_are_on() -> None:
    with probing_socket(ADDRESS) as made:
        assert made.family is socket.AF_INET
        assert made.type is socket.SOCK_STREAM
        assert made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 60_000)],
)
def test_dead_peers_are_noticed_within_a_minute(name: str, value: int) -> None:
    option = getattr(socket, name, None)
    if option is None:
        pytest.skip(f"this platform has no {name}")
    with probing_socket(ADDRESS) as made:
        assert made.getsockopt(socket.IPPROTO_TCP, option) == value


def test_no_socket_is_lost_when_an_option_is_refused() -> None:
    # A datagram socket has no TCP options. A socket left open would be a ResourceWarning, hence an error.
    with pytest.raises(OSError, match="not"):
        probing_socket((socket.AF_INET, socket.SOCK_DGRAM, 0, "", ("127.0.0.1", 1)))
