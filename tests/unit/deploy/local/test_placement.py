import os
from pathlib import Path

import pytest

from deploy.local.placement import LONGEST_SOCKET_PATH_BYTES, RECORD_NAME, Owner, can_reach, socket_directory

_NAME = "ledger.sock"


def test_a_short_path_stays_where_it_was_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wanted = tmp_path / "run"
    assert socket_directory(wanted, longest_name=_NAME) == wanted


def test_a_path_too_long_for_a_socket_gives_a_short_one_that_is_found_again(tmp_path: Path) -> None:
    wanted = tmp_path / ("long" * 30)
    first = socket_directory(wanted, longest_name=_NAME)
    try:
        assert len(os.fsencode(first / _NAME)) <= LONGEST_SOCKET_PATH_BYTES
        assert socket_directory(wanted, longest_name=_NAME) == first
    finally:
        first.rmdir()
    again = socket_directory(wanted, longest_name=_NAME)
    assert again != first
    again.rmdir()


def test_a_recorded_folder_that_others_can_enter_or_that_is_a_link_is_not_trusted(tmp_path: Path) -> None:
    wanted = tmp_path / ("long" * 30)
    wanted.mkdir()
    open_to_all, link = tmp_path / "open", tmp_path / "link"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    link.symlink_to(tmp_path)
    for distrusted in (open_to_all, link):
        (wanted / RECORD_NAME).write_text(str(distrusted), encoding="utf-8")
        placed = socket_directory(wanted, longest_name=_NAME)
        assert placed != distrusted
        placed.rmdir()


def test_another_user_cannot_reach_what_is_in_a_closed_folder(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    stranger = Owner(uid=os.geteuid() + 54321, gid=os.getegid() + 54321)
    assert not can_reach(closed / "inside", owner=stranger)
    assert can_reach(closed / "inside", owner=Owner.myself())
