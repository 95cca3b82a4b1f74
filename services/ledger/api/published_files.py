"""Plain HTTP reads of what is published, at the auditor's door: strangers' tools need nothing else."""

from starlette.types import ASGIApp, Receive, Scope, Send

from services.ledger.domain.callers import AUDITOR
from shared.errors import InvalidInput, NotFound
from shared.transparency.tile_source import TileSource

CHECKPOINT = "checkpoint"

_CHECKPOINT_HEADERS = ((b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-cache"))
_TILE_HEADERS = (
    (b"content-type", b"application/octet-stream"),
    (b"cache-control", b"public, max-age=31536000, immutable"),
)
_REFUSAL_HEADERS = ((b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store"))


class PublishedFilesApp:
    """Answers GET and HEAD of ``/checkpoint`` and ``/tile/…`` (C2SP tlog-tiles v0.1.0); all else goes on.

    A tile never changes, so that it may be kept for ever; the checkpoint is asked for anew each time.
    """

    def __init__(self, tiles: TileSource, *, otherwise: ASGIApp) -> None:
        self._tiles = tiles
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or scope["caller"] != AUDITOR:
            await self._otherwise(scope, receive, send)
            return
        path = scope["path"].removeprefix("/")
        try:
            body, status = await self._tiles.read(path), 200
            headers = _CHECKPOINT_HEADERS if path == CHECKPOINT else _TILE_HEADERS
        except (NotFound, InvalidInput) as refusal:
            status = 404 if isinstance(refusal, NotFound) else 400
            body, headers = refusal.detail.encode("utf-8"), _REFUSAL_HEADERS
        length = (b"content-length", str(len(body)).encode("ascii"))
        await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
