"""TCP ports of the loopback interface that nobody uses."""

import socket
from collections.abc import Collection

LOOPBACK = "127.0.0.1"


def free_port(*, other_than: Collection[int] = ()) -> int:
    """Return a port nobody listens on now. Somebody else may take it before it is used: check, and ask again."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((LOOPBACK, 0))
            port: int = probe.getsockname()[1]
        if port not in other_than:
            return port


def is_free(port: int) -> bool:
    """Say whether a server could listen on ``port`` now. Connections that only linger do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
