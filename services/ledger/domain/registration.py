"""What the registry may be told next: an entry that would take a key from its owner, or name nobody, is refused.

Folding (``shared.ledger.registry``) only reads what is in the ledger; this decides what may come into it.
"""

import re
from datetime import date

from shared.clock import parse_rfc3339
from shared.entries import Entry
from shared.errors import Conflict, InvalidInput, NotFound
from shared.identifiers import KeyThumbprint
from shared.ledger.facts import read_facts
from shared.ledger.registry import AgencyFacts, EndpointFacts, KeyFacts, Registry, RevocationFacts, WithdrawalFacts
from shared.vocabulary import AgencyRole, EntryType

MOST_KEYS = 16
"""How many of an agency's own keys may be able to sign, now or later: rotation needs two, and the registry is held in
memory by every process."""

_TELEPHONE = re.compile(r"\+?[0-9][0-9 ]{2,19}\Z")


class KeyBelongsToAnother(Conflict):
    """The key signs for another agency. A decision must never change hands with its key."""

    code = "key-belongs-to-another"


class KeyRevokedForGood(Conflict):
    """The key was revoked, and no registration brings it back."""

    code = "key-revoked-for-good"


class TooManyKeys(Conflict):
    """The agency has as many keys as it may have."""

    code = "too-many-keys"


class NotRegistered(NotFound):
    """No agency, key or endpoint of that name is registered."""

    code = "not-registered"


def check_registration(entry: Entry, registry: Registry) -> None:
    """Return when a registry entry may follow what the registry holds; raise if not.

    An entry that an agency signed is about that agency's own keys. Raises NotRegistered, KeyBelongsToAnother,
    KeyRevokedForGood, TooManyKeys, InvalidInput for what cannot be meant, or IntegrityFailure when its facts do not fit
    its type.
    """
    match entry.type:
        case EntryType.AGENCY_REGISTERED:
            _check_agency(read_facts(entry, AgencyFacts))
        case EntryType.AGENCY_KEY_ADDED:
            _check_key(entry, read_facts(entry, KeyFacts), registry)
        case EntryType.AGENCY_KEY_REVOKED:
            _check_revocation(entry, read_facts(entry, RevocationFacts), registry)
        case EntryType.ENDPOINT_REGISTERED:
            kind, _, name = read_facts(entry, EndpointFacts).recipient.partition(":")
            if kind == "queue":
                raise InvalidInput("a human queue takes no pushes", remedy="See: exchange queue list")
            if kind == "agency" and name not in registry.agencies:
                raise _no_such_agency(name)
        case EntryType.ENDPOINT_WITHDRAWN:
            if read_facts(entry, WithdrawalFacts).endpoint not in registry.endpoints:
                raise NotRegistered(
                    "no endpoint of that name is registered", remedy="See: exchange authority endpoint list"
                )
        case _:
            return


def _check_agency(facts: AgencyFacts) -> None:
    if set(facts.roles) - {role.value for role in AgencyRole}:
        raise InvalidInput("an agency is registered with a role that does not exist")
    _check_dates("the sharing agreement", facts.agreement, facts.agreement_from, facts.agreement_until)
    _check_dates("the policy document", facts.policy_document, facts.policy_document_from, facts.policy_document_until)
    _check_dates("the policy document's review", facts.policy_document, facts.policy_document_review, None)
    if facts.requests_per_minute is not None and facts.requests_per_minute < 1:
        raise InvalidInput(
            "a rate limit is one request a minute at least", remedy="To stop an agency, revoke its keys."
        )
    for number in (facts.telephone, facts.out_of_hours_telephone):
        if number is not None and not _TELEPHONE.match(number):
            raise InvalidInput("a telephone number is digits and spaces, with a plus sign before them or none")


def _check_dates(what: str, named: str | None, since: str | None, until: str | None) -> None:
    if named is None and (since or until):
        raise InvalidInput(f"{what} has dates and no name", remedy="Name it too.")
    for day in (since, until):
        if day is not None:
            try:
                date.fromisoformat(day)
            except ValueError as error:
                raise InvalidInput(f"{what} has a date that is none", remedy="Write it as 2027-03-31.") from error
    if since is not None and until is not None and until < since:
        raise InvalidInput(f"{what} ends before it begins")


def _check_key(entry: Entry, facts: KeyFacts, registry: Registry) -> None:
    if facts.agency not in registry.agencies:
        raise _no_such_agency(facts.agency)
    if entry.agency not in (None, facts.agency):
        raise InvalidInput("an agency adds keys of its own only")
    since = parse_rfc3339(facts.valid_from)
    until = parse_rfc3339(facts.valid_until) if facts.valid_until is not None else None
    if until is not None and until <= since:
        raise InvalidInput("the key would end before it begins")
    known = registry.keys.get(facts.thumbprint)
    if known is None:
        now = parse_rfc3339(entry.time)
        living = [
            key
            for key in registry.keys_of(facts.agency)
            if key.revoked_at is None and (key.valid_until is None or key.valid_until > now)
        ]
        if entry.agency is not None and len(living) >= MOST_KEYS:
            raise TooManyKeys(
                f"the agency has {MOST_KEYS} keys that may sign, now or later", remedy="Revoke those that are not used."
            )
        return
    if known.agency != facts.agency:
        raise KeyBelongsToAnother(
            f"the key signs for {known.agency}, and a key has one owner for ever",
            remedy="Make a new key: exchange keygen",
        )
    if known.revoked_at is not None:
        raise KeyRevokedForGood(
            "the key was revoked and stays so, whoever adds it again", remedy="Make a new key: exchange keygen"
        )


def _check_revocation(entry: Entry, facts: RevocationFacts, registry: Registry) -> None:
    known = registry.keys.get(KeyThumbprint(facts.thumbprint))
    if known is None or entry.agency not in (None, known.agency):
        # An agency is told nothing of other agencies' keys, nor sent to a list that only the operator has.
        listed = "exchange agency list" if entry.agency is None else "GET /v1/agency, or exchange registration"
        raise NotRegistered("no key of that thumbprint is registered", remedy=f"See: {listed}")
    if facts.compromised_from is not None and parse_rfc3339(facts.compromised_from) > parse_rfc3339(entry.time):
        raise InvalidInput("a key was compromised at a moment that has passed")


def _no_such_agency(agency: str) -> NotRegistered:
    return NotRegistered(f"no agency {agency} is registered", remedy=f"First: exchange agency add {agency} …")
