"""A lean HTTP load generator: requests made beforehand, sent over kept-alive connections, every answer checked."""

import asyncio
import time
from collections.abc import Sequence

CONNECTIONS = 32


class UnexpectedAnswer(Exception):
    """An answer was not the one that was to be measured."""


async def load(port: int, requests: Sequence[bytes], *, expect: int = 201) -> float:
    """Send all requests over CONNECTIONS connections to a loopback port and return answers per second.

    Raises UnexpectedAnswer at the first answer of another status: a refusal is quick, and must not count.
    """
    waiting = list(reversed(requests))
    started = time.perf_counter()
    await asyncio.gather(*(_connection(port, waiting, b"%d" % expect) for _ in range(CONNECTIONS)))
    return len(requests) / (time.perf_counter() - started)


async def _connection(port: int, waiting: list[bytes], expect: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while waiting:
            writer.write(waiting.pop())
            head = await reader.readuntil(b"\r\n\r\n")
            lowered = head.lower()
            start = lowered.index(b"content-length: ") + 16
            body = await reader.readexactly(int(lowered[start : lowered.index(b"\r\n", start)]))
            if head.split(b" ", 2)[1] != expect:
                raise UnexpectedAnswer(body[:300].decode("utf-8", "replace"))
    finally:
        writer.close()


def request_bytes(path: str, *, host: str, headers: dict[str, str], body: bytes) -> bytes:
    """Return a POST as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", f"host: {host}", f"content-length: {len(body)}"]
    lines.extend(f"{name}: {value}" for name, value in headers.items())
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body
