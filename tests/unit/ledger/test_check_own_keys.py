"""The ledger records of an agency's keys what the agency itself signed, whatever a gateway says."""

from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
import orjson
import pytest

from client.own_key import own_key_record
from services.ledger.check_own_keys import NotWhatWasSigned, check_own_key
from shared.canonical_json import Json, canonical_bytes
from shared.clock import rfc3339
from shared.errors import ExchangeError, InvalidInput
from shared.identifiers import AgencyId, AuthorityCode, EntryId
from shared.ledger.messages import Answer, AppendRequest, Idempotency, Section
from shared.ledger.own_keys import KEYS_PATH, OwnKeyRecord, key_facts, revocations_path
from shared.ledger.registry import AgencyFacts, KeyFacts, Registry, UnknownKey
from shared.signatures.content_digest import content_digest
from shared.signatures.errors import DigestMismatch, SignatureInvalid
from shared.signatures.key_possession import PossessionUnproven
from shared.signatures.keys import Algorithm, SigningKey, generate_signing_key
from shared.signatures.message import RequestParts, Tag
from shared.signatures.request_signature import read_signature, sign_request, verify_request
from shared.vocabulary import EntryType
from tests.machinery.fakes import START, FakeClock, FakeLedger

SCHOOL = AgencyId("a-school")
OLD, NEW, STOLEN = generate_signing_key(), generate_signing_key(), generate_signing_key()
NOW = rfc3339(START)


def registry() -> Registry:
    """The school, with its old key."""
    agency = AgencyFacts(SCHOOL, "School", "s11_body", "England", AuthorityCode("E06000005"))
    key = KeyFacts(SCHOOL, OLD.public.thumbprint, OLD.public.jwk(), NOW)
    ledger = FakeLedger()
    ledger.add(EntryType.AGENCY_REGISTERED, facts=msgspec.to_builtins(agency))
    ledger.add(EntryType.AGENCY_KEY_ADDED, facts=msgspec.to_builtins(key))
    return Registry().with_entries(ledger.stored)


@dataclass
class Gateway:
    """A gateway as it should be, each part of which a test may bend before it asks the ledger."""

    record: dict[str, Json] = field(default_factory=lambda: own_key_record(NEW, agency=SCHOOL))
    path: str = KEYS_PATH
    signer: SigningKey = OLD
    nonce: str = "n" * 22
    type: EntryType = EntryType.AGENCY_KEY_ADDED

    def asks(self) -> AppendRequest:
        body = orjson.dumps(self.record)
        return AppendRequest(
            entry_id=EntryId("f" * 32),
            type=self.type,
            idempotency=Idempotency(f"agency:{SCHOOL}", "k1", b""),
            answer=Answer(201, {}),
            agency=SCHOOL,
            key=OLD.public.thumbprint,
            nonce=self.nonce,
            facts=self.facts(),
            sections=(Section("body", body), Section("signature", self.evidence(body))),
        )

    def facts(self) -> dict[str, object]:
        if self.type is EntryType.AGENCY_KEY_REVOKED:
            return {"thumbprint": OLD.public.thumbprint, "reason": "lost", "compromised_from": None}
        asked = msgspec.convert(self.record, OwnKeyRecord)
        facts: dict[str, object] = msgspec.to_builtins(key_facts(asked, agency=SCHOOL, recorded_at=NOW))
        return facts

    def evidence(self, body: bytes) -> bytes:
        headers = {
            "content-type": "application/json",
            "content-digest": content_digest(body),
            "idempotency-key": "k1",
        }
        parts = RequestParts("POST", "exchange.example", self.path.encode(), headers)
        created = int(START.timestamp())
        made = sign_request(parts, key=self.signer, tag=Tag.REQUEST, created=created, nonce="n" * 22, has_body=True)
        signed = RequestParts(parts.method, parts.authority, parts.raw_target, {**headers, **made})
        verified = verify_request(
            signed, read_signature(signed), key=self.signer.public, tag=Tag.REQUEST, now=START, has_body=True
        )
        return canonical_bytes(
            {
                "base": verified.base.decode("ascii"),
                "signature_input": made["signature-input"],
                "signature": made["signature"],
                "content_digest": headers["content-digest"],
            }
        )


def check(request: AppendRequest) -> None:
    check_own_key(request, registry(), clock=FakeClock())


def test_what_the_agency_signed_passes() -> None:
    check(Gateway().asks())
    check(REVOCATION)
    # As gateways of this release write it: by nobody but the agency that signed.
    check(bent(REVOCATION, facts={**REVOCATION.facts, "by": None}))


def theft(since: str | None, **said: Json) -> AppendRequest:
    """Return a revocation whose agency reports a theft, recorded by the gateway as from a moment on."""
    revocation = Gateway(
        record={"reason": "compromised", **said},
        path=revocations_path(OLD.public.thumbprint),
        type=EntryType.AGENCY_KEY_REVOKED,
    )
    facts = {"thumbprint": OLD.public.thumbprint, "reason": "compromised", "compromised_from": since}
    return bent(revocation.asks(), facts=facts)


