"""What followed from a record: the message by which the ledger tells its amendments and everybody who was told."""

import msgspec

from shared.entries import Obligation, RoleFact
from shared.identifiers import ChildRef, EntryId, Recipient
from shared.ledger.messages import StoredEntry


class RecordHistoryQuery(msgspec.Struct, frozen=True):
    """Asks what followed from the record that an entry is, amends or was caused by."""

    entry_id: EntryId


class RecordHistory(msgspec.Struct, frozen=True):
    """A record and what followed from it, oldest first.

    ``later`` are its amendments, where a person passed it on, and the share that a withholding ended in; ``told`` is
    everybody who was or will be told what it says, ``owed`` everything put to anybody because of it. ``version`` and
    ``roles`` are the child's, to decide on; 0 and nothing for a record about no child.
    """

    record: StoredEntry
    later: tuple[StoredEntry, ...]
    told: tuple[Recipient, ...]
    child: ChildRef | None
    version: int
    roles: tuple[RoleFact, ...]
    owed: tuple[Obligation, ...] = ()
