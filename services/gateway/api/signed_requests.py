"""Answering signed requests: each is proven, handled, answered and counted, whatever goes wrong in between."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

import structlog
from fastapi import Request
from starlette.responses import Response

from services.gateway.admit_request import Admission, Admitted
from services.gateway.api.answers import Answering
from services.gateway.api.dangers import DangerIn, Dangers, no_danger
from services.gateway.api.metrics import REFUSALS, REQUESTS, SECONDS
from services.gateway.api.problems import GatewayFailed, Outcome, outcome_of, problem_of
from services.gateway.api.query import query_members
from services.gateway.api.reading import check_content_type, idempotency_key, read_body, request_parts
from services.gateway.domain.danger import Telephone
from shared.errors import ExchangeError
from shared.process.logs import fault
from shared.signatures.message import RequestParts

JSON = "application/json"

log = structlog.get_logger()


class Answered(Protocol):
    """What a request with a body came to: the answer's bytes, and its status."""

    @property
    def answer(self) -> bytes:
        """The answer's bytes."""
        ...

    @property
    def status(self) -> int:
        """The answer's status."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """An answer that is not the ledger's own."""

    answer: bytes
    status: int = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """A read that is proven: the request, whose it is, and the members of its query."""

    parts: RequestParts
    admitted: Admitted
    query: Mapping[str, str]


Handling = Callable[[RequestParts, bytes, Admitted], Awaitable[Answered]]
Reading = Callable[[Asked], Awaitable[bytes]]
OutcomeOf = Callable[[ExchangeError], Outcome | None]


def nothing_to_record(_error: ExchangeError) -> None:
    """Return that a request of this kind was to record nothing of its sender's: under any key it may be sent again."""


class SignedRequests:
    """Answers signed requests, for every route that takes them.

    A fault of ours is an answer as well: signed, counted, and told in the log without a word of what was sent.
    """

    def __init__(self, *, admission: Admission, answering: Answering, dangers: Dangers, authority: str) -> None:
        self._admission = admission
        self._answering = answering
        self._dangers = dangers
        self._authority = authority

    def parts(self, request: Request) -> RequestParts:
        """Return a request as its signature sees it."""
        return request_parts(request, authority=self._authority)

    async def get(self, request: Request, route: str, read: Reading, *taken: str, media_type: str = JSON) -> Response:
        """Have a signed request without a body proven, and answer it with what is read for it.

        ``taken`` are the members that its query may have.
        """
        started, parts = perf_counter(), self.parts(request)
        try:
            admitted = await self._admission.admit_read(parts)
            answer = await read(Asked(parts, admitted, query_members(request, *taken)))
            response = self._answering.success(
                answer, status=200, request=parts, allowance=admitted.allowance, media_type=media_type
            )
        except Exception as error:
            response = self.refuse(_as_refusal(error, route), parts)
        return _counted(response, route, started)

    async def post(
        self,
        request: Request,
        route: str,
        handle: Handling,
        *,
        danger_in: DangerIn = no_danger,
        outcome: OutcomeOf = outcome_of,
    ) -> Response:
        """Have a signed request with a body proven and handled, and answer it.

        When a body that speaks of an immediate danger cannot be taken now, the answer says whom to call; when it may
        have been recorded all the same, the answer says so.
        """
        started, parts = perf_counter(), self.parts(request)
        body: bytes | None = None
        admitted: Admitted | None = None
        try:
            body = await read_body(request)
            check_content_type(parts)
            idempotency_key(parts)
            admitted = await self._admission.admit_write(
                parts, body, is_danger=lambda sent: danger_in(sent) is not None
            )
            handled = await handle(parts, body, admitted)
            response = self._answering.success(
                handled.answer, status=handled.status, request=parts, allowance=admitted.allowance
            )
        except Exception as error:
            refusal = _as_refusal(error, route)
            sender = admitted.agency if admitted is not None else None
            call = self._dangers.whom_to_call(refusal, body, sender=sender, danger_in=danger_in)
            response = self.refuse(refusal, parts, call=call, outcome=outcome(refusal))
        return _counted(response, route, started)

    def refuse(
        self,
        error: ExchangeError,
        parts: RequestParts | None,
        *,
        call: Sequence[Telephone] = (),
        outcome: Outcome | None = None,
    ) -> Response:
        """Return the problem document for an error, counted; signed when there is a signed request to bind it to."""
        REFUSALS.labels(problem_of(error).code).inc()
        return self._answering.problem(error, request=parts, call=call, outcome=outcome)


def _as_refusal(error: Exception, route: str) -> ExchangeError:
    """Return what an error is to the sender; one that nobody foresaw is a fault of ours."""
    if isinstance(error, ExchangeError):
        return error
    log.error("gateway_failed", route=route, **fault(error))
    return GatewayFailed("something failed here")


def _counted(response: Response, route: str, started: float) -> Response:
    REQUESTS.labels(route, str(response.status_code)).inc()
    SECONDS.labels(route).observe(perf_counter() - started)
    return response
