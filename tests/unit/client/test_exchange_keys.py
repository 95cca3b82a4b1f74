"""What is no document of the exchange's keys is refused with what to give instead."""

import pytest

from client.exchange_keys import parse_keys
from shared.errors import InvalidInput


@pytest.mark.parametrize(
    "document",
    [b"<html>Not found</html>", b"[]", b"7", b'{"type": "/problems/not-found", "status": 404}'],
    ids=["a page", "a list", "a number", "a problem"],
)
def test_whoever_gave_an_address_with_a_path_in_it_is_told_to_leave_the_path_out(document: bytes) -> None:
    with pytest.raises(InvalidInput, match="not the exchange's document of keys") as refused:
        parse_keys(document)
    assert "with no path after it" in refused.value.remedy
