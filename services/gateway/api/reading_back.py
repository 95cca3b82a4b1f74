"""The routes by which an agency reads back what became of its own records, and which reviews of its own are overdue."""

from fastapi import FastAPI, Request
from starlette.responses import Response

from services.gateway.api.openapi import read_operation
from services.gateway.api.signed_requests import SignedRequests
from services.gateway.read_record import RecordReader


class ReadingBackApi:
    """The routes, over the use case."""

    def __init__(self, *, signed: SignedRequests, reader: RecordReader) -> None:
        self._signed = signed
        self._reader = reader

    async def get_record(self, request: Request) -> Response:
        """Return what became of a record of one's own."""
        record = str(request.path_params["record"])
        return await self._signed.get(request, "records", lambda asked: self._reader.read(record, asked.admitted))

    async def get_overdue_reviews(self, request: Request) -> Response:
        """Return the sender's own withholdings that should have been reviewed by now."""
        return await self._signed.get(
            request, "overdue-reviews", lambda asked: self._reader.overdue_reviews(asked.admitted)
        )


def add_reading_back_routes(app: FastAPI, signed: SignedRequests, *, reader: RecordReader) -> None:
    """Add the routes to the application, the fixed path before the one with an id in it."""
    routes = ReadingBackApi(signed=signed, reader=reader)
    for path, endpoint, operation in (
        ("/v1/shares/{record}", routes.get_record, read_operation(("record",))),
        ("/v1/withholdings/overdue-reviews", routes.get_overdue_reviews, read_operation((), answer="OverdueReviews")),
        ("/v1/withholdings/{record}", routes.get_record, read_operation(("record",))),
    ):
        app.add_api_route(path, endpoint, methods=["GET"], openapi_extra=operation, response_model=None)
