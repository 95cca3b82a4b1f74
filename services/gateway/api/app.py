"""The gateway's HTTP interface: each route reads, has the request proven, and answers with the ledger's bytes."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from services.gateway.acknowledge_notification import NotificationAcknowledger, check_readable
from services.gateway.admit_request import Admitted
from services.gateway.api.dangers import DangerIn, Dangers, no_danger
from services.gateway.api.document import DescribedApp
from services.gateway.api.openapi import acknowledgement_operation, open_operation, post_operation
from services.gateway.api.problems import GatewayFailed, MethodNotAllowed
from services.gateway.api.reading import RecordDecoder
from services.gateway.api.reference_page import add_reference_page
from services.gateway.api.signed_requests import SignedRequests
from services.gateway.domain import housing, sharing, whereabouts, withholding
from services.gateway.domain.planning import Circumstances, Plan
from services.gateway.domain.record import (
    AcknowledgementRecord,
    HousingNoticeRecord,
    ShareRecord,
    WhereaboutsRecord,
    WithholdingRecord,
)
from services.gateway.record_decision import Decision, DecisionRecorder
from shared.errors import ExchangeError, NotFound
from shared.ledger.messages import Appended
from shared.ledger.registry_copy import RegistryCopy
from shared.signatures.keys import PublicKey
from shared.signatures.message import RequestParts

Record = TypeVar("Record", ShareRecord, WithholdingRecord, WhereaboutsRecord, HousingNoticeRecord)


class GatewayApi:
    """The routes, over the use cases."""

    def __init__(
        self,
        *,
        signed: SignedRequests,
        recorder: DecisionRecorder,
        acknowledger: NotificationAcknowledger,
        registry: RegistryCopy,
        dangers: Dangers,
        answer_key: PublicKey,
    ) -> None:
        self._signed = signed
        self._recorder = recorder
        self._acknowledger = acknowledger
        self._registry = registry
        self._dangers = dangers
        self._answer_key = answer_key
        self._shares = RecordDecoder(ShareRecord)
        self._withholdings = RecordDecoder(WithholdingRecord)
        self._whereabouts = RecordDecoder(WhereaboutsRecord)
        self._housing_notices = RecordDecoder(HousingNoticeRecord)
        self._acknowledgements = RecordDecoder(AcknowledgementRecord)

    async def post_share(self, request: Request) -> Response:
        """Record a decision to share a concern, and tell whom its level demands."""
        return await self._post_decision(
            request,
            "shares",
            self._shares,
            check=sharing.check_readable,
            plan=sharing.plan_share,
            danger_in=self._dangers.in_share,
            follows=lambda record: record.after_withholding,
        )

    async def post_withholding(self, request: Request) -> Response:
        """Record a decision to withhold; it is challenged when its reason is no reason."""
        return await self._post_decision(
            request,
            "withholdings",
            self._withholdings,
            check=withholding.check_readable,
            plan=withholding.plan_withholding,
        )

    async def post_whereabouts(self, request: Request) -> Response:
        """Record where a child is; a move between authorities is found from it."""
        return await self._post_decision(
            request,
            "whereabouts",
            self._whereabouts,
            check=whereabouts.check_readable,
            plan=whereabouts.plan_whereabouts,
        )

    async def post_housing_notice(self, request: Request) -> Response:
        """Record a housing notice, agreed to or refused. It tells no children's social care."""
        return await self._post_decision(
            request,
            "housing-notices",
            self._housing_notices,
            check=housing.check_readable,
            plan=housing.plan_housing_notice,
        )

    async def post_acknowledgement(self, request: Request) -> Response:
        """Record that a notification arrived, who owns it, or what was decided."""
        notification = str(request.path_params["notification"])

        async def handle(parts: RequestParts, body: bytes, admitted: Admitted) -> Appended:
            read = self._acknowledgements
            return await self._acknowledger.acknowledge(
                notification,
                read.read(body, check_readable),
                admitted,
                sent=read.sent(parts, body),
            )

        return await self._signed.post(request, "acknowledgements", handle)

    async def _post_decision(
        self,
        request: Request,
        route: str,
        decoder: RecordDecoder[Record],
        *,
        check: Callable[[Record], None],
        plan: Callable[[Record, Circumstances], Plan],
        danger_in: DangerIn = no_danger,
        follows: Callable[[Record], str | None] = lambda _record: None,
    ) -> Response:
        async def handle(parts: RequestParts, body: bytes, admitted: Admitted) -> Appended:
            record = decoder.read(body, check)
            return await self._recorder.record(
                Decision(
                    child=record.child,
                    decided_at=record.decided_at,
                    plan=lambda circumstances: plan(record, circumstances),
                    sent=decoder.sent(parts, body),
                    after_withholding=follows(record),
                ),
                admitted,
            )

        return await self._signed.post(request, route, handle, danger_in=danger_in)

    async def get_keys(self, _request: Request) -> Response:
        """Return the key that signs answers and the ledger's verifier keys: ``log`` is the oldest that still signs."""
        try:
            origin, log_keys = self._registry.log_facts()
        except ExchangeError as error:
            return self._signed.refuse(error, None)
        keys = {"keys": [self._answer_key.jwk()], "origin": origin, "log": log_keys[0], "log_keys": list(log_keys)}
        return JSONResponse(keys)

    async def get_livez(self, _request: Request) -> Response:
        """Say that the process runs."""
        return JSONResponse({"status": "alive"})

    async def get_readyz(self, _request: Request) -> Response:
        """Say whether requests can be proven and recorded, as of the registry's latest look. Kafka has no part in it.

        Anybody may ask, as often as they like: it costs the ledger nothing.
        """
        try:
            self._registry.check_fresh()
            self._registry.check_writing()
            self._registry.log_facts()
        except ExchangeError as error:
            return self._signed.refuse(error, None)
        return JSONResponse({"status": "ready"})

    async def on_http_error(self, request: Request, error: Exception) -> Response:
        """Answer an unknown path or method with a problem document."""
        status = error.status_code if isinstance(error, HTTPException) else 404
        parts = self._signed.parts(request)
        if status == 405:
            response = self._signed.refuse(MethodNotAllowed("the path does not take that method"), parts)
            allowed = (error.headers or {}).get("Allow") if isinstance(error, HTTPException) else None
            response.headers["allow"] = allowed or "GET"
            return response
        return self._signed.refuse(NotFound("there is nothing at that path"), parts)

    async def on_failure(self, _request: Request, _error: Exception) -> Response:
        """Answer a fault of ours outside of what proves requests; whoever serves puts it in the log."""
        return self._signed.refuse(GatewayFailed("something failed here"), None)


