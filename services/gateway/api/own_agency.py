"""The routes by which an agency sees its own registration and keeps its own keys."""

from fastapi import FastAPI, Request
from starlette.responses import Response

from services.gateway.admit_request import Admitted
from services.gateway.api.openapi import own_key_operation, own_registration_operation
from services.gateway.api.reading import RecordDecoder
from services.gateway.api.signed_requests import SignedRequests
from services.gateway.own_agency import OwnAgency
from shared.ledger.messages import Appended
from shared.ledger.own_keys import KEYS_PATH, OwnKeyRecord, OwnKeyRevocationRecord, revocations_path
from shared.signatures.message import RequestParts


class OwnAgencyApi:
    """The routes, over the use case."""

    def __init__(self, *, signed: SignedRequests, own: OwnAgency) -> None:
        self._signed = signed
        self._own = own
        self._keys = RecordDecoder(OwnKeyRecord)
        self._revocations = RecordDecoder(OwnKeyRevocationRecord)

    async def get_registration(self, request: Request) -> Response:
        """Return how one's own agency is registered, with its keys and endpoints."""
        return await self._signed.get(request, "agency", lambda asked: self._own.read(asked.admitted))

    async def post_key(self, request: Request) -> Response:
        """Add a key to one's own, signed by one of them: the new one overlaps with the old."""

        async def handle(parts: RequestParts, body: bytes, admitted: Admitted) -> Appended:
            return await self._own.add_key(self._keys.decode(body), admitted, sent=self._keys.sent(parts, body))

        return await self._signed.post(request, "agency-keys", handle)

    async def post_revocation(self, request: Request) -> Response:
        """Revoke a key of one's own, for good; also the one that signs this."""
        thumbprint = str(request.path_params["thumbprint"])

        async def handle(parts: RequestParts, body: bytes, admitted: Admitted) -> Appended:
            record = self._revocations.decode(body)
            return await self._own.revoke_key(thumbprint, record, admitted, sent=self._revocations.sent(parts, body))

        return await self._signed.post(request, "agency-key-revocations", handle)


def add_own_agency_routes(app: FastAPI, signed: SignedRequests, *, own: OwnAgency) -> None:
    """Add the routes to the application, with their description."""
    routes = OwnAgencyApi(signed=signed, own=own)
    app.add_api_route(
        "/v1/agency",
        routes.get_registration,
        methods=["GET"],
        openapi_extra=own_registration_operation(),
        response_model=None,
    )
    for path, endpoint, operation in (
        (KEYS_PATH, routes.post_key, own_key_operation(OwnKeyRecord)),
        (
            revocations_path("{thumbprint}"),
            routes.post_revocation,
            own_key_operation(OwnKeyRevocationRecord, "thumbprint"),
        ),
    ):
        app.add_api_route(
            path, endpoint, methods=["POST"], status_code=201, openapi_extra=operation, response_model=None
        )
