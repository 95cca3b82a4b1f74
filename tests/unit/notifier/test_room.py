"""No host and no endpoint takes the room of another, and what is silent takes little."""

from services.notifier.channels import Channel
from services.notifier.room import IN_ALL, TO_ONE_ENDPOINT, TO_ONE_HOST, TO_THE_SILENT, Room
from shared.identifiers import Recipient
from shared.ledger.registry import EndpointFacts
from shared.signatures.keys import generate_signing_key

KEY = generate_signing_key().public


def channel(endpoint: str, host: str) -> Channel:
    return Channel(EndpointFacts(endpoint, Recipient("agency:x"), "http://x", KEY.thumbprint, KEY.jwk()), host)


A, B, C, ELSEWHERE = channel("a", "one"), channel("b", "one"), channel("c", "one"), channel("d", "other")


def filled(room: Room, *channels: Channel) -> Room:
    for each in channels:
        room.enter(each)
    return room


def test_an_endpoint_has_its_own_room_a_host_has_more_and_all_have_the_most() -> None:
    room = filled(Room(), *[A] * TO_ONE_ENDPOINT)
    assert (room.left(A), room.left(B), room.left(ELSEWHERE)) == (0, TO_ONE_HOST - TO_ONE_ENDPOINT, TO_ONE_ENDPOINT)
    filled(room, *[B] * (TO_ONE_HOST - TO_ONE_ENDPOINT))
    assert (room.left(C), room.left(ELSEWHERE)) == (0, TO_ONE_ENDPOINT)
    filled(room, *(channel(f"{number}", f"{number}") for number in range(IN_ALL - TO_ONE_HOST)))
    assert (room.left(ELSEWHERE), room.left_in_all()) == (0, 0)
    room.leave(A)
    assert (room.left(A), room.left(B), room.left(ELSEWHERE)) == (1, 1, 1)


def test_an_endpoint_that_does_not_answer_has_room_for_one_and_its_neighbours_keep_theirs() -> None:
    room = filled(Room(), *[A] * TO_ONE_ENDPOINT)
    for _ in range(TO_ONE_ENDPOINT):
        room.leave(A)
        room.note(A, answered=False)
    assert (room.left(A), room.left(B)) == (TO_THE_SILENT, TO_ONE_ENDPOINT)
    room.note(A, answered=True)
    assert room.left(A) == TO_ONE_ENDPOINT


def test_endpoints_of_a_host_that_do_not_answer_share_one_place() -> None:
    room = Room()
    for each in (A, B):
        room.note(each, answered=False)
    filled(room, A)
    assert (room.left(A), room.left(B), room.left(C)) == (0, 0, TO_ONE_ENDPOINT)
    assert 0 == room.last_in_vain(C) < room.last_in_vain(A) < room.last_in_vain(B)
    room.leave(A)
    assert (room.left(A), room.left(B)) == (TO_THE_SILENT, TO_THE_SILENT)


def test_a_plan_fills_no_room() -> None:
    room = filled(Room(), A)
    filled(room.planned(), *[A] * 3, ELSEWHERE)
    assert (room.left(A), room.left_in_all(), set(room.hosts())) == (TO_ONE_ENDPOINT - 1, IN_ALL - 1, {"one"})
    room.leave(A)
    assert set(room.hosts()) == set()
