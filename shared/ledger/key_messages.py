"""The messages between the ledger and its operator about the keys that wrap data keys. No message holds a key."""

import msgspec

from shared.identifiers import Position


class EncryptionKeyState(msgspec.Struct, frozen=True):
    """One key-encryption key: whether it wraps what is new, and how many data keys are wrapped under it."""

    kek_id: str
    current: bool
    data_keys: int


class EncryptionKeys(msgspec.Struct, frozen=True):
    """All key-encryption keys that are there, or that something is wrapped under, the oldest first."""

    keys: tuple[EncryptionKeyState, ...]


class RotateEncryptionKey(msgspec.Struct, frozen=True):
    """Asks for the next key; ``by`` is the account of who asks."""

    by: str


class RotatedEncryptionKey(msgspec.Struct, frozen=True):
    """What a rotation did, and the position of the entry that records it."""

    kek_id: str
    previous: str
    position: Position


class RewrapDataKeys(msgspec.Struct, frozen=True):
    """Asks to wrap the next data keys anew, those after an id (empty: from the first)."""

    after: str = ""
    limit: int = 200


class RewrappedDataKeys(msgspec.Struct, frozen=True):
    """How many data keys were wrapped anew, and the id to go on after; None when none is left."""

    count: int
    after: str | None


class DestroyEncryptionKey(msgspec.Struct, frozen=True):
    """Asks to destroy a key that nothing is wrapped under any more; ``by`` is the account of who asks."""

    kek_id: str
    by: str
