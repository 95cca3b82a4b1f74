"""One that keeps failing is asked ever less often, and soon not waited for; one success makes it as good as new."""

from services.ledger.domain.patience import GIVEN_UP_AFTER, LONGEST_WAIT_S, Patience


def test_each_wait_is_twice_the_one_before_up_to_a_minute() -> None:
    patience, waits = Patience(), []
    for _ in range(9):
        patience = patience.after_failure(now_s=1_000.0)
        waits.append(patience.wait_s(now_s=1_000.0))
    assert waits == [1, 2, 4, 8, 16, 32, LONGEST_WAIT_S, LONGEST_WAIT_S, LONGEST_WAIT_S]
    assert patience.wait_s(now_s=1_030.0) == 30
    assert patience.wait_s(now_s=2_000.0) == 0


def test_it_is_given_up_after_so_many_failures_in_a_row_and_not_before() -> None:
    patience = Patience()
    for _ in range(GIVEN_UP_AFTER - 1):
        patience = patience.after_failure(now_s=0.0)
    assert not patience.is_given_up
    assert patience.after_failure(now_s=0.0).is_given_up
