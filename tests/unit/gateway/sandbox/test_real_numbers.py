"""A real number is found wherever it stands in a body, and nothing else is taken for one."""

import pytest

from services.gateway.sandbox.real_numbers import has_real_number


@pytest.mark.parametrize(
    "body", [b'"943 476 5919"', b'"value":"9434765919"', b"her number is 943-476-5919.", b"NHS9434765919"]
)
def test_a_valid_number_outside_the_test_range_is_found(body: bytes) -> None:
    assert has_real_number(body)


@pytest.mark.parametrize(
    "body",
    [
        b'"999 007 3104"',
        b'"9434765918"',
        b'"01632960011"',
        b'"2026-11-24T10:50:00Z"',
        b"94347659190",
        b"",
        b'"nonce":"9434765919abcdef0123"',
        b'"ab9434765919cdee0123456789abcdef"',
    ],
)
def test_test_numbers_and_other_digits_pass(body: bytes) -> None:
    assert not has_real_number(body)
