"""Requests carried together, here appends: each has its own outcome, whatever becomes of the others or the call."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
import pytest

from shared.errors import Conflict, ExchangeError, InvalidInput, Unavailable
from shared.identifiers import EntryId, Position
from shared.ledger.lane import CALLS_AT_ONCE, LARGEST_CALL_BYTES, Lane
from shared.ledger.messages import (
    MOST_IN_A_CALL,
    Answer,
    Appended,
    AppendRequest,
    Idempotency,
    Outcome,
    Several,
)
from shared.process.remote import failure_of
from shared.vocabulary import EntryType

Reply = TypeVar("Reply")
PATIENCE_S = 10.0


@dataclass
class FakeCalls:
    """A ledger that answers when it is let to: it refuses keys, falls silent, or forgets outcomes, as it is told."""

    timeout_s: float = PATIENCE_S
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    refused: dict[str, ExchangeError] = field(default_factory=dict)
    refused_together: dict[str, Unavailable] = field(default_factory=dict)
    lost: bool = False
    breaks_together: bool = False
    forgets: Callable[[tuple[Outcome, ...]], tuple[Outcome, ...]] = lambda outcomes: outcomes
    carried: list[list[str]] = field(default_factory=list)
    closed: bool = False

    async def call(self, path: str, message: object, reply: type[Reply]) -> Reply:
        encoded = msgspec.msgpack.encode(message)
        alone = path == "/append"
        requests = [encoded] if alone else msgspec.msgpack.decode(encoded, type=Several).requests
        keys = [msgspec.msgpack.decode(each, type=AppendRequest).idempotency.key for each in requests]
        self.carried.append(keys)
        await self.may_answer.wait()
        if self.lost or self.closed:
            raise Unavailable("the other process did not answer", outcome_unknown=True)
        if self.breaks_together and not alone:
            raise RuntimeError("a fault in the program")
        if alone and keys[0] in self.refused:
            raise self.refused[keys[0]]
        outcomes = tuple(self._outcome(key) for key in keys)
        answer: object = appended(keys[0]) if alone else self.forgets(outcomes)
        return msgspec.msgpack.decode(msgspec.msgpack.encode(answer), type=reply)

    async def close(self) -> None:
        self.closed = True
        self.may_answer.set()

    def _outcome(self, key: str) -> Outcome:
        refusal = self.refused_together.get(key) or self.refused.get(key)
        if refusal is not None:
            return Outcome(failure=failure_of(refusal))
        return Outcome(msgspec.msgpack.encode(appended(key)))


def appended(key: str) -> Appended:
    return Appended(Position(7), 201, key.encode(), repeated=False)


def request(key: str, *, size_bytes: int = 10) -> AppendRequest:
    return AppendRequest(
        entry_id=EntryId("0" * 32),
        type=EntryType.SHARE_RECORDED,
        idempotency=Idempotency("agency:a", key, b"x" * size_bytes),
        answer=Answer(201, {}),
    )


def appends(calls: FakeCalls) -> Lane[AppendRequest, Appended]:
    return Lane(calls, alone="/append", together="/append-many", reply=Appended)


async def behind_others(
    calls: FakeCalls, *requests: AppendRequest
) -> tuple[Lane[AppendRequest, Appended], list[asyncio.Task[Appended]], list[asyncio.Task[Appended]]]:
    """Return a lane with every call taken, those that took them, and these requests waiting behind."""
    lane = appends(calls)
    first = [asyncio.create_task(lane.carry(request(f"first-{number}"))) for number in range(CALLS_AT_ONCE)]
    waiting = [asyncio.create_task(lane.carry(each)) for each in requests]
    await turns()
    return lane, first, waiting


async def turns() -> None:
    """Let every task come as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def all_of(tasks: list[asyncio.Task[Appended]]) -> list[Appended | BaseException]:
    async with asyncio.timeout(PATIENCE_S):
        return await asyncio.gather(*tasks, return_exceptions=True)


def unknown(outcome: Appended | BaseException) -> bool:
    return isinstance(outcome, Unavailable) and outcome.outcome_unknown


async def test_an_append_goes_at_once_and_alone_while_few_are_under_way() -> None:
    calls = FakeCalls()
    _lane, first, _ = await behind_others(calls)
    assert calls.carried == [[f"first-{number}"] for number in range(CALLS_AT_ONCE)]
    calls.may_answer.set()
    assert [each.answer for each in await asyncio.gather(*first)] == [key.encode() for [key] in calls.carried]


