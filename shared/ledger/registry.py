"""The registry of agencies, keys and endpoints, rebuilt by folding the ledger's registry entries."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from shared.clock import parse_rfc3339
from shared.entries import Entry
from shared.errors import IntegrityFailure, NotPermitted
from shared.identifiers import AgencyId, AuthorityCode, KeyThumbprint, Position, Recipient
from shared.ledger.changing import Changing
from shared.ledger.facts import read_facts
from shared.ledger.service_keys import ServiceKeys
from shared.vocabulary import EntryType


class AgencyFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``agency.registered``. A later registration of the same agency supersedes the earlier.

    ``home_authority`` is told when an address cannot be placed. ``acts_for`` is who the agency may acknowledge for:
    ``authority:<GSS>``, ``police:<GSS>``, or None. Agreement and policy document are named with their validity
    dates, and when the document is to be looked at again (Data Protection Act 2018 Sch 1 paras 39, 40). ``roles`` are
    what it may do beyond taking part, such as ``auditor``. ``requests_per_minute`` is its own rate limit, if it has
    one. The telephone numbers are an office's and no person's: who acts for an authority is called on them when an
    immediate danger cannot be taken. Its safeguarding lead is a person and stands sealed beside the entry
    (``SafeguardingLead``).
    """

    agency: AgencyId
    name: str
    duty_class: str
    nation: str
    home_authority: AuthorityCode | None
    acts_for: Recipient | None = None
    agreement: str | None = None
    agreement_until: str | None = None
    policy_document: str | None = None
    policy_document_until: str | None = None
    roles: tuple[str, ...] = ()
    agreement_from: str | None = None
    policy_document_from: str | None = None
    policy_document_review: str | None = None
    requests_per_minute: int | None = None
    telephone: str | None = None
    out_of_hours_telephone: str | None = None


class SafeguardingLead(msgspec.Struct, frozen=True):
    """Who leads on safeguarding in an agency, and how to reach them: the ``note`` sealed beside a registration.

    A later registration without one leaves the earlier in force.
    """

    name: str
    contact: str


LEAD_SECTION = "note"


class KeyFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``agency.key_added``: a public key as a JWK, and when it may sign."""

    agency: AgencyId
    thumbprint: KeyThumbprint
    jwk: dict[str, str]
    valid_from: str
    valid_until: str | None = None


class RevocationFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``agency.key_revoked``. What the key signed from ``compromised_from`` on is suspect.

    ``by`` is the account of who revoked it as the operator; what an agency revokes itself, it has signed.
    """

    thumbprint: KeyThumbprint
    reason: str
    compromised_from: str | None = None
    by: str | None = None


class EndpointFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``endpoint.registered``: where a recipient takes pushes, and the key its signed answers carry."""

    endpoint: str
    recipient: Recipient
    url: str
    thumbprint: KeyThumbprint
    jwk: dict[str, str]


class WithdrawalFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``endpoint.withdrawn``."""

    endpoint: str


@dataclass(frozen=True, slots=True)
class RegisteredKey:
    """A public key, whose it is, and from when to when it may sign, as the entry at ``position`` left it.

    ``before`` is how the entries earlier than that left it, so that a replay knows what was valid then.
    """

    thumbprint: KeyThumbprint
    agency: AgencyId
    jwk: Mapping[str, str]
    valid_from: datetime
    valid_until: datetime | None
    revoked_at: datetime | None
    position: Position
    compromised_from: datetime | None = None
    before: "RegisteredKey | None" = None

    def first_valid(self) -> datetime:
        """Return the earliest moment from which the key might ever sign, whatever dates it was given later."""
        earliest, key = self.valid_from, self.before
        while key is not None:
            earliest, key = min(earliest, key.valid_from), key.before
        return earliest

    def may_sign(self, *, at: datetime) -> bool:
        """Return whether the key may sign at that moment."""
        try:
            self.check_valid(at=at)
        except NotPermitted:
            return False
        return True

    def check_valid(self, *, at: datetime) -> None:
        """Return when the key may sign at that moment; raise KeyRevoked or KeyNotValid if not."""
        if self.revoked_at is not None:
            raise KeyRevoked("the key that signed this has been revoked", remedy="Sign with a current key.")
        if at < self.valid_from or (self.valid_until is not None and at >= self.valid_until):
            raise KeyNotValid("the key that signed this is outside its validity dates", remedy="Use a current key.")


NO_POSITION = Position(-1)
"""Before the first entry."""


