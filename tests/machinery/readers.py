"""Readers with keys, their signed requests, and the parts that prove them, in memory."""

from dataclasses import dataclass, field

import msgspec

from services.ledger.reading.prove_reader import ReaderProver
from services.ledger.reading.record_look import LookRecorder
from shared.canonical_json import canonical_bytes
from shared.clock import rfc3339
from shared.errors import Unavailable
from shared.identifiers import AgencyId, AuthorityCode, Position
from shared.ledger.messages import Appended, AppendRequest
from shared.ledger.reading_messages import SignedRead
from shared.ledger.registry import AgencyFacts, KeyFacts
from shared.ledger.registry_copy import RegistryCopy
from shared.signatures.content_digest import content_digest
from shared.signatures.keys import SigningKey, generate_signing_key
from shared.signatures.message import RequestParts, Tag
from shared.signatures.request_signature import read_signature, sign_request, verify_request
from shared.vocabulary import EntryType
from tests.machinery.cases import SCHOOL
from tests.machinery.fakes import START, FakeClock, FakeLedger

KEY = generate_signing_key()
AUTHORITY = "exchange.example"


@dataclass
class Registered:
    """A ledger whose registry knows one agency and its key, and a clock."""

    ledger: FakeLedger = field(default_factory=FakeLedger)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        agency = AgencyFacts(SCHOOL, "School", "s11_body", "England", AuthorityCode("E06000005"))
        self.ledger.add(EntryType.AGENCY_REGISTERED, facts=msgspec.to_builtins(agency))
        added = KeyFacts(SCHOOL, KEY.public.thumbprint, KEY.public.jwk(), rfc3339(START))
        self.ledger.add(EntryType.AGENCY_KEY_ADDED, facts=msgspec.to_builtins(added))

    def prover(self) -> ReaderProver:
        """Return what proves readers by that registry."""
        return ReaderProver(registry=RegistryCopy(self.ledger), clock=self.clock, real_clock=self.clock)


def signed_read(
    target: str, *, body: bytes = b"", nonce: str = "n" * 20, agency: AgencyId = SCHOOL, key: SigningKey = KEY
) -> SignedRead:
    """Return a request that was just signed, with its evidence as the gateway makes it."""
    method = "POST" if body else "GET"
    headers = {"content-type": "application/json", "content-digest": content_digest(body), "idempotency-key": "k"}
    unsigned = RequestParts(method, AUTHORITY, target.encode(), headers if body else {})
    signature = sign_request(
        unsigned,
        key=key,
        tag=Tag.REQUEST,
        created=int(START.timestamp()),
        nonce=nonce,
        has_body=bool(body),
    )
    parts = RequestParts(method, AUTHORITY, target.encode(), {**unsigned.headers, **signature})
    verified = verify_request(
        parts, read_signature(parts), key=key.public, tag=Tag.REQUEST, now=START, has_body=bool(body)
    )
    evidence = canonical_bytes(
        {
            "base": verified.base.decode("ascii"),
            "signature_input": parts.headers["signature-input"],
            "signature": parts.headers["signature"],
            "content_digest": parts.headers.get("content-digest", ""),
        }
    )
    return SignedRead(agency, key.public.thumbprint, nonce, method, target, body, evidence, Position(1))


@dataclass
class Appends:
    """Takes appends and keeps them; the same idempotency key again is a repeat. ``failing`` refuses them all."""

    taken: list[AppendRequest] = field(default_factory=list)
    failing: bool = False

    async def __call__(self, request: AppendRequest) -> Appended:
        if self.failing:
            raise Unavailable("the ledger cannot write")
        repeated = request.idempotency.key in {each.idempotency.key for each in self.taken}
        self.taken.append(request)
        return Appended(Position(len(self.taken)), 200, b"{}", repeated)

    def recorder(self) -> LookRecorder:
        """Return a recorder of looks into these."""
        return LookRecorder(self, bytes)
