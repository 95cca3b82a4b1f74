"""``POST /v1/assessments``: the body of a share or a withholding, signed as one, answered and not recorded."""

import msgspec
from fastapi import FastAPI, Request
from starlette.responses import Response

from services.gateway.admit_request import Admitted
from services.gateway.api.openapi import assessment_operation
from services.gateway.api.reading import RecordDecoder
from services.gateway.api.signed_requests import Found, SignedRequests, nothing_to_record
from services.gateway.assess_decision import DecisionAssessor
from services.gateway.domain import sharing, withholding
from services.gateway.domain.record import ShareRecord, WithholdingRecord, said
from shared.signatures.message import RequestParts


class WhichRecord(msgspec.Struct, frozen=True):
    """What tells a withholding from a share: its format or, where none is given, that it has reasons."""

    format: str | None = None
    reasons: tuple[str, ...] = ()

    def is_withholding(self) -> bool:
        """Return whether the body is a withholding's; anything else is taken for a share."""
        named = said(self.format)
        return named.startswith("safeguarding-exchange/withholding/") if named is not None else bool(self.reasons)


class AssessmentApi:
    """The route, over its use case."""

    def __init__(self, *, signed: SignedRequests, assessor: DecisionAssessor) -> None:
        self._signed = signed
        self._assessor = assessor
        self._which = RecordDecoder(WhichRecord)
        self._shares = RecordDecoder(ShareRecord)
        self._withholdings = RecordDecoder(WithholdingRecord)

    async def post_assessment(self, request: Request) -> Response:
        """Say what recording a share or a withholding would do, and what the rules say of it. Record nothing."""

        async def handle(_parts: RequestParts, body: bytes, admitted: Admitted) -> Found:
            return Found(await self._assess(body, admitted))

        return await self._signed.post(request, "assessments", handle, outcome=nothing_to_record)

    async def _assess(self, body: bytes, admitted: Admitted) -> bytes:
        if self._which.decode(body).is_withholding():
            withheld = self._withholdings.read(body, withholding.check_readable)
            return await self._assessor.assess(
                withheld.child,
                withheld.decided_at,
                lambda circumstances: withholding.plan_withholding(withheld, circumstances),
                admitted,
                misspelt=self._withholdings.misspelt(body),
            )
        shared = self._shares.read(body, sharing.check_readable)
        return await self._assessor.assess(
            shared.child,
            shared.decided_at,
            lambda circumstances: sharing.plan_share(shared, circumstances),
            admitted,
            misspelt=self._shares.misspelt(body),
        )


def add_assessment_route(app: FastAPI, api: AssessmentApi) -> None:
    """Add the route to the application, with its description."""
    app.add_api_route(
        "/v1/assessments",
        api.post_assessment,
        methods=["POST"],
        openapi_extra=assessment_operation(ShareRecord, WithholdingRecord),
        response_model=None,
    )
