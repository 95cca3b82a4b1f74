"""What an agency says of its own keys, and the facts that it becomes: read alike by the gateway and by the ledger."""

import re

import msgspec

from shared.clock import parse_rfc3339, rfc3339
from shared.errors import InvalidInput
from shared.identifiers import AgencyId, KeyThumbprint
from shared.ledger.registry import KeyFacts, RevocationFacts
from shared.signatures.key_possession import verify_possession
from shared.signatures.keys import public_key_from_jwk

KEYS_PATH = "/v1/agency/keys"

OTHER_REASON = "other"
COMPROMISED = "compromised"
REASONS = frozenset({"rotated", "lost", COMPROMISED, "person_left"})
"""Why a key is revoked, whether its agency does it or the operator."""

_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}\Z")


class OwnKeyRecord(msgspec.Struct, frozen=True):
    """A key that an agency adds to its own, signed by one that it has. ``proof`` is the new key's own signature.

    A key that it has already may be given again, with other dates.
    """

    format: str | None = None
    jwk: dict[str, str] = {}
    proof: str = ""
    valid_from: str | None = None
    valid_until: str | None = None


class OwnKeyRevocationRecord(msgspec.Struct, frozen=True):
    """That an agency revokes a key of its own, why, and since when it may have been in other hands.

    A compromise that leaves open since when is one from when the key was first valid: a theft is reported in a hurry.
    """

    format: str | None = None
    reason: str | None = None
    compromised_from: str | None = None


def revocations_path(thumbprint: str) -> str:
    """Return where a key's revocation is posted."""
    return f"{KEYS_PATH}/{thumbprint}/revocations"


def key_facts(record: OwnKeyRecord, *, agency: AgencyId, recorded_at: str) -> KeyFacts:
    """Return the facts of the key that an agency adds. It counts from ``recorded_at`` when the record does not say.

    Raises InvalidInput when the key or a date is not one, PossessionUnproven when the agency does not show that it
    holds it.
    """
    key = public_key_from_jwk(record.jwk)
    verify_possession(record.proof, agency=agency, key=key)
    return KeyFacts(
        agency=agency,
        thumbprint=key.thumbprint,
        jwk=key.jwk(),
        valid_from=_moment(record.valid_from) or recorded_at,
        valid_until=_moment(record.valid_until),
    )


def leaves_compromise_open(record: OwnKeyRevocationRecord) -> bool:
    """Return whether a revocation reports a compromise and does not say since when."""
    return record.reason == COMPROMISED and record.compromised_from is None


def revocation_facts(
    record: OwnKeyRevocationRecord, *, thumbprint: str, first_valid: str | None = None
) -> RevocationFacts:
    """Return the facts of a revocation. A reason that is none of the list is kept, sealed, and stands as ``other``.

    A compromise that leaves open since when stands as from ``first_valid``, when the key was first valid.
    """
    if not _THUMBPRINT.match(thumbprint):
        raise InvalidInput("not the thumbprint of a key", remedy="See: GET /v1/agency")
    said = _moment(record.compromised_from)
    return RevocationFacts(
        thumbprint=KeyThumbprint(thumbprint),
        reason=record.reason if record.reason in REASONS else OTHER_REASON,
        compromised_from=first_valid if leaves_compromise_open(record) else said,
    )


def _moment(text: str | None) -> str | None:
    return rfc3339(parse_rfc3339(text)) if text is not None else None
