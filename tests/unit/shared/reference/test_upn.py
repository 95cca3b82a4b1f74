"""Unique pupil numbers are told from what only looks like one."""

import pytest

from shared.reference.upn import is_upn


@pytest.mark.parametrize("upn", ["B801200005001", "P207000016049", "N841999926001", "M84199992601A", "n841999 926001"])
def test_a_number_whose_check_letter_fits_is_one(upn: str) -> None:
    assert is_upn(upn)


# The second is printed as an example in vendors' help pages, with a sum that is wrong.
@pytest.mark.parametrize("upn", ["A801200005001", "Q207000016049", "B80120000500", "B80120000500I", "", "not one"])
def test_anything_else_is_none(upn: str) -> None:
    assert not is_upn(upn)
