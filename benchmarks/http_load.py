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


async def load_at(port: int, requests: Sequence[bytes], *, per_s: float, expect: int = 201) -> list[float]:
    """Send requests evenly, so many a second whatever becomes of them, and return the seconds that each took.

    Each is counted from when it was due, not from when a connection was free for it: who asks does not wait for those
    before. Raises UnexpectedAnswer like ``load``.
    """
    loop = asyncio.get_running_loop()
    waiting = iter(requests)
    first_due, count = loop.time(), 0
    took_s: list[float] = []

    async def send() -> None:
        nonlocal count
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for request in waiting:
                due, count = first_due + count / per_s, count + 1
                await asyncio.sleep(due - loop.time())
                await _exchange(reader, writer, request, b"%d" % expect)
                took_s.append(loop.time() - due)
        finally:
            writer.close()

    await asyncio.gather(*(send() for _ in range(CONNECTIONS)))
    return took_s


async def _connection(port: int, waiting: list[bytes], expect: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while waiting:
            await _exchange(reader, writer, waiting.pop(), expect)
    finally:
        writer.close()


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, expect: bytes) -> None:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    lowered = head.lower()
    start = lowered.index(b"content-length: ") + 16
    body = await reader.readexactly(int(lowered[start : lowered.index(b"\r\n", start)]))
    if head.split(b" ", 2)[1] != expect:
        raise UnexpectedAnswer(body[:300].decode("utf-8", "replace"))


def request_bytes(path: str, *, host: str, headers: dict[str, str], body: bytes) -> bytes:
    """Return a POST as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", f"host: {host}", f"content-length: {len(body)}"]
    lines.extend(f"{name}: {value}" for name, value in headers.items())
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body