async def test_appends_that_had_to_wait_go_in_one_call_and_each_gets_its_own_answer() -> None:
    calls = FakeCalls()
    _lane, _first, waiting = await behind_others(calls, *(request(str(number)) for number in range(10)))
    assert len(calls.carried) == CALLS_AT_ONCE
    calls.may_answer.set()
    answers = await asyncio.gather(*waiting)
    assert calls.carried[CALLS_AT_ONCE:] == [[str(number) for number in range(10)]]
    assert [answer.answer for answer in answers] == [str(number).encode() for number in range(10)]


async def test_a_refused_append_leaves_those_beside_it_as_they_are() -> None:
    refusal = Conflict("the child's record has moved on", remedy="Resolve the child and decide again.")
    refusal.code = "version-conflict"
    calls = FakeCalls(refused={"1": refusal})
    _lane, _first, waiting = await behind_others(calls, request("0"), request("1"), request("2"))
    calls.may_answer.set()
    before, refused, after = await all_of(waiting)
    assert isinstance(before, Appended)
    assert isinstance(after, Appended)
    assert isinstance(refused, Conflict)
    assert (refused.code, refused.remedy) == ("version-conflict", "Resolve the child and decide again.")


async def test_a_call_that_gets_no_answer_leaves_the_outcome_of_each_append_in_it_unknown() -> None:
    calls = FakeCalls(lost=True)
    _lane, first, waiting = await behind_others(calls, request("0"), request("1"))
    calls.may_answer.set()
    outcomes = await all_of([*first, *waiting])
    assert all(unknown(outcome) for outcome in outcomes)
    assert len({id(outcome) for outcome in outcomes}) == len(outcomes)


async def test_appends_whose_call_breaks_in_the_program_itself_go_once_more_each_by_itself() -> None:
    calls = FakeCalls(breaks_together=True)
    _lane, _first, waiting = await behind_others(calls, request("0"), request("1"))
    calls.may_answer.set()
    assert [each.answer for each in await asyncio.gather(*waiting)] == [b"0", b"1"]
    assert calls.carried[CALLS_AT_ONCE:] == [["0", "1"], ["0"], ["1"]]


async def test_a_call_that_gives_another_number_of_outcomes_gives_none() -> None:
    calls = FakeCalls(forgets=lambda outcomes: outcomes[:-1])
    _lane, _first, waiting = await behind_others(calls, request("0"), request("1"))
    calls.may_answer.set()
    assert all(unknown(outcome) for outcome in await all_of(waiting))


def not_writing() -> Unavailable:
    error = Unavailable("the ledger cannot write now")
    error.code = "not-writing"
    return error


@pytest.mark.parametrize("reason", [not_writing(), Unavailable("lost its database", outcome_unknown=True)])
async def test_an_append_whose_outcome_the_ledger_could_not_say_is_asked_for_once_more_by_itself(
    reason: Unavailable,
) -> None:
    """As a call of its own it may find the process that serves now, as an append that went alone would have."""
    calls = FakeCalls(refused_together={"1": reason})
    _lane, _first, waiting = await behind_others(calls, request("0"), request("1"))
    calls.may_answer.set()
    assert [each.answer for each in await asyncio.gather(*waiting)] == [b"0", b"1"]
    assert calls.carried[CALLS_AT_ONCE:] == [["0", "1"], ["1"]]


async def test_an_outcome_once_unknown_stays_unknown_when_nobody_serves_the_next_time() -> None:
    calls = FakeCalls(
        refused_together={"0": Unavailable("lost its database", outcome_unknown=True)}, refused={"0": not_writing()}
    )
    _lane, _first, waiting = await behind_others(calls, request("0"))
    calls.may_answer.set()
    [outcome] = await all_of(waiting)
    assert unknown(outcome)


@pytest.mark.parametrize("nothing", [Outcome(), Outcome(b"no reply")])
async def test_an_append_that_the_ledger_says_nothing_of_is_asked_for_once_more_by_itself(nothing: Outcome) -> None:
    calls = FakeCalls(forgets=lambda outcomes: (*outcomes[:-1], nothing))
    _lane, _first, waiting = await behind_others(calls, request("0"), request("1"))
    calls.may_answer.set()
    assert [each.answer for each in await asyncio.gather(*waiting)] == [b"0", b"1"]
    assert calls.carried[CALLS_AT_ONCE:] == [["0", "1"], ["1"]]


