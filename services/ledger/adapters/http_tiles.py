"""A log's static files over HTTP, as any C2SP log serves them."""

from types import TracebackType
from typing import Self

import aiohttp

from shared.errors import InvalidInput, NotFound, NotPermitted, Unavailable
from shared.transparency.tiles import LARGEST_ENTRY_BYTES, TILE_WIDTH, parse_tile_path

LARGEST_FILE_BYTES = TILE_WIDTH * (2 + LARGEST_ENTRY_BYTES)
TIMEOUT_S = 30.0
FORBIDDEN = (401, 403)

REMEDY = (
    "Name the folder that holds the published file `checkpoint`; where the URL is a gateway's, give --key too, an "
    "auditor's private key."
)


class HttpTiles:
    """Reads below a URL prefix. Follows no redirect and takes no more than a full entry bundle can hold."""

    def __init__(self, prefix: str) -> None:
        if not prefix.startswith(("https://", "http://")):
            raise InvalidInput("a log's URL begins with https:// (or http:// on one machine)")
        self._prefix = prefix.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def read(self, path: str) -> bytes:
        """Return the bytes at a path below the prefix, unverified.

        Raises NotFound, NotPermitted, InvalidInput or Unavailable.
        """
        if path != "checkpoint":
            parse_tile_path(path)
        if self._session is None:
            raise Unavailable("the log's files are read only while they are held open")
        try:
            async with self._session.get(f"{self._prefix}/{path}", allow_redirects=False) as answer:
                if answer.status == 404:
                    raise NotFound(f"the log's files lack {path}", remedy=REMEDY)
                if answer.status in FORBIDDEN:
                    raise NotPermitted(f"the log's server answers {answer.status} for {path}", remedy=REMEDY)
                if answer.status != 200:
                    raise Unavailable(f"the log's server answers {answer.status} for {path}")
                data = await answer.content.read(LARGEST_FILE_BYTES + 1)
                while more := await answer.content.read(LARGEST_FILE_BYTES + 1 - len(data)):
                    data += more
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable("the log's server does not answer") from error
        if len(data) > LARGEST_FILE_BYTES:
            raise InvalidInput(f"the log's {path} is larger than any file of a log")
        return data
