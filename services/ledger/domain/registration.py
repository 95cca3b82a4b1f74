"""What the registry may be told next: an entry that would take a key from its owner, or name nobody, is refused.

Folding (``shared.ledger.registry``) only reads what is in the ledger; this decides what may come into it.
"""

from shared.entries import Entry
from shared.errors import Conflict, InvalidInput, NotFound
from shared.identifiers import KeyThumbprint
from shared.ledger.facts import read_facts
from shared.ledger.registry import AgencyFacts, EndpointFacts, KeyFacts, Registry, RevocationFacts, WithdrawalFacts
from shared.vocabulary import AgencyRole, EntryType


class KeyBelongsToAnother(Conflict):
    """The key signs for another agency. A decision must never change hands with its key."""

    code = "key-belongs-to-another"


class KeyRevokedForGood(Conflict):
    """The key was revoked, and no registration brings it back."""

    code = "key-revoked-for-good"


class NotRegistered(NotFound):
    """No agency, key or endpoint of that name is registered."""

    code = "not-registered"


def check_registration(entry: Entry, registry: Registry) -> None:
    """Return when a registry entry may follow what the registry holds; raise if not.

    Raises NotRegistered, KeyBelongsToAnother, KeyRevokedForGood, or IntegrityFailure when its facts do not fit its
    type.
    """
    match entry.type:
        case EntryType.AGENCY_REGISTERED:
            unknown = set(read_facts(entry, AgencyFacts).roles) - {role.value for role in AgencyRole}
            if unknown:
                raise InvalidInput("an agency is registered with a role that does not exist")
        case EntryType.AGENCY_KEY_ADDED:
            _check_key(read_facts(entry, KeyFacts), registry)
        case EntryType.AGENCY_KEY_REVOKED:
            if KeyThumbprint(read_facts(entry, RevocationFacts).thumbprint) not in registry.keys:
                raise NotRegistered("no key of that thumbprint is registered", remedy="See: exchange agency list")
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


def _check_key(facts: KeyFacts, registry: Registry) -> None:
    if facts.agency not in registry.agencies:
        raise _no_such_agency(facts.agency)
    known = registry.keys.get(facts.thumbprint)
    if known is None:
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


def _no_such_agency(agency: str) -> NotRegistered:
    return NotRegistered(f"no agency {agency} is registered", remedy=f"First: exchange agency add {agency} …")
