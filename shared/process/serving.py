"""Listening: one uvicorn server for each address, each telling the application by which door a request came."""

import asyncio
import contextlib
import os
import signal
import socket
import ssl
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.errors import Unavailable
from shared.process.address import TlsAddress, TlsFiles, UnixAddress
from shared.process.logs import fault

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class HttpAddress:
    """A host and port that answers plain HTTP: for the public side, behind whatever terminates TLS."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Door:
    """An address to listen on, and the name of the caller that comes through it.

    A Unix door is open to whom the file system lets in; a TLS door only to certificates of ``tls.peer_authority``.
    """

    caller: str
    address: UnixAddress | TlsAddress | HttpAddress
    tls: TlsFiles | None = None


class _Announced:
    """Passes requests on with the door's caller in the scope's state.

    What the application raises ends here: the server would put its text, which may quote what was sent, into the log.
    One that has not been answered by then is answered 500 by the server.
    """

    def __init__(self, app: ASGIApp, caller: str) -> None:
        self._app = app
        self._caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["caller"] = self._caller
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            log.error("request_failed", door=self._caller, **fault(error))


class _Server(uvicorn.Server):
    """A server that leaves signals to the process that owns it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGTERM or SIGINT sets. Call it inside the running loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def serve(app: ASGIApp, doors: Sequence[Door], *, stop: asyncio.Event, grace_s: int = 10) -> None:
    """Answer at every door until ``stop`` is set; requests under way get ``grace_s`` seconds to finish.

    Raises Unavailable when an address is taken, and RuntimeError when a server ends although nobody asked it to.
    """
    servers: list[_Server] = []
    running: list[asyncio.Task[None]] = []
    for door in doors:
        config = uvicorn.Config(
            _Announced(app, door.caller),
            loop="uvloop",
            http="httptools",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=grace_s,
            timeout_keep_alive=75,
        )
        if isinstance(door.address, TlsAddress):
            if door.tls is None:
                raise RuntimeError("a TLS door needs its certificate files")
            config.ssl_certfile = str(door.tls.certificate)
            config.ssl_keyfile = str(door.tls.private_key)
            config.ssl_ca_certs = str(door.tls.peer_authority)
            config.ssl_cert_reqs = ssl.CERT_REQUIRED
        server = _Server(config)
        servers.append(server)
        running.append(asyncio.create_task(server.serve(sockets=[_listen(door)]), name=f"door {door.caller}"))
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([stopping, *running], return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*running)
    if stopping not in done:
        stopping.cancel()
        raise RuntimeError("a server ended by itself")


def _listen(door: Door) -> socket.socket:
    if isinstance(door.address, UnixAddress):
        listening = _listen_at(door.address.path)
    else:
        family = socket.AF_INET6 if ":" in door.address.host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((door.address.host, door.address.port))
        except OSError as error:
            listening.close()
            raise Unavailable(
                f"port {door.address.port} of {door.address.host} cannot be listened on: {error.strerror}",
                remedy="Stop what uses it, or choose another port in the settings (GATEWAY_PORT for agencies).",
            ) from error
    listening.listen(2048)
    listening.setblocking(False)
    return listening


def _listen_at(path: Path) -> socket.socket:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and not path.is_socket():
        # A door that was set to some other file by mistake, a key perhaps, takes nothing away.
        raise Unavailable(
            f"the socket {path.name} cannot be listened on: what is there is no socket",
            remedy="Choose another path in the settings.",
        )
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    previous = os.umask(0o177)
    try:
        # A socket file left by a process that was killed would refuse the bind; a live one is found by connecting.
        if path.exists():
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                try:
                    probe.connect(str(path))
                except ConnectionRefusedError:
                    path.unlink()
        listening.bind(str(path))
    except OSError as error:
        listening.close()
        raise Unavailable(
            f"the socket {path.name} cannot be listened on: {error.strerror}",
            remedy="Stop the process that listens there, or choose another path in the settings.",
        ) from error
    finally:
        os.umask(previous)
    return listening
