"""Numbers in the queries of reads, whose routes must not break on whatever a reader sends."""

from shared.errors import InvalidInput


def query_number(text: str, *, least: int) -> int:
    """Return a position or a limit. Raises InvalidInput when it is no whole number, less than ``least`` or huge."""
    try:
        number = int(text)
    except ValueError as error:
        raise InvalidInput("a position or a limit is a whole number") from error
    if not least <= number < 2**63:
        raise InvalidInput("a position or a limit is out of range")
    return number
