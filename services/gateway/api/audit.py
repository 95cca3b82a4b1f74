"""The auditors' routes: signed requests like everybody's, answered only to agencies with the role."""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import FastAPI, Request
from starlette.responses import Response

from services.gateway.admit_request import Admitted
from services.gateway.api.openapi import audit_operation, post_operation, schema_ref
from services.gateway.api.reading import RecordDecoder, idempotency_key
from services.gateway.api.signed_requests import JSON, Asked, Found, SignedRequests
from services.gateway.read_ledger import (
    LedgerReader,
    OpeningRecord,
    SignaturesRecord,
    check_auditor,
    signed_opening,
)
from shared.ledger.audit_messages import SignedOpening
from shared.signatures.message import RequestParts

NDJSON = "application/x-ndjson"
NOTE = "text/plain; charset=utf-8"
TILE = "application/octet-stream"

ROUTE = "audit"
"""By which name they are counted: all together."""

Query = Mapping[str, str]


class AuditApi:
    """The routes, over the use cases."""

    def __init__(self, *, signed: SignedRequests, reader: LedgerReader) -> None:
        self._signed = signed
        self._reader = reader
        self._openings = RecordDecoder(OpeningRecord)
        self._signatures = RecordDecoder(SignaturesRecord)

    async def get_checkpoint(self, request: Request) -> Response:
        """Return the published checkpoint with its cosignatures: keep it, to hold every later one against."""
        return await self._get(request, NOTE, lambda _: self._reader.checkpoint())

    async def get_tile(self, request: Request) -> Response:
        """Return a tile or an entry bundle (C2SP tlog-tiles)."""
        return await self._get(request, TILE, lambda _: self._reader.tile(f"tile/{request.path_params['path']}"))

    async def get_entries(self, request: Request) -> Response:
        """Return the entries after a position, one to a line."""
        return await self._get_page(request, registry_only=False)

    async def get_registry(self, request: Request) -> Response:
        """Return, of the entries after a position, those that register agencies, their keys and endpoints."""
        return await self._get_page(request, registry_only=True)

    async def get_who_knew(self, request: Request) -> Response:
        """Return who knew what about a child at a moment."""
        child = str(request.path_params["child"])
        return await self._get(
            request, JSON, lambda query: self._reader.who_knew(child, as_at=query.get("as_at")), "as_at"
        )

    async def post_opening(self, request: Request) -> Response:
        """Open one sealed section against a reason; the opening is an entry that other auditors see."""

        async def opened(body: bytes, signed: SignedOpening) -> bytes:
            return await self._reader.open(self._openings.decode(body), signed)

        return await self._post(request, opened)

    async def post_signatures(self, request: Request) -> Response:
        """Open a page of agencies' signatures for one run, which is one entry that other auditors see."""

        async def opened(body: bytes, signed: SignedOpening) -> bytes:
            return await self._reader.open_signatures(self._signatures.decode(body), signed)

        return await self._post(request, opened)

    async def _post(self, request: Request, opened: Callable[[bytes, SignedOpening], Awaitable[bytes]]) -> Response:
        async def handle(parts: RequestParts, body: bytes, admitted: Admitted) -> Found:
            check_auditor(admitted)
            signed = signed_opening(
                admitted,
                body=body,
                idempotency_key=idempotency_key(parts),
                target=parts.raw_target.decode("latin-1"),
            )
            return Found(await opened(body, signed), 201)

        return await self._signed.post(request, ROUTE, handle)

    async def _get_page(self, request: Request, *, registry_only: bool) -> Response:
        async def read(query: Query) -> bytes:
            after, limit = query.get("after", "-1"), query.get("limit", "500")
            return await self._reader.entries(after=after, limit=limit, registry_only=registry_only)

        return await self._get(request, NDJSON, read, "after", "limit")

    async def _get(
        self, request: Request, media_type: str, read: Callable[[Query], Awaitable[bytes]], *taken: str
    ) -> Response:
        async def as_auditor(asked: Asked) -> bytes:
            check_auditor(asked.admitted)
            return await read(asked.query)

        return await self._signed.get(request, ROUTE, as_auditor, *taken, media_type=media_type)


def add_audit_routes(app: FastAPI, api: AuditApi) -> None:
    """Add the auditors' routes to the application, with their description."""
    for path, endpoint, media_type, parameters, schema in (
        ("/v1/audit/checkpoint", api.get_checkpoint, NOTE, (), None),
        ("/v1/audit/tile/{path:path}", api.get_tile, TILE, ("path:path",), None),
        ("/v1/audit/entries", api.get_entries, NDJSON, ("after:query", "limit:query"), None),
        ("/v1/audit/registry", api.get_registry, NDJSON, ("after:query", "limit:query"), None),
        (
            "/v1/audit/children/{child}/who-knew",
            api.get_who_knew,
            JSON,
            ("child:path", "as_at:query"),
            schema_ref("WhoKnew"),
        ),
    ):
        operation = audit_operation(media_type, parameters, schema=schema)
        app.add_api_route(path, endpoint, methods=["GET"], openapi_extra=operation, response_model=None)
    for path, endpoint, shape, answer in (
        ("/v1/audit/openings", api.post_opening, OpeningRecord, "Opened"),
        ("/v1/audit/signatures", api.post_signatures, SignaturesRecord, "OpenedSignatures"),
    ):
        app.add_api_route(
            path,
            endpoint,
            methods=["POST"],
            status_code=201,
            openapi_extra=post_operation(shape, answer=answer),
            response_model=None,
        )
