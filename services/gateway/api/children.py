"""The routes by which agencies read about children: a child's chronology, and a search that puts no number in a URL."""

from fastapi import FastAPI, Request
from starlette.responses import Response

from services.gateway.admit_request import Admitted
from services.gateway.api.openapi import audit_operation, schema_ref, search_operation
from services.gateway.api.reading import RecordDecoder
from services.gateway.api.signed_requests import Asked, Found, SignedRequests, nothing_to_record
from services.gateway.read_case import CaseReader, SearchRecord
from shared.signatures.message import RequestParts

CHRONOLOGY = "/v1/children/{child}/chronology"
SEARCHES = "/v1/children/searches"


class ChildrenApi:
    """The routes, over their use cases."""

    def __init__(self, *, signed: SignedRequests, reader: CaseReader) -> None:
        self._signed = signed
        self._reader = reader
        self._searches = RecordDecoder(SearchRecord)

    async def get_chronology(self, request: Request) -> Response:
        """Return what was recorded about a child, as far as one's part in its case goes; the look is recorded."""

        async def read(asked: Asked) -> bytes:
            return await self._reader.chronology(
                str(request.path_params["child"]),
                asked.admitted,
                target=asked.parts.raw_target.decode("latin-1"),
                as_at=asked.query.get("as_at", ""),
                after=asked.query.get("after", "-1"),
                limit=asked.query.get("limit", "50"),
            )

        return await self._signed.get(request, "chronology", read, "as_at", "after", "limit")

    async def post_search(self, request: Request) -> Response:
        """Look for a child by what identifies it; the search is recorded."""

        async def search(parts: RequestParts, body: bytes, admitted: Admitted) -> Found:
            record = self._searches.decode(body)
            target = parts.raw_target.decode("latin-1")
            return Found(await self._reader.search(record, admitted, body=body, target=target))

        return await self._signed.post(request, "searches", search, outcome=nothing_to_record)


def add_children_routes(app: FastAPI, api: ChildrenApi) -> None:
    """Add the routes to the application, with their description."""
    app.add_api_route(
        CHRONOLOGY,
        api.get_chronology,
        methods=["GET"],
        openapi_extra=audit_operation(
            "application/json",
            ("child:path", "as_at:query", "after:query", "limit:query"),
            schema=schema_ref("Chronology"),
            description="What your part in the child's case lets you see, oldest first",
        ),
        response_model=None,
    )
    app.add_api_route(
        SEARCHES, api.post_search, methods=["POST"], openapi_extra=search_operation(SearchRecord), response_model=None
    )
