"""Stored entries that are not what they were: said in the same words wherever a question comes upon them."""

from shared.errors import IntegrityFailure


class LedgerDamaged(IntegrityFailure):
    """Stored entries are not what was recorded: nothing is told from them."""

    code = "ledger-damaged"


def damaged(found: str) -> LedgerDamaged:
    """Return the error that ends a question where the ledger is damaged, and says what to run next."""
    return LedgerDamaged(
        f"the ledger is damaged here: {found}",
        remedy="Run `exchange audit verify`: it names every position that is not as it was.",
    )
