"""What each type of entry is: one row for each, from which every list of types is made."""

from collections.abc import Mapping
from enum import Flag, auto

from shared.vocabulary import EntryType


class Is(Flag):
    """What holds of a type of entry. A type may be several of these at once."""

    BY_AGENCY = auto()
    """An agency signs it, and it comes through the gateway."""
    BY_NOTIFIER = auto()
    """The notifier says it, with an agency's system's signature where one took a push."""
    BY_OPERATOR = auto()
    """Whoever runs the exchange says it."""
    BY_LEDGER = auto()
    """The ledger says it itself, of itself or of what it was asked."""
    REGISTRY = auto()
    """The registry of agencies, keys and endpoints, and the ledger's own keys, are rebuilt from it."""
    STEWARDSHIP = auto()
    """It says what must be kept, what may go and who says so: holds, proposals and erasures are rebuilt from it."""
    RECORD = auto()
    """An agency's own record begins with it."""
    AMENDMENT = auto()
    """It says something of an earlier record, which stands as it was (UK GDPR Art 16, 19)."""
    WITHHOLDING = auto()
    """It shows that something is withheld: for the agency that withholds it, and for auditors, alone.

    What it puts to somebody wants a decision: that a person owns it is not enough.
    """
    TELLING = auto()
    """It says how far the telling of somebody has come, or whose it is now."""
    PASSES_ON = auto()
    """Its obligations tell their recipients what an earlier record says."""
    FOLLOWS = auto()
    """It belongs to the history of the record that is its first cause."""
    SETTLES = auto()
    """It decides everything that was put to somebody because of a withholding, and names it."""
    LOOK = auto()
    """It says that somebody looked at what is recorded about a child (G12)."""


_AMENDS = Is.BY_AGENCY | Is.AMENDMENT | Is.PASSES_ON | Is.FOLLOWS

