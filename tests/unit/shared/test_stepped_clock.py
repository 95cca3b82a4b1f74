"""A sandbox's clock goes on as told, for whoever reads the same file, and never back."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.errors import InvalidInput
from shared.stepped_clock import SteppedClock

START = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


class Standing:
    """A clock that stands still."""

    def now(self) -> datetime:
        return START


def test_every_reader_of_the_file_goes_on_together(tmp_path: Path) -> None:
    one, other = (SteppedClock(tmp_path / "clock", real=Standing()) for _ in range(2))
    assert other.now() == START
    for hours in (1, 30):
        one.step_to(START + timedelta(hours=hours))
        assert one.now() == other.now() == START + timedelta(hours=hours)


def test_it_does_not_go_back_and_says_what_is_wrong_with_its_file(tmp_path: Path) -> None:
    clock = SteppedClock(tmp_path / "clock", real=Standing())
    clock.step_to(START + timedelta(hours=2))
    with pytest.raises(InvalidInput, match="does not go back"):
        clock.step_to(START + timedelta(hours=1))
    (tmp_path / "clock").write_text("soon")
    with pytest.raises(InvalidInput):
        SteppedClock(tmp_path / "clock", real=Standing()).now()
