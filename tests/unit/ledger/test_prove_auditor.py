"""The ledger opens for an auditor's own word alone, whatever a gateway says in its name."""

import msgspec
import orjson
import pytest

from services.ledger.break_glass import TARGET, AskedToOpen
from services.ledger.prove_auditor import (
    AuditorProver,
    NotAnAuditor,
    OpeningUnexplained,
    check_explained,
    check_way_in,
)
from shared.clock import rfc3339
from shared.errors import ExchangeError, InvalidInput, NotPermitted
from shared.identifiers import AgencyId, AuthorityCode, Position
from shared.ledger.audit_messages import SignedOpening
from shared.ledger.registry import AgencyFacts, KeyFacts, Registry, UnknownKey
from shared.signatures.errors import DigestMismatch, SignatureInvalid
from shared.signatures.keys import SigningKey, generate_signing_key
from shared.vocabulary import EntryType
from tests.machinery.evidence import IDEMPOTENCY_KEY, NONCE, evidence_of
from tests.machinery.fakes import START, FakeClock, FakeLedger

AUDITOR, SCHOOL = AgencyId("an-auditor"), AgencyId("a-school")
KEY, SCHOOLS, STOLEN = generate_signing_key(), generate_signing_key(), generate_signing_key()
ASKED = AskedToOpen("a" * 32, "body", "inspection", "Inspection 12.")


def registry() -> Registry:
    """Return an auditor and a school, each with its key."""
    ledger = FakeLedger()
    for agency, roles, key in ((AUDITOR, ("auditor",), KEY), (SCHOOL, (), SCHOOLS)):
        facts = AgencyFacts(agency, "Name", "s11_body", "England", AuthorityCode("E06000005"), roles=roles)
        ledger.add(EntryType.AGENCY_REGISTERED, facts=msgspec.to_builtins(facts))
        added = KeyFacts(agency, key.public.thumbprint, key.public.jwk(), rfc3339(START))
        ledger.add(EntryType.AGENCY_KEY_ADDED, facts=msgspec.to_builtins(added))
    return Registry().with_entries(ledger.stored)


def signed(*, signer: SigningKey = KEY, asked: object = ASKED, path: str = TARGET, **bent: object) -> SignedOpening:
    """Return an opening as a gateway brings it to the ledger, any part of it bent."""
    body = orjson.dumps(msgspec.to_builtins(asked))
    opening = SignedOpening(
        agency=AUDITOR,
        key=signer.public.thumbprint,
        nonce=NONCE,
        idempotency_key=IDEMPOTENCY_KEY,
        target=TARGET,
        body=body,
        evidence=orjson.dumps(evidence_of(signer, body=body, path=path)),
        registry=Position(3),
    )
    return msgspec.structs.replace(opening, **bent)


def prove(opening: SignedOpening) -> AskedToOpen:
    return AuditorProver(registry, FakeClock()).prove(opening, target=TARGET, shape=AskedToOpen)


def test_what_an_auditor_signed_is_what_is_opened() -> None:
    assert prove(signed()) == ASKED


BENT: dict[str, tuple[SignedOpening, type[ExchangeError]]] = {
    "signed by an agency that is no auditor": (signed(signer=SCHOOLS, agency=SCHOOL), NotAnAuditor),
    "said to be another agency's": (signed(agency=SCHOOL), NotAnAuditor),
    "signed by a key that nobody registered": (signed(signer=STOLEN), UnknownKey),
    "signed by another key than it says": (signed(signer=STOLEN, key=KEY.public.thumbprint), SignatureInvalid),
    "another body than was signed": (signed(body=orjson.dumps({"entry": "b" * 32})), DigestMismatch),
    "signed for another path": (signed(path="/v1/shares"), NotAnAuditor),
    "said to be for another path": (signed(target="/v1/audit/signatures"), NotAnAuditor),
    "another idempotency key": (signed(idempotency_key="another"), NotAnAuditor),
    "another nonce": (signed(nonce="m" * 22), NotAnAuditor),
    "a body that asks for nothing": (signed(asked={"entry": 7}), InvalidInput),
}


@pytest.mark.parametrize("how", BENT)
def test_a_gateway_that_bends_anything_has_nothing_opened(how: str) -> None:
    opening, refusal = BENT[how]
    with pytest.raises(refusal):
        prove(opening)


def test_only_the_gateway_brings_what_is_signed_and_it_brings_nothing_else() -> None:
    check_way_in("gateway", signed())
    check_way_in("auditor", None)
    for caller, opening in (("gateway", None), ("auditor", signed())):
        with pytest.raises(NotPermitted):
            check_way_in(caller, opening)


@pytest.mark.parametrize(("reason", "note"), [("curiosity", "Because."), ("", "Because."), ("inspection", "  ")])
def test_nothing_is_opened_without_a_reason_in_code_and_in_words(reason: str, note: str) -> None:
    with pytest.raises(OpeningUnexplained):
        check_explained(reason, note)
