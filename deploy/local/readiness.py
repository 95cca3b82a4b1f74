"""How a supervisor finds out that a child is ready to work."""

import asyncio
import http.client
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import aiohttp

ReadinessCheck = Callable[[], Awaitable[bool]]
"""Says whether the child is ready now. Never raises because it is not."""

_ANSWER_WITHIN_S = 2.0


def url_answers(url: str, *, unix_socket: Path | None = None) -> ReadinessCheck:
    """Return a check that is content once a GET of ``url`` gives 200, over ``unix_socket`` where one is named."""

    async def check() -> bool:
        connector = aiohttp.TCPConnector() if unix_socket is None else aiohttp.UnixConnector(path=str(unix_socket))
        timeout = aiohttp.ClientTimeout(total=_ANSWER_WITHIN_S)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            try:
                async with session.get(url, allow_redirects=False) as response:
                    return response.status == http.client.OK
            except (aiohttp.ClientError, TimeoutError, OSError):
                return False

    return check


def socket_accepts(path: Path) -> ReadinessCheck:
    """Return a check that is content once somebody takes connections on the Unix socket at ``path``."""

    async def check() -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_ANSWER_WITHIN_S):
                    await asyncio.get_running_loop().sock_connect(probe, str(path))
                return True
        return False

    return check


def port_accepts(port: int) -> ReadinessCheck:
    """Return a check that is content once somebody takes connections on a loopback port."""

    async def check() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_ANSWER_WITHIN_S):
                    await asyncio.get_running_loop().sock_connect(probe, ("127.0.0.1", port))
                return True
        return False

    return check
