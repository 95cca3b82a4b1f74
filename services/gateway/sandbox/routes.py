"""The sandbox's own routes: explaining a signature, and the clock. Unsigned: they are for who cannot sign yet."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import msgspec
import orjson
from fastapi import FastAPI, Request
from starlette.responses import Response

from services.gateway.api.answers import Answering
from services.gateway.api.problems import MEDIA_TYPE, problem_body, problem_of
from services.gateway.api.reading import RecordDecoder, read_body
from services.gateway.known_keys import KnownKeys
from services.gateway.sandbox.explain_signature import Asked, Explanation, explain
from services.gateway.sandbox.faults import FaultInjection
from services.gateway.sandbox.real_numbers import RealNumbersRefused
from shared.clock import Clock, parse_rfc3339, rfc3339
from shared.errors import ExchangeError, InvalidInput
from shared.signatures.keys import PublicKey, public_key_from_jwk
from shared.signatures.message import RequestParts
from shared.signatures.request_signature import read_signature
from shared.stepped_clock import SteppedClock


class ToExplain(msgspec.Struct, frozen=True):
    """A request as its sender believes it went out."""

    target: str
    headers: Mapping[str, str]
    method: str = "POST"
    body: str | None = None
    signature_base: str | None = None
    public_key: Mapping[str, str] | None = None


class ToStep(msgspec.Struct, frozen=True):
    """How far to move the clock: to a moment, or on by hours."""

    to: str | None = None
    hours: float | None = None


class SandboxApi:
    """The routes, over a gateway's own keys and authority."""

    def __init__(self, *, authority: str, known_keys: KnownKeys, clock: SteppedClock, real: Clock) -> None:
        self.authority = authority
        self._known_keys = known_keys
        self._clock = clock
        self._real = real
        self._to_explain = RecordDecoder(ToExplain)
        self._to_step = RecordDecoder(ToStep)

    async def explain_signature(self, request: Request) -> Response:
        """Say what the gateway would answer to a request, what it would have had signed, and which byte differs."""

        async def work() -> object:
            given = self._to_explain.decode(await read_body(request))
            headers = {name.lower(): value for name, value in given.headers.items()}
            parts = RequestParts(given.method, self.authority, given.target.encode("utf-8"), headers)
            explanation = explain(
                Asked(
                    request=parts,
                    body=given.body.encode("utf-8") if given.body is not None else None,
                    base=given.signature_base.encode("utf-8") if given.signature_base is not None else None,
                    key=await self._key(parts, given.public_key),
                ),
                now=self._real.now(),
            )
            return self._said(explanation, headers)

        return await _answered(work)

    async def get_clock(self, _request: Request) -> Response:
        """Say what time it is in the sandbox."""

        async def work() -> object:
            return {"now": rfc3339(self._clock.now())}

        return await _answered(work)

    async def step_clock(self, request: Request) -> Response:
        """Move the clock of every process of the sandbox on. What falls due by then is overdue a moment later."""

        async def work() -> object:
            step = self._to_step.decode(await read_body(request))
            if step.to is not None and step.hours is not None:
                raise InvalidInput("both to and hours say how far", remedy="Send one of them.")
            if step.to is not None:
                self._clock.step_to(parse_rfc3339(step.to))
            elif step.hours is not None and 0 <= step.hours <= 24 * 366:
                self._clock.step_to(self._clock.now() + timedelta(hours=step.hours))
            else:
                raise InvalidInput("neither to nor hours (0 to 8784) says how far", remedy='Send {"hours": 25}.')
            return {"now": rfc3339(self._clock.now())}

        return await _answered(work)

    async def _key(self, parts: RequestParts, given: Mapping[str, str] | None) -> PublicKey | None:
        if given is not None:
            return public_key_from_jwk(given)
        try:
            return (await self._known_keys.key(read_signature(parts).key_id))[2]
        except ExchangeError:
            return None

    def _said(self, explanation: Explanation, headers: Mapping[str, str]) -> object:
        hints = list(explanation.hints)
        if not headers:
            hints.append("No headers were given: give those that the request was sent with.")
        host = headers.get("host")
        if host is not None and host.lower() != self.authority:
            hints.append(f"The request went to another host than this gateway's, which is {self.authority}.")
        problem = explanation.problem
        return {
            "admitted": problem is None and explanation.signed == "expected",
            "problem": None
            if problem is None
            else {"code": problem_of(problem).code, "detail": problem.detail, "remedy": problem.remedy},
            "expected_signature_base": explanation.expected_base,
            "expected_content_digest": explanation.expected_digest,
            "first_difference": msgspec.to_builtins(explanation.difference),
            "signature_is_over": explanation.signed,
            "hints": hints,
        }


def add_sandbox_routes(app: FastAPI, api: SandboxApi, *, answering: Answering) -> None:
    """Add the routes to the application, with the problems and headers that only a sandbox has."""
    routes: tuple[tuple[str, str, Callable[[Request], Awaitable[Response]]], ...] = (
        ("/sandbox/explain-signature", "POST", api.explain_signature),
        ("/sandbox/clock", "GET", api.get_clock),
        ("/sandbox/clock", "POST", api.step_clock),
    )
    for path, method, endpoint in routes:
        app.add_api_route(path, endpoint, methods=[method], response_model=None)
    # The outermost is added last: a fault befalls even what would be refused.
    app.add_middleware(RealNumbersRefused, answering=answering, authority=api.authority)
    app.add_middleware(FaultInjection, answering=answering, authority=api.authority)


async def _answered(work: Callable[[], Awaitable[object]]) -> Response:
    try:
        return Response(orjson.dumps(await work()), media_type="application/json")
    except ExchangeError as error:
        return Response(problem_body(error), problem_of(error).status, media_type=MEDIA_TYPE)
