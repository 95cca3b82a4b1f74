"""A push is believed only when the exchange signed it for this very address; the answer is signed and bound to it."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from client.pushes import PushReceiver
from shared.errors import ExchangeError, InvalidInput
from shared.signatures.content_digest import content_digest, verify_content_digest
from shared.signatures.errors import DigestMismatch, SignatureInvalid, SignatureMissing
from shared.signatures.keys import SigningKey, generate_signing_key
from shared.signatures.message import RequestParts, ResponseParts, Tag
from shared.signatures.request_signature import sign_request
from shared.signatures.response_signature import verify_response
from shared.signatures.standard_webhooks import sign_webhook

URL = "https://csc.example/push?for=us"
OLD, NEW, OWN, STRANGER = (generate_signing_key() for _ in range(4))
RECEIVER = PushReceiver(URL, key=OWN, push_keys=[OLD.public, NEW.public])
BODY = b'{"id": "n-0", "type": "share"}'


def pushed(*, key: SigningKey = OLD, url: str = URL, body: bytes = BODY, tag: Tag = Tag.PUSH) -> RequestParts:
    """A push as the notifier makes it."""
    now_s = int(datetime.now(UTC).timestamp())
    host, _, target = url.removeprefix("https://").partition("/")
    headers = {
        "content-type": "application/cloudevents+json",
        "content-digest": content_digest(body),
        "idempotency-key": "n-0",
        **sign_webhook(body, message_id="n-0", timestamp_s=now_s, key=key),
    }
    request = RequestParts("POST", host, f"/{target}".encode(), headers)
    signature = sign_request(request, key=key, tag=tag, created=now_s, nonce="0123456789abcdef", has_body=True)
    return RequestParts("POST", host, request.raw_target, {**headers, **signature})


@pytest.mark.parametrize("key", [OLD, NEW])
def test_a_push_is_taken_by_either_key_of_a_rotation(key: SigningKey) -> None:
    request = pushed(key=key)
    push = RECEIVER.receive({name.title(): value for name, value in request.headers.items()}, BODY)
    assert (push.id, push.event["type"], push.overtaking) == ("n-0", "share", False)


def test_its_answer_is_signed_and_bound_to_it() -> None:
    request, other = pushed(), pushed()
    answer = RECEIVER.answer(RECEIVER.receive(request.headers, BODY))
    verify_content_digest(answer.headers["content-digest"], answer.body)
    response, now = ResponseParts(answer.status, answer.headers), datetime.now(UTC)
    verify_response(response, request=request, key=OWN.public, now=now)
    changed = RequestParts("POST", other.authority, b"/elsewhere", request.headers)
    with pytest.raises(SignatureInvalid):
        verify_response(response, request=changed, key=OWN.public, now=now)


# Made when they are used: a push is good for five minutes, and other tests may take longer.
BAD: dict[str, tuple[Callable[[], RequestParts], bytes, type[ExchangeError]]] = {
    "by a stranger": (lambda: pushed(key=STRANGER), BODY, SignatureInvalid),
    "for another address": (lambda: pushed(url="https://other.example/push?for=us"), BODY, SignatureInvalid),
    "for another path": (lambda: pushed(url="https://csc.example/push?for=them"), BODY, SignatureInvalid),
    "with another body": (pushed, b'{"id": "n-1"}', DigestMismatch),
    "that is no event": (lambda: pushed(body=b"[]"), b"[]", InvalidInput),
    "without an id": (lambda: pushed(body=b"{}"), b"{}", InvalidInput),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_push_is_not_taken(bad: str) -> None:
    make, body, error = BAD[bad]
    with pytest.raises(error):
        RECEIVER.receive(make().headers, body)


def test_a_request_of_an_agency_passes_for_no_push() -> None:
    request = pushed(tag=Tag.REQUEST)
    with pytest.raises(ExchangeError, match="tagged"):
        RECEIVER.receive(request.headers, BODY)


def test_neither_signature_does_without_the_other() -> None:
    whole = pushed().headers
    for missing in ("signature", "webhook-signature"):
        with pytest.raises(SignatureMissing):
            RECEIVER.receive({name: value for name, value in whole.items() if name != missing}, BODY)
