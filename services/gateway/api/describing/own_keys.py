"""The members of what an agency says of its own keys."""

from collections.abc import Mapping

from services.gateway.api.describing.member import Member, Members, code, record_format, text
from shared.ledger.own_keys import REASONS


def _moment(says: str, example: str) -> Member:
    return Member(says, example, format="date-time", closed=True)


OWN_KEYS: Mapping[str, Members] = {
    "OwnKeyRecord": {
        "format": record_format("safeguarding-exchange/agency-key/v1"),
        "jwk": text(
            "The new public key (RFC 7517)",
            {"crv": "Ed25519", "kty": "OKP", "x": "P_mLv-rw7iivajzOiRrbU0v7W_XVOBSceX-eymxW93A"},
        ),
        "proof": text(
            "The new key's own signature, which shows that the agency holds it",
            "WqYNsN1mvN0y9X-1k9AviIVE6hJ-s38ezgm8Ga7f2AGlwhyJRRqTLQ6Am96pKL9PtNzqw-xjq8Kn_A7kiJZzBw",
        ),
        "valid_from": _moment("From when it may sign; at once, if it is left out", "2026-12-01T00:00:00Z"),
        "valid_until": _moment("Until when it may sign", "2028-12-01T00:00:00Z"),
    },
    "OwnKeyRevocationRecord": {
        "format": record_format("safeguarding-exchange/agency-key-revocation/v1"),
        "reason": code("Why; another word is kept sealed", "compromised", REASONS),
        "compromised_from": _moment(
            "Since when it may have been in other hands; left out of a compromise, from when it was first valid",
            "2026-11-23T08:00:00Z",
        ),
    },
}
