"""TCP ports of the loopback interface that nobody uses."""

import contextlib
import secrets
import socket
from collections.abc import Collection

from shared.errors import Unavailable

LOOPBACK = "127.0.0.1"
PORTS = range(16_384, 32_000)
"""Below the range that outgoing connections take theirs from, so that none of them comes in between."""


def free_port(*, in_a_row: int = 1, other_than: Collection[int] = ()) -> int:
    """Return a port from which on so many in a row are free at this moment.

    Somebody else may take one before it is used: check, and ask again.
    """
    while True:
        ports = range(first := secrets.choice(PORTS), first + in_a_row)
        if set(ports).isdisjoint(other_than) and _all_free(ports):
            return first


def is_free(port: int) -> bool:
    """Say whether a server could listen on ``port`` now. Connections that only linger do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def check_free(port: int) -> None:
    """Raise Unavailable when somebody listens on a port: said before anything is started."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if probe.connect_ex((LOOPBACK, port)) == 0:
            raise Unavailable(
                f"port {port} is in use by another program",
                remedy="Stop it, or choose another: GATEWAY_PORT=… make run",
            )


def _all_free(ports: range) -> bool:
    """Say whether all of them can be bound at once, by a program that asks for no leniency."""
    with contextlib.ExitStack() as stack:
        try:
            for port in ports:
                stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM)).bind((LOOPBACK, port))
        except OSError:
            return False
    return True
