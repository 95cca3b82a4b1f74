"""Receiving what the exchange pushes: believe it only when it is signed for you, and sign for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.canonical_json import Json, parse_json
from shared.clock import Clock, SystemClock
from shared.errors import InvalidInput
from shared.signatures.authority import authority_of, target_of
from shared.signatures.content_digest import content_digest, verify_content_digest
from shared.signatures.errors import SignatureInvalid
from shared.signatures.keys import PublicKey, SigningKey
from shared.signatures.message import RequestParts, ResponseParts, Tag
from shared.signatures.request_signature import read_signature, verify_request
from shared.signatures.response_signature import sign_response
from shared.signatures.standard_webhooks import verify_webhook

MEDIA_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Push:
    """A push whose signatures hold. ``id`` is the same on every attempt: act on it once, and sign for each.

    ``event`` is the CloudEvent; ``overtaking`` says that an earlier notification about the child is stuck.
    """

    id: str
    event: Mapping[str, Json] = field(repr=False)
    overtaking: bool
    request: RequestParts = field(repr=False)


@dataclass(frozen=True, slots=True)
class PushAnswer:
    """What to send back, exactly."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class PushReceiver:
    """Checks and answers the pushes to one registered address. Safe to use from any number of threads and tasks.

    ``url`` is the address as it was registered: what the exchange signs, whatever a proxy in between makes of it.
    ``push_keys`` are the exchange's (two, while one takes over from another); ``key`` is your endpoint's own.
    """

    def __init__(
        self, url: str, *, key: SigningKey, push_keys: Sequence[PublicKey], clock: Clock | None = None
    ) -> None:
        self._authority = authority_of(url)
        self._target = target_of(url)
        self._key = key
        self._push_keys = tuple(push_keys)
        self._clock = clock or SystemClock()

    def receive(self, headers: Mapping[str, str], body: bytes) -> Push:
        """Return the push in a ``POST``. Both of its signatures must hold: RFC 9421 and Standard Webhooks.

        Keep it durably before you answer. Raises the ExchangeError that says what is wrong: answer that with a 4xx,
        and do nothing else.
        """
        lower = {name.lower(): value for name, value in headers.items()}
        request = RequestParts("POST", self._authority, self._target, lower)
        return verify_push(request, body, push_keys=self._push_keys, now=self._clock.now())

    def answer(self, push: Push) -> PushAnswer:
        """Return the signed answer by which you are held to have received a push. Send it as it is."""
        return answer_push(push, key=self._key, now=self._clock.now())


def verify_push(request: RequestParts, body: bytes, *, push_keys: Sequence[PublicKey], now: datetime) -> Push:
    """Return the push that a request is, with its body. Raises the ExchangeError that says what is wrong with it."""
    verify_content_digest(request.headers.get("content-digest"), body)
    claimed = read_signature(request)
    key = next((each for each in push_keys if each.thumbprint == claimed.key_id), None)
    if key is None:
        raise SignatureInvalid("the push is signed by a key that is not the exchange's", remedy="Ask for its push key.")
    verify_request(request, claimed, key=key, tag=Tag.PUSH, now=now, has_body=True)
    verify_webhook(request.headers, body, key=key, now=now)
    event = parse_json(body)
    if not isinstance(event, dict) or not isinstance(event.get("id"), str):
        raise InvalidInput("the push is not a CloudEvent")
    return Push(str(event["id"]), event, request.headers.get("exchange-overtaking") == "?1", request)


def answer_push(push: Push, *, key: SigningKey, now: datetime) -> PushAnswer:
    """Return the answer to a push, signed by its endpoint's key and bound to it."""
    body = b'{"status":"received"}'
    headers = {"content-type": MEDIA_TYPE, "content-digest": content_digest(body)}
    created = int(now.timestamp())
    signature = sign_response(ResponseParts(200, headers), request=push.request, key=key, created=created)
    return PushAnswer(200, {**headers, **signature}, body)
