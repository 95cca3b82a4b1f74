"""A clock that leaps ahead of the machine's own count of seconds, since another one agreed with it, is not believed."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.ledger.watched_clock import ClockAstray, WatchedClock, counted_s
from shared.stepped_clock import SteppedClock, clock_of
from tests.machinery.fakes import START, FakeClock


class Machine:
    """A machine whose clock can be set, and whose count of seconds cannot; beside it one whose clock is right."""

    def __init__(self, *, wrong_by: timedelta = timedelta(0)) -> None:
        self.clock, self.counted = FakeClock(), 1000.0
        self.right = START
        self.clock.moment += wrong_by
        self.watched = WatchedClock(self.clock, counted_s=lambda: self.counted)

    def pass_(self, *, by_the_clock: timedelta, in_truth: timedelta) -> None:
        self.clock.moment += by_the_clock
        self.counted += in_truth.total_seconds()
        self.right += in_truth

    async def other(self) -> datetime:
        return self.right

    async def check(self) -> None:
        await self.watched.check_against(self.other)


DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


async def test_time_that_passes_by_clock_and_count_alike_is_no_leap_however_long() -> None:
    # A machine that slept counts on.
    machine = Machine()
    await machine.check()
    machine.pass_(by_the_clock=200 * DAY, in_truth=200 * DAY)
    assert machine.watched.now() == START + 200 * DAY


async def test_small_corrections_add_up_to_no_leap() -> None:
    machine = Machine(wrong_by=-4 * MINUTE)
    await machine.check()
    for _ in range(2):
        machine.pass_(by_the_clock=DAY + 4 * MINUTE, in_truth=DAY)
        await machine.check()
        machine.watched.now()


async def test_a_leap_ahead_is_refused_for_as_long_as_it_lasts() -> None:
    machine = Machine()
    await machine.check()
    machine.pass_(by_the_clock=7 * MINUTE, in_truth=MINUTE)
    for _ in range(2):
        with pytest.raises(ClockAstray, match="leapt ahead by 6 minutes"):
            machine.watched.now()
        with pytest.raises(ClockAstray, match="leapt ahead by 6 minutes"):
            await machine.check()
    machine.pass_(by_the_clock=-5 * MINUTE, in_truth=MINUTE)
    assert machine.watched.now() == START + 2 * MINUTE


async def test_a_clock_that_was_set_back_and_is_set_right_again_has_not_leapt() -> None:
    machine = Machine()
    await machine.check()
    machine.pass_(by_the_clock=-DAY, in_truth=MINUTE)
    assert machine.watched.now() == START - DAY
    with pytest.raises(ClockAstray, match="1441 minutes apart"):
        await machine.check()
    machine.pass_(by_the_clock=DAY + 2 * MINUTE, in_truth=MINUTE)
    assert machine.watched.now() == START + 2 * MINUTE
    machine.pass_(by_the_clock=DAY, in_truth=MINUTE)
    with pytest.raises(ClockAstray):
        machine.watched.now()


async def test_a_clock_that_was_behind_from_the_start_is_believed_once_it_is_set_right() -> None:
    machine = Machine(wrong_by=-60 * MINUTE)
    with pytest.raises(ClockAstray, match="60 minutes apart"):
        await machine.check()
    machine.pass_(by_the_clock=61 * MINUTE, in_truth=MINUTE)
    await machine.check()
    assert machine.watched.now() == START + MINUTE


async def test_a_clock_that_was_ahead_from_the_start_may_not_leap_back_to_where_it_was() -> None:
    machine = Machine(wrong_by=600 * MINUTE)
    with pytest.raises(ClockAstray, match="600 minutes apart"):
        await machine.check()
    machine.pass_(by_the_clock=-599 * MINUTE, in_truth=MINUTE)
    await machine.check()
    machine.pass_(by_the_clock=300 * MINUTE, in_truth=MINUTE)
    with pytest.raises(ClockAstray, match="leapt ahead by 299 minutes"):
        machine.watched.now()


async def test_a_clock_that_was_set_back_and_then_agreed_on_is_held_to_that() -> None:
    machine = Machine()
    await machine.check()
    machine.pass_(by_the_clock=-60 * MINUTE, in_truth=MINUTE)
    machine.right -= 61 * MINUTE
    await machine.check()
    machine.pass_(by_the_clock=60 * MINUTE, in_truth=MINUTE)
    with pytest.raises(ClockAstray, match="leapt ahead by 59 minutes"):
        machine.watched.now()


async def test_a_clock_that_is_set_while_the_other_is_asked_vouches_for_nothing() -> None:
    machine = Machine()

    async def leaping() -> datetime:
        machine.pass_(by_the_clock=DAY, in_truth=timedelta(0))
        return machine.right

    await machine.watched.check_against(leaping)
    with pytest.raises(ClockAstray, match="leapt ahead"):
        machine.watched.now()


async def test_what_is_wrong_with_a_clock_is_said_once_and_so_is_that_it_agrees_again() -> None:
    machine = Machine(wrong_by=-60 * MINUTE)
    with capture_logs() as lines:
        for _ in range(3):
            assert await machine.watched.judge(machine.other) is not None
        machine.pass_(by_the_clock=60 * MINUTE, in_truth=timedelta(0))
        for _ in range(3):
            assert await machine.watched.judge(machine.other) is None
        machine.pass_(by_the_clock=60 * MINUTE, in_truth=timedelta(0))
        for _ in range(3):
            assert await machine.watched.judge(machine.other) is not None
    assert [line["event"] for line in lines] == ["ledger_clock_astray", "ledger_clock_agrees", "ledger_clock_astray"]


async def test_the_time_that_another_clock_takes_to_answer_is_not_held_against_it() -> None:
    machine = Machine()

    async def slow() -> datetime:
        said = machine.clock.now()
        machine.pass_(by_the_clock=10 * MINUTE, in_truth=10 * MINUTE)
        return said

    await machine.watched.check_against(slow)


async def test_a_sandbox_may_step_over_years_and_the_machine_under_it_may_not(tmp_path: Path) -> None:
    machine = Machine()
    await machine.check()
    sandbox = clock_of(tmp_path / "clock", real=machine.watched)
    assert isinstance(sandbox, SteppedClock)
    sandbox.step_to(START + 3_650 * DAY)
    assert sandbox.now() == START + 3_650 * DAY
    machine.pass_(by_the_clock=DAY, in_truth=MINUTE)
    with pytest.raises(ClockAstray):
        sandbox.now()


def test_the_systems_count_goes_on() -> None:
    assert 0 < counted_s() <= counted_s()
