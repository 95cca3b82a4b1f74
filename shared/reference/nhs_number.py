"""NHS numbers: ten digits with a check digit modulo 11, and the range that is reserved for tests."""

from dataclasses import dataclass

from stdnum.exceptions import ValidationError
from stdnum.gb import nhs

TEST_PREFIX = "999"
"""999 000 0000 to 999 999 9999 are never issued to anybody."""


@dataclass(frozen=True, slots=True)
class NhsNumber:
    """An NHS number as given: its digits, whether the check digit fits, and whether it is a test number."""

    value: str
    valid: bool
    test_number: bool


def read_nhs_number(text: str) -> NhsNumber:
    """Return what can be said of a number, whatever its spacing. Never raises: a wrong one is flagged."""
    try:
        value = str(nhs.validate(text))
    except ValidationError:
        digits = "".join(character for character in text if character.isdigit())
        return NhsNumber(digits, valid=False, test_number=digits.startswith(TEST_PREFIX))
    return NhsNumber(value, valid=True, test_number=value.startswith(TEST_PREFIX))
