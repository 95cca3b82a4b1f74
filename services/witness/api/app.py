"""The witness over HTTP: add-checkpoint for logs, the latest cosigned checkpoints for monitors."""

import asyncio
from collections.abc import Iterable

import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from services.witness.api.metrics import ANSWERS
from services.witness.cosign_checkpoint import CheckpointCosigner
from shared.errors import Unavailable
from shared.transparency.witness_protocol import (
    LARGEST_REQUEST_BYTES,
    TEXT_MEDIA_TYPE,
    format_answer,
    monitoring_path,
)

MOST_AT_ONCE = 64
"""Requests that may be read or judged at the same time; more are asked to come again."""

log = structlog.get_logger()


class _Endpoints:
    def __init__(self, cosigner: CheckpointCosigner, *, origins: Iterable[str], timeout_s: float) -> None:
        self._cosigner = cosigner
        self._by_path = {monitoring_path(origin): origin for origin in origins}
        self._timeout_s = timeout_s
        self._under_way = 0

    async def add_checkpoint(self, request: Request) -> Response:
        if self._under_way >= MOST_AT_ONCE:
            return _text(503, "too many at once")
        self._under_way += 1
        try:
            return await self._add_checkpoint(request)
        finally:
            self._under_way -= 1

    async def _add_checkpoint(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(self._timeout_s):
                body = await _read(request)
        except TimeoutError:
            return _text(408, "the request took too long to arrive")
        except ClientDisconnect:
            return _text(400, "the caller went away")
        if body is None:
            return _text(413, "the request is too large")
        try:
            answer = await asyncio.to_thread(self._cosigner.answer, body)
        except Unavailable as error:
            log.error("not_cosigned", detail=error.detail)
            return _text(503, "nothing can be kept at the moment")
        ANSWERS.labels(answer.status.name.lower()).inc()
        media_type, content = format_answer(answer)
        return Response(content, status_code=answer.status.value, headers={"content-type": media_type})

    async def checkpoint(self, request: Request) -> Response:
        origin = self._by_path.get(request.url.path.lstrip("/"))
        if origin is None:
            return _text(404, "no such log is watched")
        try:
            note = await asyncio.to_thread(self._cosigner.latest_note, origin)
        except Unavailable as error:
            log.error("not_read", detail=error.detail)
            return _text(503, "nothing can be read at the moment")
        if note is None:
            return _text(404, "nothing has been cosigned yet")
        return Response(note, headers={"content-type": TEXT_MEDIA_TYPE, "cache-control": "no-store"})


def make_app(cosigner: CheckpointCosigner, *, origins: Iterable[str], timeout_s: float) -> Starlette:
    """Return the application. Every answer is small, and none holds what was sent."""
    endpoints = _Endpoints(cosigner, origins=origins, timeout_s=timeout_s)
    return Starlette(
        routes=[
            Route("/add-checkpoint", endpoints.add_checkpoint, methods=["POST"]),
            Route("/{log}/checkpoint", endpoints.checkpoint, methods=["GET"]),
        ]
    )


async def _read(request: Request) -> bytes | None:
    parts: list[bytes] = []
    size_bytes = 0
    async for part in request.stream():
        size_bytes += len(part)
        if size_bytes > LARGEST_REQUEST_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def _text(status: int, text: str) -> Response:
    return Response(f"{text}\n", status_code=status, headers={"content-type": TEXT_MEDIA_TYPE})
