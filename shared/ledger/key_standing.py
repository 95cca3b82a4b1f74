"""How an entry's signature stands: by a key that was valid then, and not since known to have been in other hands."""

from enum import StrEnum

from shared.clock import parse_rfc3339
from shared.entries import Entry
from shared.errors import NotPermitted
from shared.ledger.registry import Registry


class Standing(StrEnum):
    """What may be said of an entry's signature with all that is known now."""

    UNSIGNED = "unsigned"
    VALID = "valid"
    SUSPECT = "suspect"
    NOT_VALID = "not_valid"


def standing_of(entry: Entry, registry: Registry) -> Standing:
    """Return how an entry's signature stands.

    ``registry`` is the latest there is, and holds the past as well: whether the key was valid is judged by what the
    entries before this one said, and a key that was revoked or added again later was valid all the same. Whether it is
    suspect is judged by what is known now: it is, from the moment on that a revocation names as ``compromised_from``.
    """
    if entry.key is None:
        return Standing.UNSIGNED
    time = parse_rfc3339(entry.time)
    then = registry.key_at(entry.key, position=entry.position)
    if then is None or then.agency != entry.agency:
        return Standing.NOT_VALID
    try:
        then.check_valid(at=time)
    except NotPermitted:
        return Standing.NOT_VALID
    compromised_from = registry.keys[entry.key].compromised_from
    return Standing.SUSPECT if compromised_from is not None and time >= compromised_from else Standing.VALID
