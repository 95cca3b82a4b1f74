"""An agency's own registration: reading it, and rotating and revoking its own keys by its own signature."""

from collections.abc import Callable
from datetime import datetime

import msgspec
import orjson

from services.gateway.admit_request import Admitted
from services.gateway.domain.obligations import ObligationBook
from services.gateway.ports import Ledger
from services.gateway.record_decision import Sent, idempotency
from shared.clock import Clock, rfc3339
from shared.entries import Obligation
from shared.identifiers import EntryId, KeyThumbprint
from shared.ledger.facts import write_facts
from shared.ledger.messages import Answer, Appended, AppendRequest, Section
from shared.ledger.own_keys import (
    OwnKeyRecord,
    OwnKeyRevocationRecord,
    key_facts,
    leaves_compromise_open,
    revocation_facts,
)
from shared.ledger.registry import KeyFacts, RegisteredKey, Registry, RevocationFacts
from shared.ledger.registry_copy import RegistryCopy
from shared.telling import COMPROMISE_QUEUE, within_the_hour
from shared.vocabulary import EntryType, Urgency

AS_REPORTED, WHEN_FIRST_VALID = "as_reported", "when_first_valid"
"""By whose word a key was compromised from a moment on: the agency's, or nobody's, and so from the first."""


class OwnAgency:
    """What an agency may see and do about itself. The ledger verifies what it signs about its keys once more."""

    def __init__(
        self, *, ledger: Ledger, registry: RegistryCopy, clock: Clock, new_entry_id: Callable[[], EntryId]
    ) -> None:
        self._ledger = ledger
        self._registry = registry
        self._clock = clock
        self._new_entry_id = new_entry_id

    async def read(self, admitted: Admitted) -> bytes:
        """Return as JSON how the agency is registered, with its keys and endpoints, up to what it just changed."""
        await self._registry.refresh()
        return registration(admitted, self._registry.current, at=self._clock.now())

    async def add_key(self, record: OwnKeyRecord, admitted: Admitted, *, sent: Sent) -> Appended:
        """Return the outcome once the key is on record; from then on it signs, beside those that there are.

        Raises InvalidInput and PossessionUnproven for a key that cannot be, Conflict for one that was revoked, is
        another agency's, or is one too many.
        """
        facts = key_facts(record, agency=admitted.agency_id, recorded_at=rfc3339(self._clock.now()))
        said: dict[str, object] = {
            "kind": "agency_key",
            "result": "accepted",
            "key": facts.thumbprint,
            "valid_from": facts.valid_from,
            "valid_until": facts.valid_until,
        }
        return await self._append(EntryType.AGENCY_KEY_ADDED, facts, said, admitted, sent=sent)

    async def revoke_key(
        self, thumbprint: str, record: OwnKeyRevocationRecord, admitted: Admitted, *, sent: Sent
    ) -> Appended:
        """Return the outcome once the key is revoked, for good. A compromise is owed to a person at the exchange.

        Where nobody says since when, all that the key ever signed is suspect, and the answer says that it was taken so.
        Raises InvalidInput, and NotFound for a key that is not the agency's.
        """
        left_open = leaves_compromise_open(record)
        first_valid = await self._first_valid(thumbprint) if left_open else None
        facts = revocation_facts(record, thumbprint=thumbprint, first_valid=first_valid)
        said: dict[str, object] = {
            "kind": "agency_key_revocation",
            "result": "accepted",
            "key": facts.thumbprint,
            "reason": facts.reason,
            "compromised_from": facts.compromised_from,
        }
        if facts.compromised_from is not None:
            said["compromised_from_is"] = WHEN_FIRST_VALID if left_open else AS_REPORTED
        return await self._append(EntryType.AGENCY_KEY_REVOKED, facts, said, admitted, sent=sent)

    async def _first_valid(self, thumbprint: str) -> str | None:
        """Return when a key was first valid, or now if it is not yet; None for a key that nobody has."""
        await self._registry.refresh()
        key = self._registry.current.keys.get(KeyThumbprint(thumbprint))
        return rfc3339(min(key.first_valid(), self._clock.now())) if key is not None else None

    async def _append(
        self,
        entry_type: EntryType,
        facts: KeyFacts | RevocationFacts,
        said: dict[str, object],
        admitted: Admitted,
        *,
        sent: Sent,
    ) -> Appended:
        entry_id = self._new_entry_id()
        return await self._ledger.append(
            AppendRequest(
                entry_id=entry_id,
                type=entry_type,
                idempotency=idempotency(admitted, key=sent.idempotency_key, target=sent.target, body=sent.body),
                answer=Answer(201, said),
                agency=admitted.agency_id,
                key=admitted.key,
                nonce=admitted.nonce,
                facts=write_facts(facts),
                obligations=self._owed(facts, entry_id),
                registry=admitted.registry,
                sections=(Section("body", sent.body), Section("signature", admitted.evidence)),
            )
        )

    def _owed(self, facts: KeyFacts | RevocationFacts, entry_id: EntryId) -> tuple[Obligation, ...]:
        """Return who must look at what a stolen key signed: a person, since only people can tell."""
        book = ObligationBook(self._clock.now())
        if isinstance(facts, RevocationFacts) and facts.compromised_from is not None:
            deadline = within_the_hour(self._clock.now())
            book.owe(COMPROMISE_QUEUE, reason="key_compromised", urgency=Urgency.IMMEDIATE, deadline=deadline)
        return book.obligations(entry_id)


def registration(admitted: Admitted, registry: Registry, *, at: datetime) -> bytes:
    """Return what an agency may know of its own registration: all of it but the sealed safeguarding lead."""
    agency = registry.agencies.get(admitted.agency_id, admitted.agency)
    said: dict[str, object] = {
        **msgspec.to_builtins(agency),
        "keys": [_key(key, at=at) for key in registry.keys_of(admitted.agency_id)],
        "endpoints": [
            {"endpoint": each.endpoint, "recipient": each.recipient, "url": each.url, "key": each.thumbprint}
            for each in registry.endpoints.values()
            if each.recipient in (agency.acts_for, f"agency:{admitted.agency_id}")
        ],
        "registry_position": registry.position,
    }
    return orjson.dumps(said)


def _key(key: RegisteredKey, *, at: datetime) -> dict[str, object]:
    return {
        "key": key.thumbprint,
        "may_sign": key.may_sign(at=at),
        "valid_from": rfc3339(key.valid_from),
        "valid_until": _text(key.valid_until),
        "revoked_at": _text(key.revoked_at),
        "compromised_from": _text(key.compromised_from),
    }


def _text(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment is not None else None
