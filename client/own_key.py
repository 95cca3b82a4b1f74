"""What an agency says of a key that it adds to its own."""

from shared.canonical_json import Json
from shared.identifiers import parse_agency_id
from shared.signatures.key_possession import prove_possession
from shared.signatures.keys import SigningKey

FORMAT = "safeguarding-exchange/agency-key/v1"

REVOCATION_REASONS = ("rotated", "lost", "compromised", "person_left")
"""Why a key is revoked. The exchange keeps another word sealed, and takes it for none of these."""


def own_key_record(
    new: SigningKey, *, agency: str, valid_from: str | None = None, valid_until: str | None = None
) -> dict[str, Json]:
    """Return the record that adds a key, with the proof that its private half is held, for one agency."""
    return {
        "format": FORMAT,
        "jwk": {**new.public.jwk()},
        "proof": prove_possession(parse_agency_id(agency), new),
        "valid_from": valid_from,
        "valid_until": valid_until,
    }
