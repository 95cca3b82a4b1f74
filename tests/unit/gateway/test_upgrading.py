"""While the ledger is of the release before, what an agency says of its own keys reaches it in words that it knows."""

from typing import cast

import msgspec
import orjson
import pytest

from services.gateway.admit_request import Admitted
from services.gateway.own_agency import OwnAgency
from services.gateway.ports import Ledger
from services.gateway.record_decision import Sent
from shared.identifiers import AgencyId, AuthorityCode, EntryId, Position
from shared.ledger.own_keys import OwnKeyRevocationRecord
from shared.ledger.registry import AgencyFacts
from shared.ledger.registry_copy import RegistryCopy
from shared.signatures.keys import generate_signing_key
from tests.machinery.fakes import FakeClock, FakeLedger

KEY = generate_signing_key().public.thumbprint


class RevocationFactsOfBefore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``agency.key_revoked`` as the release before reads them."""

    thumbprint: str
    reason: str
    compromised_from: str | None = None


@pytest.mark.parametrize(
    ("reason", "since"), [("lost", None), ("compromised", "2026-11-24T09:00:00.000000Z"), ("rotated", None)]
)
async def test_a_revocation_is_what_the_ledger_of_before_makes_of_the_signed_body(
    reason: str, since: str | None
) -> None:
    ledger = FakeLedger()
    own = OwnAgency(
        ledger=cast(Ledger, ledger),
        registry=RegistryCopy(ledger),
        clock=FakeClock(),
        new_entry_id=lambda: EntryId("e" * 32),
    )
    agency = AgencyFacts(AgencyId("a-school"), "School", "s11_body", "England", AuthorityCode("E06000005"))
    record = OwnKeyRevocationRecord(reason=reason, compromised_from=since)
    sent = Sent(orjson.dumps(msgspec.to_builtins(record)), "k1", "/v1/agency/keys/…/revocations")
    await own.revoke_key(KEY, record, Admitted(agency, KEY, "n" * 22, b"{}", Position(0)), sent=sent)
    facts = ledger.appended["k1"].facts
    assert msgspec.convert(facts, RevocationFactsOfBefore) == RevocationFactsOfBefore(KEY, reason, since)
    # It compared what it made of the body with the very facts, member by member.
    assert facts == msgspec.to_builtins(RevocationFactsOfBefore(KEY, reason, since))