@dataclass(frozen=True, slots=True)
class Registry:
    """What the registry entries up to ``position`` say. Immutable: ``with_entry`` returns the next state."""

    position: Position = NO_POSITION
    agencies: Mapping[AgencyId, AgencyFacts] = field(default_factory=dict)
    keys: Mapping[KeyThumbprint, RegisteredKey] = field(default_factory=dict)
    endpoints: Mapping[str, EndpointFacts] = field(default_factory=dict)
    service_keys: ServiceKeys = field(default_factory=ServiceKeys)

    def with_entry(self, entry: Entry) -> "Registry":
        """Return the registry after ``entry``. Raises IntegrityFailure when its facts do not fit its type."""
        if entry.type in _FOLDS:
            return self.with_entries((entry,))
        return replace(self, position=entry.position, service_keys=self.service_keys.with_entry(entry))

    def with_entries(self, entries: Iterable[Entry]) -> "Registry":
        """Return the registry after ``entries``, in position order: what is there is copied once, however many."""
        draft = RegistryDraft(self)
        for entry in entries:
            draft.fold(entry)
        return draft.as_it_stands()

    def key_valid_at(self, thumbprint: str, *, at: datetime) -> RegisteredKey:
        """Return the key of that thumbprint if it may sign at that moment.

        Raises UnknownKey, KeyNotValid or KeyRevoked.
        """
        key = self.keys.get(KeyThumbprint(thumbprint))
        if key is None:
            raise UnknownKey("no agency has registered the key that signed this", remedy="Register it, or check keyid.")
        key.check_valid(at=at)
        return key

    def key_at(self, thumbprint: str, *, position: Position) -> RegisteredKey | None:
        """Return a key as the entries before that position left it; None when none of them had added it."""
        key = self.keys.get(KeyThumbprint(thumbprint))
        while key is not None and key.position >= position:
            key = key.before
        return key

    def keys_of(self, agency: AgencyId) -> tuple[RegisteredKey, ...]:
        """Return every key that an agency ever had, in the order in which they were added."""
        return tuple(key for key in self.keys.values() if key.agency == agency)

    def acting_for(self, recipient: Recipient) -> tuple[AgencyFacts, ...]:
        """Return the agencies that acknowledge for an authority or a police force."""
        return tuple(facts for facts in self.agencies.values() if facts.acts_for == recipient)

    def endpoints_of(self, recipient: Recipient) -> tuple[EndpointFacts, ...]:
        """Return where a recipient takes pushes; empty when nowhere."""
        return tuple(facts for facts in self.endpoints.values() if facts.recipient == recipient)


class UnknownKey(NotPermitted):
    """No agency has registered this key."""

    code = "unknown-key"


class KeyNotValid(NotPermitted):
    """The key's validity has not begun or has ended."""

    code = "key-not-valid"


class KeyRevoked(NotPermitted):
    """The key has been revoked."""

    code = "key-revoked"


class RegistryDraft:
    """A registry while entries are folded into it. An entry that does not fit leaves it as the one before did."""

    def __init__(self, before: Registry) -> None:
        self.position = before.position
        self.agencies = Changing(before.agencies)
        self.keys = Changing(before.keys)
        self.endpoints = Changing(before.endpoints)
        self.service_keys = before.service_keys

    def fold(self, entry: Entry) -> None:
        """Take in the next entry. Raises IntegrityFailure when its facts do not fit its type."""
        fold = _FOLDS.get(entry.type)
        if fold is not None:
            fold(self, entry)
        self.service_keys = self.service_keys.with_entry(entry)
        self.position = entry.position

    def as_it_stands(self) -> Registry:
        """Return the registry so far. Fold nothing into the draft afterwards."""
        return Registry(self.position, self.agencies.now, self.keys.now, self.endpoints.now, self.service_keys)


def _agency_registered(draft: RegistryDraft, entry: Entry) -> None:
    facts = read_facts(entry, AgencyFacts)
    draft.agencies.put(facts.agency, facts)


def _key_added(draft: RegistryDraft, entry: Entry) -> None:
    facts = read_facts(entry, KeyFacts)
    known = draft.keys.now.get(facts.thumbprint)
    key = RegisteredKey(
        thumbprint=facts.thumbprint,
        agency=facts.agency,
        jwk=facts.jwk,
        valid_from=parse_rfc3339(facts.valid_from),
        valid_until=parse_rfc3339(facts.valid_until) if facts.valid_until is not None else None,
        # A revoked key stays revoked, whoever adds it again.
        revoked_at=known.revoked_at if known is not None else None,
        position=entry.position,
        compromised_from=known.compromised_from if known is not None else None,
        before=known,
    )
    draft.keys.put(facts.thumbprint, key)


def _key_revoked(draft: RegistryDraft, entry: Entry) -> None:
    facts = read_facts(entry, RevocationFacts)
    key = draft.keys.now.get(facts.thumbprint)
    if key is None:
        raise IntegrityFailure(f"the entry at position {entry.position} revokes a key that was never added")
    said = parse_rfc3339(facts.compromised_from) if facts.compromised_from is not None else None
    # A second revocation may bring a compromise to light, and never makes the first one later or milder.
    since = [each for each in (key.compromised_from, said) if each is not None]
    revoked = replace(
        key,
        revoked_at=key.revoked_at or parse_rfc3339(entry.time),
        compromised_from=min(since, default=None),
        position=entry.position,
        before=key,
    )
    draft.keys.put(facts.thumbprint, revoked)


def _endpoint_registered(draft: RegistryDraft, entry: Entry) -> None:
    facts = read_facts(entry, EndpointFacts)
    draft.endpoints.put(facts.endpoint, facts)


def _endpoint_withdrawn(draft: RegistryDraft, entry: Entry) -> None:
    draft.endpoints.remove(read_facts(entry, WithdrawalFacts).endpoint)


_FOLDS: Mapping[EntryType, Callable[[RegistryDraft, Entry], None]] = {
    EntryType.AGENCY_REGISTERED: _agency_registered,
    EntryType.AGENCY_KEY_ADDED: _key_added,
    EntryType.AGENCY_KEY_REVOKED: _key_revoked,
    EntryType.ENDPOINT_REGISTERED: _endpoint_registered,
    EntryType.ENDPOINT_WITHDRAWN: _endpoint_withdrawn,
}
