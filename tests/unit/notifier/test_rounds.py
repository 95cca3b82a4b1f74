"""What always fails holds up nothing that does not."""

from collections.abc import Collection

import pytest

from services.notifier.rounds import AT_ONCE, Rounds
from shared.errors import Unavailable

BAD = [f"bad-{number:03}" for number in range(2 * AT_ONCE)]


class Pile:
    """Things that are found, in one order, until they are done; what is bad never is."""

    def __init__(self, *things: str) -> None:
        self.things = list(things)
        self.tried: list[str] = []
        self.away = False

    async def find(self, passing_over: Collection[str]) -> list[str]:
        return [each for each in self.things if each not in passing_over][:AT_ONCE]

    async def do(self, thing: str) -> bool:
        if self.away:
            raise Unavailable("away")
        self.tried.append(thing)
        if thing.startswith("bad"):
            raise ValueError(thing)
        self.things.remove(thing)
        return True

    def rounds(self) -> Rounds[str]:
        return Rounds(self.find, self.do, name_of=str, work="a_test")


async def test_more_failures_than_are_found_at_once_do_not_keep_the_rest_from_being_reached() -> None:
    pile = Pile(*BAD, "good")
    rounds = pile.rounds()
    assert [await rounds.go_on() for _ in range(3)] == [0, 0, 1]
    assert pile.things == BAD


async def test_what_failed_is_tried_again_once_the_end_was_reached() -> None:
    pile = Pile("bad", "good")
    rounds = pile.rounds()
    assert [await rounds.go_on() for _ in range(2)] == [1, 0]
    assert pile.tried == ["bad", "good", "bad"]


async def test_what_all_of_them_need_and_is_away_ends_the_round_and_not_the_work() -> None:
    pile = Pile("good")
    rounds, pile.away = pile.rounds(), True
    with pytest.raises(Unavailable):
        await rounds.go_on()
    pile.away = False
    assert [await rounds.go_on() for _ in range(2)] == [0, 1]
