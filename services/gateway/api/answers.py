"""Answers: signed and bound to the request they answer, and never stored by anything between."""

from collections.abc import Sequence

from starlette.responses import Response

from services.gateway.api.problems import MEDIA_TYPE as PROBLEM_TYPE
from services.gateway.api.problems import Outcome, problem_body, problem_of
from services.gateway.domain.danger import Telephone
from services.gateway.limit_requests import Allowance, RateLimited
from shared.clock import Clock
from shared.errors import ExchangeError, Unavailable
from shared.signatures.content_digest import content_digest
from shared.signatures.keys import SigningKey
from shared.signatures.message import RequestParts, ResponseParts
from shared.signatures.response_signature import sign_response

RETRY_AFTER_S = 2


class Answering:
    """Makes responses."""

    def __init__(self, *, key: SigningKey, clock: Clock) -> None:
        self._key = key
        self._clock = clock

    def success(
        self,
        body: bytes,
        *,
        status: int,
        request: RequestParts,
        allowance: Allowance,
        media_type: str = "application/json",
    ) -> Response:
        """Return a signed answer, and beside it, unsigned, what is left of the sender's limits."""
        headers = {**allowance.headers()}
        return self._signed(body, status=status, media_type=media_type, request=request, headers=headers)

    def problem(
        self,
        error: ExchangeError,
        *,
        request: RequestParts | None,
        call: Sequence[Telephone] = (),
        outcome: Outcome | None = None,
    ) -> Response:
        """Return a problem document, signed when the request carried a signature to bind it to.

        ``call`` is whom to call meanwhile, when an immediate danger could not be taken; ``outcome`` what is to be said
        of what was to be recorded.
        """
        headers: dict[str, str] = {}
        if isinstance(error, RateLimited):
            headers = {**error.allowance.headers(), "retry-after": str(error.retry_after_s)}
        elif isinstance(error, Unavailable):
            headers = {"retry-after": str(RETRY_AFTER_S)}
        body, status = problem_body(error, call=call, outcome=outcome), problem_of(error).status
        if request is None or "signature" not in request.headers:
            headers["cache-control"] = "no-store"
            return Response(body, status, headers, PROBLEM_TYPE)
        return self._signed(body, status=status, media_type=PROBLEM_TYPE, request=request, headers=headers)

    def _signed(
        self, body: bytes, *, status: int, media_type: str, request: RequestParts, headers: dict[str, str]
    ) -> Response:
        signed = {"content-type": media_type, "content-digest": content_digest(body)}
        try:
            signature = sign_response(
                ResponseParts(status, signed),
                request=request,
                key=self._key,
                created=int(self._clock.now().timestamp()),
            )
        except ExchangeError:
            # The request's own signature header cannot stand in a base: it is refused for that, unsigned.
            signature = {}
        return Response(body, status, {**headers, **signed, **signature, "cache-control": "no-store"})
