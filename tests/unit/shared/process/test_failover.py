"""A call finds the process that serves, waits for a takeover, and never repeats what may not be repeated."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from services.ledger.api.app import LedgerApi
from services.ledger.domain.standing import NotWriting, StandingBy
from shared.errors import Conflict, InvalidInput, Unavailable
from shared.ledger.messages import Failure
from shared.ledger.reaching import NEVER_REPEATED, REPEATABLE
from shared.process.address import TlsAddress, UnixAddress, parse_addresses
from shared.process.failover import Failover
from shared.process.remote import Unreachable, error_of, failure_of

Reply = TypeVar("Reply")

SILENCE = "says nothing"
Says = Exception | str


@dataclass
class FakePeer:
    """Implements Peer: answers each call with what comes next in ``says``, its last for ever."""

    says: Sequence[Says]
    asked: list[str] = field(default_factory=list)
    timeout_s: float = 5.0

    async def call(self, path: str, _message: object, reply: type[Reply]) -> Reply:
        """Answer as the turn wants it."""
        said = self.says[min(len(self.asked), len(self.says) - 1)]
        self.asked.append(path)
        if said == SILENCE:
            await asyncio.sleep(3_600)
        if isinstance(said, Exception):
            raise said
        assert isinstance(said, reply)
        return said

    async def close(self) -> None:
        """Hold nothing."""


def over(*peers: FakePeer, timeout_s: float = 5.0) -> Failover:
    """Return a failover among peers that may repeat ``/append``."""
    return Failover(peers, timeout_s=timeout_s, repeatable={"/append"})


def unknown() -> Unavailable:
    return Unavailable("it did not answer", outcome_unknown=True)


def as_received(error: StandingBy | NotWriting) -> Exception:
    """Return an error as it comes off the wire, where its class is lost and its code stays."""
    return error_of(failure_of(error))


NOTHING_DONE: dict[str, Callable[[], Exception]] = {
    "refuses the connection": lambda: Unreachable("the other process cannot be reached"),
    "stands by": lambda: as_received(StandingBy()),
    "has lost its office": lambda: as_received(NotWriting("it has lost its database")),
}


@pytest.mark.parametrize("path", ["/append", "/admit-read"])
@pytest.mark.parametrize("first", NOTHING_DONE)
async def test_where_nothing_was_done_the_next_address_is_asked_and_remembered(first: str, path: str) -> None:
    away, serving = FakePeer([NOTHING_DONE[first]()]), FakePeer(["done"])
    among = over(away, serving)
    for _ in range(3):
        assert await among.call(path, {}, str) == "done"
    assert (len(away.asked), len(serving.asked)) == (1, 3)


async def test_an_unknown_outcome_is_repeated_only_where_a_repeat_has_the_same_effect() -> None:
    lost, serving = FakePeer([unknown()]), FakePeer(["done"])
    assert await over(lost, serving).call("/append", {}, str) == "done"
    lost, serving = FakePeer([unknown()]), FakePeer(["done"])
    among = over(lost, serving)
    with pytest.raises(Unavailable) as raised:
        await among.call("/admit-read", {}, str)
    assert raised.value.outcome_unknown
    assert serving.asked == []
    assert await among.call("/admit-read", {}, str) == "done"
    assert len(lost.asked) == 1, "the one that fell silent is not asked first again"


async def test_a_call_waits_while_a_standby_takes_over() -> None:
    killed, standby = (
        FakePeer([Unreachable("gone")]),
        FakePeer([as_received(StandingBy()), NotWriting("it has lost its database"), "done"]),
    )
    assert await over(killed, standby).call("/append", {}, str) == "done"
    assert len(standby.asked) == 3


@pytest.mark.parametrize("answer", [Conflict("moved"), InvalidInput("no"), Unavailable("too many requests wait")])
async def test_whatever_else_is_answered_is_the_answer(answer: Exception) -> None:
    other = FakePeer(["done"])
    with pytest.raises(type(answer)) as raised:
        await over(FakePeer([answer]), other).call("/append", {}, str)
    assert raised.value is answer
    assert other.asked == []


@pytest.mark.parametrize(("first", "may_have_happened"), [(unknown(), True), (Unreachable("gone"), False)])
async def test_when_nobody_serves_it_ends_and_says_whether_anything_may_have_happened(
    first: Exception, may_have_happened: bool
) -> None:
    among = over(FakePeer([first, Unreachable("gone")]), FakePeer([as_received(StandingBy())]), timeout_s=0.3)
    with pytest.raises(Unavailable) as raised:
        await among.call("/append", {}, str)
    assert raised.value.outcome_unknown is may_have_happened


async def test_one_that_falls_silent_takes_the_time_of_one_call_and_is_not_asked_first_again() -> None:
    frozen, serving = FakePeer([SILENCE]), FakePeer(["done"])
    among = over(frozen, serving, timeout_s=0.2)
    with pytest.raises(Unavailable) as raised:
        await among.call("/append", {}, str)
    assert raised.value.outcome_unknown
    assert await among.call("/append", {}, str) == "done"
    assert (len(frozen.asked), len(serving.asked)) == (1, 1)


async def test_an_answer_after_an_unknown_outcome_still_says_that_it_is_unknown() -> None:
    with pytest.raises(Unavailable, match="too many") as raised:
        await over(FakePeer([unknown()]), FakePeer([Unavailable("too many")])).call("/append", {}, str)
    assert raised.value.outcome_unknown


def test_every_call_to_the_ledger_is_known_to_be_repeatable_or_not() -> None:
    assert not REPEATABLE & NEVER_REPEATED
    # The routes are named without anything behind them.
    assert set(LedgerApi.__new__(LedgerApi).routes()) == REPEATABLE | NEVER_REPEATED


def test_addresses_are_read_from_a_list_with_commas_and_written_as_they_are_read() -> None:
    text = "unix:/run/ledger.sock, tls://ledger-2.example:7443,tls://[::1]:7443"
    addresses = parse_addresses(text)
    assert addresses[:2] == (UnixAddress(Path("/run/ledger.sock")), TlsAddress("ledger-2.example", 7443))
    assert ",".join(str(each) for each in addresses) == text.replace(" ", "")
    for wrong in ("", "unix:/a,", "http://ledger.example"):
        with pytest.raises(InvalidInput):
            parse_addresses(wrong)


def test_that_nobody_can_be_reached_travels_as_unavailable() -> None:
    assert failure_of(Unreachable("gone")) == Failure("Unavailable", "unavailable", "gone")