def make_app(api: GatewayApi) -> FastAPI:
    """Return the application: every route, its description in OpenAPI 3.1, and problem documents for all else."""
    app = DescribedApp(title="Safeguarding exchange", version="1", docs_url=None, redoc_url=None)
    posts: list[tuple[str, Callable[[Request], Awaitable[Response]], dict[str, object]]] = [
        ("/v1/shares", api.post_share, post_operation(ShareRecord)),
        ("/v1/withholdings", api.post_withholding, post_operation(WithholdingRecord)),
        ("/v1/whereabouts", api.post_whereabouts, post_operation(WhereaboutsRecord)),
        ("/v1/housing-notices", api.post_housing_notice, post_operation(HousingNoticeRecord)),
        (
            "/v1/notifications/{notification}/acknowledgements",
            api.post_acknowledgement,
            acknowledgement_operation(AcknowledgementRecord),
        ),
    ]
    for path, endpoint, operation in posts:
        app.add_api_route(
            path, endpoint, methods=["POST"], status_code=201, openapi_extra=operation, response_model=None
        )
    for path, endpoint, schema, says in (
        ("/v1/keys", api.get_keys, "Keys", "The exchange's keys"),
        ("/livez", api.get_livez, "Health", "The process runs"),
        ("/readyz", api.get_readyz, "Health", "Requests can be proven and recorded"),
    ):
        operation = open_operation(schema, description=says)
        app.add_api_route(path, endpoint, methods=["GET"], openapi_extra=operation, response_model=None)
    add_reference_page(app)
    app.add_exception_handler(HTTPException, api.on_http_error)
    app.add_exception_handler(RequestValidationError, api.on_http_error)
    app.add_exception_handler(Exception, api.on_failure)
    return app
