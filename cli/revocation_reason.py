"""Why an agency's key is revoked, by the agency itself or by the operator: one of the same codes."""

from datetime import datetime

from shared.errors import InvalidInput
from shared.ledger.own_keys import COMPROMISED, REASONS

CODES = ", ".join(sorted(REASONS))


def check_listed(reason: str) -> None:
    """Return when a reason is one of the codes. Raises InvalidInput, saying which there are: `stolen` is none."""
    if reason not in REASONS:
        raise InvalidInput("a key is not revoked for that reason", remedy=f"Give one of these codes: {CODES}.")


def check_reason(reason: str, *, compromised_from: datetime | None) -> None:
    """Return when the operator may revoke a key for that reason. Raises InvalidInput, saying what to give instead.

    The operator must say from when a compromised key was in other hands; its agency, in a hurry, need not.
    """
    check_listed(reason)
    if reason == COMPROMISED and compromised_from is None:
        # Without it nothing that the key signed would be suspect, and no revocation is taken back.
        raise InvalidInput(
            "a compromised key is revoked as from when it was in other hands",
            remedy="Give --compromised-from, the moment from which what it signed is in doubt; when nobody knows it, "
            "the day on which the key was registered.",
        )
