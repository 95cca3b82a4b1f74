"""Looking names up, so that one whose servers do not answer holds up no other."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Sequence

from aiohttp.abc import AbstractResolver, ResolveResult

SHARE_OF_THE_TIME = 0.8
"""How much of a push's time its lookup may take: what takes longer was not sent, and is not said to have been."""

Found = Sequence[tuple[int, int, int, str, tuple[str | int, ...]]]
LookUp = Callable[[str, int, socket.AddressFamily], Found]


class NameNotFound(OSError):
    """A name was not looked up in its time."""


def look_up(host: str, port: int, family: socket.AddressFamily) -> Found:
    """Return the addresses of a host. Waits for as long as the system's resolver does; raises OSError."""
    return socket.getaddrinfo(  # type: ignore[return-value]
        host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG
    )


class NameResolver(AbstractResolver):
    """Looks names up, each in a thread of its own, and never the same twice at once.

    The event loop's own lookups share a few threads among all names, so that two dead ones would stop the rest. A
    lookup cannot be ended from outside: one that takes too long is given up, and goes on for whoever asks again.
    """

    def __init__(self, *, check: Callable[[str], None], timeout_s: float, look_up: LookUp = look_up) -> None:
        self._check = check
        self._timeout_s = timeout_s * SHARE_OF_THE_TIME
        self._look_up = look_up
        self._under_way: dict[tuple[str, int, int], asyncio.Future[Found]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return a host's addresses, each checked. Raises OSError, and what the check raises."""
        asked = (host, port, int(family))
        under_way = self._under_way.get(asked)
        if under_way is None:
            under_way = self._under_way[asked] = self._begin(host, port, family)
            under_way.add_done_callback(lambda _: self._under_way.pop(asked))
        try:
            found = await asyncio.wait_for(asyncio.shield(under_way), self._timeout_s)
        except TimeoutError as error:
            raise NameNotFound("a name was not looked up in its time") from error
        return [self._checked(host, port, each) for each in found]

    async def close(self) -> None:
        """Leave what is under way to itself: its threads end no later than the process."""
        return

    def _begin(self, host: str, port: int, family: socket.AddressFamily) -> "asyncio.Future[Found]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Found] = loop.create_future()

        def found(result: Found | OSError) -> None:
            if future.done():
                return
            if isinstance(result, OSError):
                future.set_exception(result)
                # That nobody waits for it any more is no fault.
                future.exception()
            else:
                future.set_result(result)

        def run() -> None:
            result: Found | OSError
            try:
                result = self._look_up(host, port, family)
            except OSError as error:
                result = error
            except Exception as error:
                # Whatever it is, whoever waits must hear of it: else the name would count as being looked up for ever.
                result = NameNotFound(type(error).__name__)
            # The loop may have ended meanwhile.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(found, result)

        try:
            threading.Thread(target=run, name="name-lookup", daemon=True).start()
        except RuntimeError:
            found(NameNotFound("there is no thread left to look a name up in"))
        return future

    def _checked(self, host: str, port: int, found: tuple[int, int, int, str, tuple[str | int, ...]]) -> ResolveResult:
        family, _, protocol, _, address = found
        self._check(str(address[0]))
        return ResolveResult(
            hostname=host,
            host=str(address[0]),
            port=port,
            family=family,
            proto=protocol,
            flags=socket.AI_NUMERICHOST,
        )