async def test_a_ledger_that_is_merely_too_busy_is_not_asked_again() -> None:
    calls = FakeCalls(refused_together={"1": Unavailable("too many requests wait for the ledger")})
    _lane, _first, waiting = await behind_others(calls, request("0"), request("1"))
    calls.may_answer.set()
    _, refused = await all_of(waiting)
    assert isinstance(refused, Unavailable)
    assert not refused.outcome_unknown
    assert calls.carried[CALLS_AT_ONCE:] == [["0", "1"]]


async def test_no_more_go_in_one_call_than_it_may_carry() -> None:
    calls = FakeCalls()
    count = 2 * MOST_IN_A_CALL + 1
    _lane, _first, waiting = await behind_others(calls, *(request(str(number)) for number in range(count)))
    calls.may_answer.set()
    await asyncio.gather(*waiting)
    assert [len(keys) for keys in calls.carried[CALLS_AT_ONCE:]] == [MOST_IN_A_CALL, MOST_IN_A_CALL, 1]


async def test_an_append_too_large_to_share_a_call_goes_by_itself() -> None:
    calls = FakeCalls()
    large = request("large", size_bytes=LARGEST_CALL_BYTES)
    _lane, _first, waiting = await behind_others(calls, request("0"), large, request("1"), request("2"))
    calls.may_answer.set()
    await asyncio.gather(*waiting)
    assert calls.carried[CALLS_AT_ONCE:] == [["0"], ["large"], ["1", "2"]]


async def test_an_append_that_nobody_waits_for_any_more_is_not_sent() -> None:
    calls = FakeCalls()
    _lane, _first, waiting = await behind_others(calls, request("0"), request("1"))
    waiting[0].cancel()
    await turns()
    calls.may_answer.set()
    assert isinstance(await waiting[1], Appended)
    assert calls.carried[CALLS_AT_ONCE:] == [["1"]]


async def test_cancelling_one_that_is_carried_with_others_leaves_them_alone() -> None:
    calls = FakeCalls()
    lane, first, waiting = await behind_others(calls, request("0"), request("1"))
    first[0].cancel()
    await turns()
    assert calls.carried[CALLS_AT_ONCE:] == [["0", "1"]]
    waiting[0].cancel()
    await turns()
    calls.may_answer.set()
    assert (await waiting[1]).answer == b"1"
    assert (await lane.carry(request("later"))).answer == b"later"


async def test_an_append_that_waits_too_long_for_its_turn_gives_up_and_is_not_sent_later() -> None:
    calls = FakeCalls(timeout_s=0.0)
    _lane, first, waiting = await behind_others(calls, request("0"))
    [outcome] = await all_of(waiting)
    assert unknown(outcome)
    calls.may_answer.set()
    await asyncio.gather(*first)
    await turns()
    assert len(calls.carried) == CALLS_AT_ONCE


async def test_closing_answers_those_that_were_never_sent_as_not_done_and_those_under_way_as_unknown() -> None:
    calls = FakeCalls()
    lane, first, waiting = await behind_others(calls, request("0"))
    first[0].cancel()
    await turns()
    later = asyncio.create_task(lane.carry(request("1")))
    await turns()
    await lane.close()
    under_way, [carried, never_sent] = await all_of(first[1:]), await all_of([*waiting, later])
    assert all(unknown(outcome) for outcome in [*under_way, carried])
    assert isinstance(never_sent, Unavailable)
    assert not never_sent.outcome_unknown
    assert calls.carried[CALLS_AT_ONCE:] == [["0"]]


async def test_whatever_fails_beside_it_no_call_is_lost_to_the_lane() -> None:
    calls = FakeCalls(refused={"first-0": InvalidInput("what cannot be stored")})
    lane, first, waiting = await behind_others(calls, request("0"))
    calls.may_answer.set()
    await all_of([*first, *waiting])
    calls.may_answer.clear()
    again: list[Awaitable[Appended]] = [
        asyncio.create_task(lane.carry(request(f"again-{number}"))) for number in range(CALLS_AT_ONCE)
    ]
    await turns()
    assert calls.carried[-CALLS_AT_ONCE:] == [[f"again-{number}"] for number in range(CALLS_AT_ONCE)]
    calls.may_answer.set()
    await asyncio.gather(*again)
