"""Why the operator revokes an agency's key: one of the codes that agencies give for their own."""

from datetime import datetime

from shared.errors import InvalidInput
from shared.ledger.own_keys import COMPROMISED, REASONS

CODES = ", ".join(sorted(REASONS))


def check_reason(reason: str, *, compromised_from: datetime | None) -> None:
    """Return when a key may be revoked for that reason. Raises InvalidInput, saying what to give instead."""
    if reason not in REASONS:
        raise InvalidInput("a key is not revoked for that reason", remedy=f"Give one of these codes: {CODES}.")
    if reason == COMPROMISED and compromised_from is None:
        # Without it nothing that the key signed would be suspect, and no revocation is taken back.
        raise InvalidInput(
            "a compromised key is revoked as from when it was in other hands",
            remedy="Give --compromised-from, the moment from which what it signed is in doubt; when nobody knows it, "
            "the day on which the key was registered.",
        )
