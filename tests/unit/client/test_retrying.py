"""When a request is sent again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.retrying import Retrying, retry_after_s

PATIENT = Retrying(attempts=10, first_wait_s=0.5, longest_wait_s=30.0)


@given(st.integers(0, 8), st.floats(0, 1), st.none() | st.floats(0, 30))
def test_a_wait_doubles_up_to_its_bound_and_is_never_shorter_than_was_asked(
    attempt: int, jitter: float, asked_s: float | None
) -> None:
    wait_s = PATIENT.wait_s(attempt, jitter=jitter, retry_after_s=asked_s)
    assert wait_s is not None
    whole = min(30.0, 0.5 * 2**attempt)
    assert max(whole / 2, asked_s or 0) <= wait_s <= max(whole, asked_s or 0)


def test_two_agencies_that_were_cut_off_together_do_not_come_back_together() -> None:
    assert PATIENT.wait_s(3, jitter=0.1) != PATIENT.wait_s(3, jitter=0.9)


def test_after_the_last_attempt_it_gives_up() -> None:
    assert PATIENT.wait_s(8, jitter=0) is not None
    assert PATIENT.wait_s(9, jitter=0) is None
    assert Retrying(attempts=1).wait_s(0, jitter=0) is None


def test_it_gives_up_when_it_is_asked_to_wait_for_longer_than_a_request_can() -> None:
    assert PATIENT.wait_s(0, jitter=0, retry_after_s=31) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("0", 0.0), ("120", 120.0), (None, None), ("", None), ("-1", None), ("soon", None), ("٣", None), ("9" * 10, None)],
)
def test_only_seconds_are_read_from_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header) == seconds
