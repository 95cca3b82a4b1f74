"""``POST /v1/assessments``: the body of a share or a withholding, signed as one, answered and not recorded."""

from time import perf_counter

import msgspec
from fastapi import FastAPI, Request
from starlette.responses import Response

from services.gateway.admit_request import Admission, Admitted
from services.gateway.api.answers import Answering
from services.gateway.api.metrics import REFUSALS, REQUESTS, SECONDS
from services.gateway.api.openapi import assessment_operation
from services.gateway.api.problems import problem_of
from services.gateway.api.reading import RecordDecoder, check_content_type, idempotency_key, read_body, request_parts
from services.gateway.assess_decision import DecisionAssessor
from services.gateway.domain import sharing, withholding
from services.gateway.domain.record import ShareRecord, WithholdingRecord, said
from shared.errors import ExchangeError


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

    def __init__(
        self, *, admission: Admission, assessor: DecisionAssessor, answering: Answering, authority: str
    ) -> None:
        self._admission = admission
        self._assessor = assessor
        self._answering = answering
        self._authority = authority
        self._which = RecordDecoder(WhichRecord)
        self._shares = RecordDecoder(ShareRecord)
        self._withholdings = RecordDecoder(WithholdingRecord)

    async def post_assessment(self, request: Request) -> Response:
        """Say what recording a share or a withholding would do, and what the rules say of it. Record nothing."""
        started, parts = perf_counter(), request_parts(request, authority=self._authority)
        try:
            body = await read_body(request)
            check_content_type(parts)
            idempotency_key(parts)
            admitted = await self._admission.admit_write(parts, body)
            answer = await self._assess(body, admitted)
            response = self._answering.success(answer, status=200, request=parts, allowance=admitted.allowance)
        except ExchangeError as error:
            REFUSALS.labels(problem_of(error).code).inc()
            response = self._answering.problem(error, request=parts)
        REQUESTS.labels("assessments", str(response.status_code)).inc()
        SECONDS.labels("assessments").observe(perf_counter() - started)
        return response

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
