"""The routes by which a record is amended, below the record's own path; nothing at that path is ever rewritten."""

from dataclasses import dataclass

from fastapi import FastAPI, Request
from starlette.responses import Response

from services.gateway.admit_request import Admitted
from services.gateway.amend_record import Amending, RecordAmender
from services.gateway.api.dangers import Dangers, no_danger
from services.gateway.api.openapi import amendment_operation
from services.gateway.api.reading import RecordDecoder
from services.gateway.api.signed_requests import SignedRequests
from services.gateway.domain.amending import check_readable
from services.gateway.domain.amendment import (
    Amendment,
    ConsentWithdrawalRecord,
    DisputeRecord,
    RetractionRecord,
    ShareCorrectionRecord,
    WhereaboutsCorrectionRecord,
    WithholdingCorrectionRecord,
    WithholdingReviewRecord,
)
from shared.ledger.messages import Appended
from shared.signatures.message import RequestParts
from shared.vocabulary import EntryType


@dataclass(frozen=True, slots=True)
class AmendmentRoute:
    """One path: what kind of record it amends, how, and the shape of what is sent there."""

    collection: str
    record_type: EntryType
    name: str
    entry_type: EntryType
    shape: type[Amendment]

    @property
    def path(self) -> str:
        """The path, as routes are written."""
        return f"/v1/{self.collection}/{{record}}/{self.name}"


_COLLECTIONS: tuple[tuple[str, EntryType, type[Amendment]], ...] = (
    ("shares", EntryType.SHARE_RECORDED, ShareCorrectionRecord),
    ("withholdings", EntryType.WITHHOLDING_RECORDED, WithholdingCorrectionRecord),
    ("whereabouts", EntryType.WHEREABOUTS_REPORTED, WhereaboutsCorrectionRecord),
)

ROUTES: tuple[AmendmentRoute, ...] = (
    *(
        route
        for collection, record_type, correction in _COLLECTIONS
        for route in (
            AmendmentRoute(collection, record_type, "corrections", EntryType.RECORD_CORRECTED, correction),
            AmendmentRoute(collection, record_type, "retractions", EntryType.RECORD_RETRACTED, RetractionRecord),
            AmendmentRoute(collection, record_type, "disputes", EntryType.RECORD_DISPUTED, DisputeRecord),
        )
    ),
    AmendmentRoute(
        "withholdings",
        EntryType.WITHHOLDING_RECORDED,
        "reviews",
        EntryType.WITHHOLDING_REVIEWED,
        WithholdingReviewRecord,
    ),
    # Consent never gates a share: that it was withdrawn is a fact beside one.
    AmendmentRoute(
        "shares",
        EntryType.SHARE_RECORDED,
        "consent-withdrawals",
        EntryType.CONSENT_WITHDRAWN,
        ConsentWithdrawalRecord,
    ),
)


class AmendmentApi:
    """One amendment route, over the use case."""

    def __init__(
        self, route: AmendmentRoute, *, signed: SignedRequests, dangers: Dangers, amender: RecordAmender
    ) -> None:
        self._route = route
        self._signed = signed
        self._dangers = dangers
        self._amender = amender
        self._decoder: RecordDecoder[Amendment] = RecordDecoder(route.shape)

    async def post(self, request: Request) -> Response:
        """Record what is said of an earlier record, and tell everybody who was told of that."""
        record_id = str(request.path_params["record"])

        async def handle(parts: RequestParts, body: bytes, admitted: Admitted) -> Appended:
            amendment = self._decoder.read(body, check_readable)
            return await self._amender.amend(
                Amending(
                    record_id=record_id,
                    record_type=self._route.record_type,
                    type=self._route.entry_type,
                    amendment=amendment,
                    sent=self._decoder.sent(parts, body),
                ),
                admitted,
            )

        raises = self._route.shape is ShareCorrectionRecord
        danger_in = self._dangers.in_correction if raises else no_danger
        return await self._signed.post(request, self._route.name, handle, danger_in=danger_in)


def add_amendment_routes(app: FastAPI, signed: SignedRequests, *, dangers: Dangers, amender: RecordAmender) -> None:
    """Add every amendment's route to the application, with its description."""
    for route in ROUTES:
        app.add_api_route(
            route.path,
            AmendmentApi(route, signed=signed, dangers=dangers, amender=amender).post,
            methods=["POST"],
            status_code=201,
            name=f"post_{route.collection}_{route.name}".replace("-", "_"),
            openapi_extra=amendment_operation(route.shape),
            response_model=None,
        )
