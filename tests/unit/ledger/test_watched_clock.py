"""A clock that leaps ahead of the machine's own count of seconds is not believed; whatever else it does, it is."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from services.ledger.watched_clock import ClockAstray, WatchedClock, counted_s
from shared.stepped_clock import SteppedClock, clock_of
from tests.machinery.fakes import START, FakeClock


class Machine:
    """A machine whose clock can be set, and whose count of seconds cannot."""

    def __init__(self) -> None:
        self.clock, self.counted = FakeClock(), 1000.0
        self.watched = WatchedClock(self.clock, counted_s=lambda: self.counted)

    def pass_(self, *, by_the_clock: timedelta, in_truth: timedelta) -> None:
        self.clock.moment += by_the_clock
        self.counted += in_truth.total_seconds()


DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def test_time_that_passes_by_clock_and_count_alike_is_no_leap_however_long() -> None:
    # A machine that slept counts on.
    machine = Machine()
    machine.pass_(by_the_clock=200 * DAY, in_truth=200 * DAY)
    assert machine.watched.now() == START + 200 * DAY


def test_small_corrections_add_up_to_no_leap() -> None:
    machine = Machine()
    for _ in range(10):
        machine.pass_(by_the_clock=DAY + 4 * MINUTE, in_truth=DAY)
        machine.watched.now()


def test_a_leap_ahead_is_refused_for_as_long_as_it_lasts() -> None:
    machine = Machine()
    machine.pass_(by_the_clock=7 * MINUTE, in_truth=MINUTE)
    for _ in range(2):
        with pytest.raises(ClockAstray, match="leapt ahead by 6 minutes"):
            machine.watched.now()
    machine.pass_(by_the_clock=-5 * MINUTE, in_truth=MINUTE)
    assert machine.watched.now() == START + 2 * MINUTE


def test_a_clock_that_was_set_back_and_is_set_right_again_has_not_leapt() -> None:
    machine = Machine()
    machine.pass_(by_the_clock=-DAY, in_truth=MINUTE)
    assert machine.watched.now() == START - DAY
    machine.pass_(by_the_clock=DAY + 2 * MINUTE, in_truth=MINUTE)
    assert machine.watched.now() == START + 2 * MINUTE
    machine.pass_(by_the_clock=DAY, in_truth=MINUTE)
    with pytest.raises(ClockAstray):
        machine.watched.now()


async def test_the_time_that_another_clock_takes_to_answer_is_not_held_against_it() -> None:
    machine = Machine()

    async def slow() -> datetime:
        said = machine.clock.now()
        machine.pass_(by_the_clock=10 * MINUTE, in_truth=10 * MINUTE)
        return said

    await machine.watched.check_against(slow)


def test_a_sandbox_may_step_over_years_and_the_machine_under_it_may_not(tmp_path: Path) -> None:
    machine = Machine()
    sandbox = clock_of(tmp_path / "clock", real=machine.watched)
    assert isinstance(sandbox, SteppedClock)
    sandbox.step_to(START + 3_650 * DAY)
    assert sandbox.now() == START + 3_650 * DAY
    machine.pass_(by_the_clock=DAY, in_truth=MINUTE)
    with pytest.raises(ClockAstray):
        sandbox.now()


def test_the_systems_count_goes_on() -> None:
    assert 0 < counted_s() <= counted_s()
