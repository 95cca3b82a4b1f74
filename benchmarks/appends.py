"""Append requests for the benchmarks: distinct shares as the gateway asks for them, and the agency that signs them."""

import gc
import secrets

import msgspec

from benchmarks.records import share_body
from shared.clock import SystemClock, rfc3339
from shared.entries import Obligation, RoleFact
from shared.fresh_ids import new_entry_id
from shared.identifiers import AgencyId, AuthorityCode, authority_recipient, obligation_id
from shared.ledger.messages import Answer, AppendRequest, ChildIdentifier, Idempotency, NamedChild, Section
from shared.ledger.registry import AgencyFacts, KeyFacts
from shared.signatures.keys import generate_signing_key
from shared.vocabulary import EntryType

AGENCY = AgencyId("bench-school")
DARLINGTON = AuthorityCode("E06000005")

_KEY = generate_signing_key()
_EVIDENCE = b'{"base":"' + b"x" * 700 + b'"}'


def payload() -> bytes:
    """Return as many bytes as a share's two sealed sections have: what a peer stores for one append."""
    return share_body() + _EVIDENCE


def shares(count: int) -> list[AppendRequest]:
    """Return distinct shares, made before the clock starts, as pgbench's statement is."""
    made = [_share() for _ in range(count)]
    # What lies ready here must not lengthen the ledger's search for reference cycles.
    gc.freeze()
    return made


def registrations() -> list[AppendRequest]:
    """Return what makes the agency and its key known to a ledger."""
    facts = AgencyFacts(AGENCY, "School", "s11_body", "England", DARLINGTON)
    key = KeyFacts(AGENCY, _KEY.public.thumbprint, _KEY.public.jwk(), rfc3339(SystemClock().now()))
    made = []
    for entry_type, each in ((EntryType.AGENCY_REGISTERED, facts), (EntryType.AGENCY_KEY_ADDED, key)):
        name = new_entry_id()
        made.append(
            AppendRequest(
                entry_id=name,
                type=entry_type,
                idempotency=Idempotency("service:operator", name, b"register"),
                answer=Answer(201, {}),
                facts=msgspec.to_builtins(each),
            )
        )
    return made


def _share() -> AppendRequest:
    entry_id = new_entry_id()
    body = share_body()
    return AppendRequest(
        entry_id=entry_id,
        type=EntryType.SHARE_RECORDED,
        idempotency=Idempotency(f"agency:{AGENCY}", secrets.token_hex(16), body),
        answer=Answer(201, {"kind": "share", "result": "accepted", "advice": [], "told": []}),
        agency=AGENCY,
        key=_KEY.public.thumbprint,
        nonce=secrets.token_urlsafe(16),
        child=NamedChild(
            None,
            0,
            (ChildIdentifier(f"local:{AGENCY}", entry_id, identifying=True),),
            (RoleFact("living_at", DARLINGTON),),
        ),
        facts={"level": "significant_harm", "level_as_given": "known", "consent": "not_sought"},
        obligations=(
            Obligation(
                obligation_id(entry_id, ordinal=0),
                authority_recipient(DARLINGTON),
                ("lives_in_area",),
                "same_day",
                "2026-11-25T17:00:00.000000Z",
                "working_days:England",
                "recorded",
            ),
        ),
        sections=(Section("body", body), Section("signature", _EVIDENCE)),
    )