ENTRY_TYPES: Mapping[EntryType, Is] = {
    EntryType.LEDGER_OPENED: Is.BY_LEDGER | Is.REGISTRY,
    EntryType.AGENCY_REGISTERED: Is.BY_OPERATOR | Is.REGISTRY,
    EntryType.AGENCY_KEY_ADDED: Is.BY_OPERATOR | Is.BY_AGENCY | Is.REGISTRY,
    EntryType.AGENCY_KEY_REVOKED: Is.BY_OPERATOR | Is.BY_AGENCY | Is.REGISTRY,
    EntryType.ENDPOINT_REGISTERED: Is.BY_OPERATOR | Is.REGISTRY,
    EntryType.ENDPOINT_WITHDRAWN: Is.BY_OPERATOR | Is.REGISTRY,
    EntryType.ENCRYPTION_KEY_ROTATED: Is.BY_LEDGER | Is.REGISTRY,
    EntryType.ENCRYPTION_KEY_DESTROYED: Is.BY_LEDGER | Is.REGISTRY,
    EntryType.LOG_KEY_ADDED: Is.BY_LEDGER | Is.REGISTRY,
    EntryType.LOG_KEY_RETIRED: Is.BY_LEDGER | Is.REGISTRY,
    EntryType.SHARE_RECORDED: Is.BY_AGENCY | Is.RECORD | Is.SETTLES,
    EntryType.WITHHOLDING_RECORDED: Is.BY_AGENCY | Is.RECORD | Is.WITHHOLDING,
    EntryType.WHEREABOUTS_REPORTED: Is.BY_AGENCY | Is.RECORD,
    EntryType.HOUSING_NOTICE_RECORDED: Is.BY_AGENCY | Is.RECORD,
    EntryType.RECORD_CORRECTED: _AMENDS,
    EntryType.RECORD_RETRACTED: _AMENDS,
    EntryType.RECORD_DISPUTED: _AMENDS,
    EntryType.CONSENT_WITHDRAWN: _AMENDS,
    EntryType.WITHHOLDING_REVIEWED: _AMENDS | Is.WITHHOLDING | Is.SETTLES,
    EntryType.WITHHOLDING_REOPENED: Is.BY_NOTIFIER | Is.WITHHOLDING | Is.FOLLOWS,
    EntryType.WITHHOLDING_REVIEW_OVERDUE: Is.BY_NOTIFIER | Is.WITHHOLDING | Is.FOLLOWS,
    EntryType.CHILD_MOVE_SUSPECTED: Is.BY_NOTIFIER | Is.PASSES_ON | Is.FOLLOWS,
    EntryType.NOTIFICATION_DELIVERED: Is.BY_NOTIFIER | Is.TELLING,
    EntryType.NOTIFICATION_RECEIVED: Is.BY_NOTIFIER | Is.BY_AGENCY | Is.TELLING,
    EntryType.NOTIFICATION_OWNED: Is.BY_AGENCY | Is.TELLING,
    EntryType.NOTIFICATION_DECIDED: Is.BY_AGENCY | Is.TELLING,
    EntryType.NOTIFICATION_QUEUED: Is.BY_NOTIFIER | Is.TELLING,
    EntryType.NOTIFICATION_OVERDUE: Is.BY_NOTIFIER | Is.TELLING | Is.FOLLOWS,
    EntryType.QUEUE_ASSIGNED: Is.BY_OPERATOR | Is.TELLING,
    EntryType.QUEUE_RESOLVED: Is.BY_OPERATOR | Is.TELLING | Is.PASSES_ON | Is.FOLLOWS,
    EntryType.CONTENT_OPENED: Is.BY_LEDGER | Is.LOOK,
    EntryType.CHRONOLOGY_READ: Is.BY_LEDGER | Is.LOOK,
    EntryType.CHILD_SEARCHED: Is.BY_LEDGER | Is.LOOK,
    EntryType.AUDIT_OPENED: Is.BY_LEDGER,
    EntryType.REQUEST_CONFLICTED: Is.BY_LEDGER,
    EntryType.HOLD_PLACED: Is.BY_OPERATOR | Is.STEWARDSHIP,
    EntryType.HOLD_LIFTED: Is.BY_OPERATOR | Is.STEWARDSHIP,
    EntryType.ERASURE_PROPOSED: Is.BY_OPERATOR | Is.STEWARDSHIP,
    EntryType.ERASURE_APPROVED: Is.BY_OPERATOR | Is.STEWARDSHIP,
    EntryType.ERASURE_RECORDED: Is.BY_OPERATOR | Is.STEWARDSHIP,
    EntryType.ERASURE_WITHDRAWN: Is.BY_OPERATOR | Is.STEWARDSHIP,
    EntryType.RETENTION_PROPOSED: Is.BY_OPERATOR | Is.STEWARDSHIP,
    EntryType.RETENTION_APPROVED: Is.BY_OPERATOR | Is.STEWARDSHIP,
    EntryType.RETENTION_WITHDRAWN: Is.BY_OPERATOR | Is.STEWARDSHIP,
    EntryType.APPROVER_KEY_ADDED: Is.BY_OPERATOR | Is.STEWARDSHIP,
    EntryType.APPROVER_KEY_REVOKED: Is.BY_OPERATOR | Is.STEWARDSHIP,
}


def types_that_are(*kinds: Is) -> frozenset[EntryType]:
    """Return the types of which at least one of these holds whole: of ``A | B``, both."""
    return frozenset(each for each, holds in ENTRY_TYPES.items() if any(kind in holds for kind in kinds))


REGISTRY_TYPES = types_that_are(Is.REGISTRY)
OWN_KEY_TYPES = types_that_are(Is.REGISTRY | Is.BY_AGENCY)
STEWARDSHIP_TYPES = types_that_are(Is.STEWARDSHIP)
RECORD_TYPES = types_that_are(Is.RECORD)
AMENDMENT_TYPES = types_that_are(Is.AMENDMENT)
WITHHOLDING_TYPES = types_that_are(Is.WITHHOLDING)
CONTENT_TYPES = types_that_are(Is.RECORD, Is.AMENDMENT)
"""Entries that tell something new about a child. After an erasure they begin a new reference."""
LOOK_TYPES = types_that_are(Is.LOOK)
SETTLING_TYPES = types_that_are(Is.SETTLES)
"""Decisions about a withholding: each settles everything that was put to somebody because of it."""
