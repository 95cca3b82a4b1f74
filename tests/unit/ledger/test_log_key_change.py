"""What becomes of the log's keys at a start: which come to sign, which are given up, and what is refused."""

import pytest

from services.ledger.domain.log_key_change import LogKeyChange, key_label, log_key_change
from shared.errors import IntegrityFailure
from shared.ledger.service_keys import ServiceKeys

OLD, NEW, NEXT = (f"log.example/ledger+0000000{number}+AAAA+BBB/{number}" for number in range(1, 4))
BY = "p.ellis"
SINCE = "2026-11-20T00:00:00.000000Z"


def test_a_rotation_adds_the_next_key_and_then_gives_the_old_one_up() -> None:
    assert log_key_change(ServiceKeys(log=(OLD,)), signing=[OLD], changed_by=BY) == LogKeyChange((), ())
    assert log_key_change(ServiceKeys(log=(OLD,)), signing=[OLD, NEW], changed_by=BY) == LogKeyChange((NEW,), ())
    both = ServiceKeys(log=(OLD, NEW))
    assert log_key_change(both, signing=[NEW], changed_by=BY) == LogKeyChange((), (OLD,))
    assert log_key_change(both, signing=[NEW], changed_by=BY, compromised_from=SINCE) == LogKeyChange((), (OLD,))


def test_a_key_that_no_earlier_one_announced_may_not_sign_alone() -> None:
    with pytest.raises(IntegrityFailure, match="no key that this ledger signs with is on record"):
        log_key_change(ServiceKeys(log=(OLD,)), signing=[NEW], changed_by=BY)


def test_the_newest_key_is_not_given_up_as_compromised_for_an_older_one() -> None:
    both = ServiceKeys(log=(OLD, NEW))
    with pytest.raises(IntegrityFailure, match=r"the newest log key, log\.example/ledger\+00000002, would be given up"):
        log_key_change(both, signing=[OLD], changed_by=BY, compromised_from=SINCE)
    # Given up for another reason, or for one that follows it, it may be.
    assert log_key_change(both, signing=[OLD], changed_by=BY) == LogKeyChange((), (NEW,))
    assert log_key_change(both, signing=[OLD, NEXT], changed_by=BY, compromised_from=SINCE) == LogKeyChange(
        (NEXT,), (NEW,)
    )


def test_a_key_that_was_given_up_never_signs_again() -> None:
    rotated = ServiceKeys(log=(NEW,), past_log=(OLD,))
    for signing in ([NEW, OLD], [OLD]):
        with pytest.raises(IntegrityFailure, match=r"ledger\+00000001 was given up") as refused:
            log_key_change(rotated, signing=signing, changed_by=BY)
        assert "Sign with log.example/ledger+00000002. To replace it, make a new key" in str(refused.value.remedy)


@pytest.mark.parametrize("signing", [[OLD, NEW, NEXT], [NEW]])
def test_a_key_comes_or_goes_only_by_the_doing_of_somebody_who_is_named(signing: list[str]) -> None:
    both = ServiceKeys(log=(OLD, NEW))
    with pytest.raises(IntegrityFailure, match="nobody says whose doing it is") as refused:
        log_key_change(both, signing=signing, changed_by=None)
    assert "LEDGER_LOG_KEY_CHANGED_BY" in str(refused.value.remedy)
    assert log_key_change(both, signing=[OLD, NEW], changed_by=None) == LogKeyChange((), ())


def test_a_key_is_named_without_its_bytes() -> None:
    assert key_label(OLD) == "log.example/ledger+00000001"
