"""Moments in the queries of reads, where a plus sign would be read as a space."""

from shared.clock import parse_rfc3339, rfc3339
from shared.errors import InvalidInput

HOW_TO_WRITE_IT = "Write it as 2026-11-24T10:52:00Z, or with the plus sign of its offset as %2B: …T11:52:00%2B01:00."


def query_moment(text: str) -> str:
    """Return a moment in UTC as the ledger writes it. Raises InvalidInput that says how a query writes one."""
    try:
        return rfc3339(parse_rfc3339(text))
    except InvalidInput as error:
        raise InvalidInput(error.detail, remedy=HOW_TO_WRITE_IT) from error
