"""The routes by which agencies read about children: a child's chronology, and a search that puts no number in a URL."""

from collections.abc import Awaitable, Callable
from time import perf_counter

from fastapi import FastAPI, Request
from starlette.responses import Response

from services.gateway.admit_request import Admission, Admitted
from services.gateway.api.answers import Answering
from services.gateway.api.metrics import REFUSALS, REQUESTS, SECONDS
from services.gateway.api.openapi import audit_operation, schema_ref, search_operation
from services.gateway.api.problems import problem_of
from services.gateway.api.query import query_members
from services.gateway.api.reading import RecordDecoder, check_content_type, idempotency_key, read_body, request_parts
from services.gateway.read_case import CaseReader, SearchRecord
from shared.errors import ExchangeError
from shared.signatures.message import RequestParts

CHRONOLOGY = "/v1/children/{child}/chronology"
SEARCHES = "/v1/children/searches"

Read = tuple[bytes, Admitted]
"""An answer, and whose request it answers."""


class ChildrenApi:
    """The routes, over their use cases."""

    def __init__(self, *, admission: Admission, reader: CaseReader, answering: Answering, authority: str) -> None:
        self._admission = admission
        self._reader = reader
        self._answering = answering
        self._authority = authority
        self._searches = RecordDecoder(SearchRecord)

    async def get_chronology(self, request: Request) -> Response:
        """Return what was recorded about a child, as far as one's part in its case goes; the look is recorded."""

        async def read(parts: RequestParts) -> Read:
            admitted = await self._admission.admit_read(parts)
            asked = query_members(request, "as_at", "after", "limit")
            page = await self._reader.chronology(
                str(request.path_params["child"]),
                admitted,
                target=parts.raw_target.decode("latin-1"),
                as_at=asked.get("as_at", ""),
                after=asked.get("after", "-1"),
                limit=asked.get("limit", "50"),
            )
            return page, admitted

        return await self._answer(request, "chronology", read)

    async def post_search(self, request: Request) -> Response:
        """Look for a child by what identifies it; the search is recorded."""

        async def search(parts: RequestParts) -> Read:
            body = await read_body(request)
            check_content_type(parts)
            idempotency_key(parts)
            admitted = await self._admission.admit_write(parts, body)
            record = self._searches.decode(body)
            target = parts.raw_target.decode("latin-1")
            return await self._reader.search(record, admitted, body=body, target=target), admitted

        return await self._answer(request, "searches", search)

    async def _answer(
        self, request: Request, route: str, handle: Callable[[RequestParts], Awaitable[Read]]
    ) -> Response:
        started, parts = perf_counter(), request_parts(request, authority=self._authority)
        try:
            answer, admitted = await handle(parts)
            response = self._answering.success(answer, status=200, request=parts, allowance=admitted.allowance)
        except ExchangeError as error:
            REFUSALS.labels(problem_of(error).code).inc()
            response = self._answering.problem(error, request=parts)
        REQUESTS.labels(route, str(response.status_code)).inc()
        SECONDS.labels(route).observe(perf_counter() - started)
        return response


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
