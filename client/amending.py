"""Where what is said of an earlier record is posted: below the record's own path, by what kind of record it is."""

from shared.errors import InvalidInput
from shared.identifiers import parse_entry_id

COLLECTIONS = {"share": "shares", "withholding": "withholdings", "whereabouts": "whereabouts"}
"""Which kind of record stands where."""

AMENDMENTS = {
    "correct": "corrections",
    "retract": "retractions",
    "dispute": "disputes",
    "withdraw-consent": "consent-withdrawals",
    "review": "reviews",
}
"""Which command posts where below it."""

ONLY_OF = {"withdraw-consent": "share", "review": "withholding"}
"""Which command is for one kind of record alone."""


def amendment_path(command: str, entry_id: str, *, of: str = "share") -> str:
    """Return the path that a command posts to. Raises InvalidInput for what is no record's id, or no kind of record."""
    collection = COLLECTIONS.get(of)
    only_of = ONLY_OF.get(command, of)
    if collection is None or of != only_of:
        raise InvalidInput(
            f"{of!r} is no kind of record that this can be said of", remedy=f"Use: {ONLY_OF.get(command, 'share')}"
        )
    return f"/v1/{collection}/{parse_entry_id(entry_id)}/{AMENDMENTS[command]}"
