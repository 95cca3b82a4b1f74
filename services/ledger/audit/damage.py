"""Stored entries that are not what they were: said in the same words wherever a question comes upon them."""

from shared.errors import IntegrityFailure


def damaged(found: str) -> IntegrityFailure:
    """Return the error that ends a question where the ledger is damaged, and says what to run next."""
    return IntegrityFailure(
        f"the ledger is damaged here: {found}",
        remedy="Run `exchange audit verify`: it names every position that is not as it was.",
    )
