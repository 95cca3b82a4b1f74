"""New names for new entries: nobody can guess one, and they come in the order of time."""

import secrets
import time

from shared.identifiers import EntryId

_VERSION, _VARIANT = 0x7 << 76, 0b10 << 62
_RANDOM_A, _RANDOM_B = (1 << 12) - 1, (1 << 62) - 1


def new_entry_id() -> EntryId:
    """Return a UUID of version 7 (RFC 9562 section 5.7) without its hyphens: milliseconds, then 74 random bits.

    An index of names in the order of time grows at one end. Random ones would each touch another page of it, which
    after some millions of entries is on no page in memory.
    """
    random = secrets.randbits(74)
    fields = (time.time_ns() // 1_000_000 << 80) | _VERSION | (random >> 62 & _RANDOM_A) << 64 | _VARIANT
    return EntryId(f"{fields | random & _RANDOM_B:032x}")
