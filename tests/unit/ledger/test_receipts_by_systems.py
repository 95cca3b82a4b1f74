"""What a recipient's system signed when it took a push is checked with the endpoint's key, and for that very push."""

from base64 import b64encode
from collections.abc import Callable, Mapping

import orjson
import pytest
from msgspec.structs import replace

from services.ledger.audit.signatures import SignatureCheck, SignatureReport
from shared.entries import Commitment, Entry
from shared.identifiers import EntryId, ObligationId, Position
from shared.ledger.audit_messages import OpenedSignature
from shared.ledger.stewardship import SCOPE_ENTRY, Target
from shared.signatures.content_digest import content_digest
from shared.signatures.keys import SigningKey, generate_signing_key
from shared.signatures.message import RequestParts, ResponseParts, Tag
from shared.signatures.receipt_evidence import receipt_evidence
from shared.signatures.request_signature import sign_request
from shared.signatures.response_signature import sign_response
from shared.vocabulary import EntryType
from tests.machinery.approvals import erasing

OURS, THEIRS, OTHER = generate_signing_key(), generate_signing_key(), generate_signing_key()
OBLIGATION = ObligationId("a" * 32 + "-0")
URL = "https://csc.example:8443/pushes?from=exchange"
PUSH, ANSWER = b'{"specversion":"1.0"}', b'{"taken":true}'


def receipt(
    key: SigningKey = THEIRS,
    *,
    obligation: str = OBLIGATION,
    target: bytes = b"/pushes?from=exchange",
    status: int = 200,
) -> bytes:
    """Return what is kept when a system takes a push, signing with a key."""
    unsigned = {
        "content-type": "application/cloudevents+json",
        "content-digest": content_digest(PUSH),
        "idempotency-key": obligation,
    }
    parts = RequestParts("POST", "csc.example:8443", target, unsigned)
    made = sign_request(parts, key=OURS, tag=Tag.PUSH, created=1_790_000_000, nonce="n" * 16, has_body=True)
    push = RequestParts("POST", "csc.example:8443", target, {**unsigned, **made})
    answered = {"content-type": "application/json", "content-digest": content_digest(ANSWER)}
    unsigned_answer = ResponseParts(status, answered)
    signature = sign_response(unsigned_answer, request=push, key=key, created=1_790_000_001)
    return receipt_evidence(ResponseParts(status, {**answered, **signature}), request=push)


def registered(position: int, key: SigningKey = THEIRS, *, url: str = URL) -> Entry:
    """Return the entry that says where an authority takes pushes."""
    facts = {
        "endpoint": "e1",
        "recipient": "authority:E06000005",
        "url": url,
        "thumbprint": key.public.thumbprint,
        "jwk": dict(key.public.jwk()),
    }
    return Entry(Position(position), EntryId(f"{position:032x}"), EntryType.ENDPOINT_REGISTERED, TIME, facts=facts)


TIME = "2026-11-24T10:00:00.000000Z"
RECEIVED = Entry(
    Position(1),
    EntryId("b" * 32),
    EntryType.NOTIFICATION_RECEIVED,
    TIME,
    facts={"obligation": OBLIGATION, "state": "received", "endpoint": "e1", "by": "push"},
    commitments={"signature": Commitment("0" * 64, "0" * 64)},
)


def checked(kept: bytes | None, *before: Entry, after: tuple[Entry, ...] = ()) -> SignatureReport:
    """Return what a check of one receipt finds, after some entries and before others."""
    report = SignatureReport()
    checking = SignatureCheck(report, compromised={})
    for each in before or (registered(0),):
        checking.take(each, None)
    at = Position(len(before) or 1)
    checking.take(replace(RECEIVED, position=at), OpenedSignature(at, kept))
    for each in after:
        checking.take(each, None)
    checking.end()
    return report


def test_a_receipt_by_the_endpoints_key_for_this_push_is_good() -> None:
    report = checked(receipt())
    assert (report.receipts, report.bad) == (1, [])


def test_a_push_that_was_under_way_when_its_endpoint_was_withdrawn_is_still_good() -> None:
    withdrawn = Entry(Position(1), EntryId("c" * 32), EntryType.ENDPOINT_WITHDRAWN, TIME, facts={"endpoint": "e1"})
    assert checked(receipt(), registered(0), withdrawn).receipts == 1


@pytest.mark.parametrize(
    ("kept", "before"),
    [
        pytest.param(receipt(OTHER), registered(0), id="by another key"),
        pytest.param(receipt(), registered(0, OTHER), id="by a key that was not the endpoint's"),
        pytest.param(receipt(obligation="b" * 32 + "-0"), registered(0), id="for another notification"),
        pytest.param(receipt(target=b"/elsewhere"), registered(0), id="for what was sent elsewhere"),
        pytest.param(receipt(), registered(0, url="https://csc.example/pushes"), id="at another address"),
        pytest.param(receipt(status=503), registered(0), id="that says it was not taken"),
        pytest.param(
            receipt(), replace(registered(0), facts={**registered(0).facts, "endpoint": "e2"}), id="by nobody"
        ),
    ],
)
def test_a_receipt_that_proves_something_else_is_named(kept: bytes, before: Entry) -> None:
    report = checked(kept, before)
    assert (report.receipts, [each.position for each in report.bad]) == (0, [1])


SPOILT: Mapping[str, Callable[[dict[str, str]], object]] = {
    "the answer's base": lambda kept: kept.update(base=kept["base"].replace("200", "201")),
    "the answer's signature": lambda kept: kept.update(signature=f"sig1=:{b64encode(bytes(64)).decode()}:"),
    "the answer's input": lambda kept: kept.update(
        signature_input=kept["signature_input"].replace("created=1790000001", "created=1790000002")
    ),
    "the push's signature": lambda kept: kept.update(request_signature=f"sig1=:{b64encode(bytes(64)).decode()}:"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_receipt_of_which_something_was_changed_is_named(what: str) -> None:
    kept = orjson.loads(receipt())
    SPOILT[what](kept)
    report = checked(orjson.dumps(kept))
    assert (report.receipts, len(report.bad)) == (0, 1)


def test_what_was_erased_or_kept_without_what_was_signed_is_counted_apart() -> None:
    facts = erasing(Target(SCOPE_ENTRY, None, RECEIVED.id))
    erasure = Entry(Position(2), EntryId("d" * 32), EntryType.ERASURE_RECORDED, TIME, facts=facts)
    erased, older = checked(None, after=(erasure,)), checked(b'{"status":200}')
    assert (erased.receipts, erased.receipts_not_openable, erased.not_openable, erased.bad) == (0, 1, 0, [])
    gone = checked(None)
    assert (gone.receipts_not_openable, [each.position for each in gone.bad]) == (0, [1])
    assert (older.receipts, older.receipts_not_whole, older.bad) == (0, 1, [])