def test_a_theft_that_nobody_dates_makes_all_that_the_key_signed_suspect() -> None:
    for enough in (NOW, rfc3339(START - timedelta(days=1))):
        check(theft(enough))
    for too_little in (None, rfc3339(START + timedelta(seconds=1))):
        with pytest.raises(NotWhatWasSigned):
            check(theft(too_little))


def test_a_theft_is_dated_as_its_agency_dates_it() -> None:
    reported = rfc3339(START + timedelta(hours=1))
    check(theft(reported, compromised_from=reported))
    for since in (None, NOW):
        with pytest.raises(NotWhatWasSigned):
            check(theft(since, compromised_from=reported))


def bent(request: AppendRequest, **changes: object) -> AppendRequest:
    return msgspec.structs.replace(request, **changes)


def with_body(request: AppendRequest, record: dict[str, Json]) -> AppendRequest:
    return bent(request, sections=(Section("body", orjson.dumps(record)), request.sections[1]))


REVOCATION = Gateway(
    record={"reason": "lost"}, path=revocations_path(OLD.public.thumbprint), type=EntryType.AGENCY_KEY_REVOKED
).asks()
_FACTS = Gateway().facts()
_STOLEN = own_key_record(STOLEN, agency=SCHOOL)
BENT: dict[str, tuple[AppendRequest, type[ExchangeError]]] = {
    "facts of another key": (
        bent(
            Gateway().asks(),
            facts={**_FACTS, "thumbprint": STOLEN.public.thumbprint, "jwk": dict(STOLEN.public.jwk())},
        ),
        NotWhatWasSigned,
    ),
    "another end": (bent(Gateway().asks(), facts={**_FACTS, "valid_until": "2126-01-01T00:00:00Z"}), NotWhatWasSigned),
    "a revocation in the name of somebody at the exchange": (
        bent(REVOCATION, facts={**REVOCATION.facts, "by": "p.ellis"}),
        NotWhatWasSigned,
    ),
    "a member that says nothing": (bent(REVOCATION, facts={**REVOCATION.facts, "note": "x"}), NotWhatWasSigned),
    "another body than was signed": (with_body(Gateway().asks(), _STOLEN), DigestMismatch),
    "signed for another path": (Gateway(path="/v1/shares").asks(), NotWhatWasSigned),
    "signed with another nonce": (Gateway(nonce="m" * 22).asks(), NotWhatWasSigned),
    "signed by a key of the gateway's own": (Gateway(signer=STOLEN).asks(), SignatureInvalid),
    "said to be by a key nobody registered": (
        bent(Gateway(signer=STOLEN).asks(), key=STOLEN.public.thumbprint),
        UnknownKey,
    ),
    "said to be another agency's": (bent(Gateway().asks(), agency=AgencyId("a-nursery")), NotWhatWasSigned),
    "another idempotency key": (
        bent(Gateway().asks(), idempotency=Idempotency(f"agency:{SCHOOL}", "k2", b"")),
        NotWhatWasSigned,
    ),
    "an addition kept as a revocation": (
        bent(
            Gateway().asks(),
            type=EntryType.AGENCY_KEY_REVOKED,
            facts={"thumbprint": OLD.public.thumbprint, "reason": "other", "compromised_from": None},
        ),
        NotWhatWasSigned,
    ),
}


@pytest.mark.parametrize("how", BENT)
def test_a_gateway_that_bends_anything_gets_no_key_in(how: str) -> None:
    request, refusal = BENT[how]
    with pytest.raises(refusal):
        check(request)


UNPROVEN: dict[str, dict[str, Json]] = {
    "no proof": {"proof": ""},
    "a proof for another agency": {"proof": own_key_record(NEW, agency="a-nursery")["proof"]},
    "a proof by another key": {"proof": _STOLEN["proof"]},
    "a proof that is no signature": {"proof": "A" * 86},
}


@pytest.mark.parametrize("lacking", UNPROVEN)
def test_a_key_is_taken_only_from_who_shows_that_they_hold_it(lacking: str) -> None:
    record = msgspec.convert({**own_key_record(NEW, agency=SCHOOL), **UNPROVEN[lacking]}, OwnKeyRecord)
    with pytest.raises(PossessionUnproven):
        key_facts(record, agency=SCHOOL, recorded_at=NOW)


@pytest.mark.parametrize("wrong", [{"jwk": {}}, {"valid_until": "tomorrow"}])
def test_a_key_or_a_date_that_is_none_is_refused(wrong: dict[str, Json]) -> None:
    record = msgspec.convert({**own_key_record(NEW, agency=SCHOOL), **wrong}, OwnKeyRecord)
    with pytest.raises(InvalidInput):
        key_facts(record, agency=SCHOOL, recorded_at=NOW)


def test_keys_on_p_256_prove_themselves_alike() -> None:
    key = generate_signing_key(Algorithm.ECDSA_P256_SHA256)
    record = msgspec.convert(own_key_record(key, agency=SCHOOL), OwnKeyRecord)
    assert key_facts(record, agency=SCHOOL, recorded_at=NOW).thumbprint == key.public.thumbprint
