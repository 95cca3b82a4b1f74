from pathlib import Path

import pytest

from deploy.local.occupancy import Occupancy
from shared.errors import Conflict


def test_a_folder_is_used_by_one_at_a_time_and_can_be_given_up(tmp_path: Path) -> None:
    first, second = Occupancy(tmp_path / "home"), Occupancy(tmp_path / "home")
    first.claim()
    first.claim()
    with pytest.raises(Conflict, match="another process uses"):
        second.claim()
    first.release()
    second.claim()
    second.release()
