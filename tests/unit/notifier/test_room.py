"""No host takes the room of another, and one that is silent takes little."""

import pytest

from services.notifier.room import IN_ALL, TO_A_SILENT_HOST, TO_ONE_HOST, Room, host_of


def test_a_host_has_its_own_room_until_all_is_taken() -> None:
    room = Room()
    for _ in range(TO_ONE_HOST):
        room.enter("a")
    assert (room.left("a"), room.left("b")) == (0, TO_ONE_HOST)
    for number in range(IN_ALL - TO_ONE_HOST):
        room.enter(f"host-{number}")
    assert (room.left("b"), room.left_in_all()) == (0, 0)
    room.leave("a")
    assert (room.left("a"), room.left("b")) == (1, 1)


def test_a_silent_host_has_room_for_one_until_it_answers() -> None:
    room = Room()
    room.note("a", answered=False)
    assert (room.left("a"), room.left("b")) == (TO_A_SILENT_HOST, TO_ONE_HOST)
    room.note("a", answered=True)
    assert room.left("a") == TO_ONE_HOST


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://A.example/push", "a.example"),
        ("https://a.example:8443/", "a.example:8443"),
        ("https://[bad", "https://[bad"),
        ("nothing", "nothing"),
    ],
)
def test_recipients_at_one_host_share_its_room_whatever_their_paths(url: str, host: str) -> None:
    assert host_of(url) == host
