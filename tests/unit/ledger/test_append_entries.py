"""The sequencer at work on several batches at once: what it answers when, and what becomes of a refused batch."""

import asyncio
from dataclasses import replace

import orjson
import pytest

from services.ledger.append_entries import LARGEST_BATCH, batch_size
from services.ledger.domain.sealing import WrappedKey
from shared.errors import ExchangeError, IntegrityFailure, InvalidInput, Unavailable
from shared.identifiers import Position
from tests.machinery.desk import desk, entry_id, settle


async def test_nobody_is_answered_before_the_guard_remembers_however_far_commits_have_gone() -> None:
    async with desk() as at:
        at.log.may_commit.set()
        first = await at.ask("a")
        second = await at.ask("b")
        assert [len(batch.entries) for batch in at.log.committed] == [1, 1]
        assert not first.done()
        assert not second.done()
        at.guard.may_remember.set()
        assert [(await each).position for each in (first, second)] == [0, 1]
        assert at.guard.remembered == [1, 2]


@pytest.mark.parametrize("turns", range(8))
async def test_however_late_the_term_is_ended_after_a_commit_failed_whoever_waits_is_told_why(turns: int) -> None:
    """The session's end is noticed beside the failure, a moment sooner or later."""
    async with desk() as at:
        asked = await at.ask("a")
        at.log.failure = Unavailable("the disk is full", outcome_unknown=True)
        at.log.may_commit.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        at.running.cancel()
        await settle()
        assert asked.done()
        with pytest.raises(Unavailable, match="whether this was recorded is not known yet") as refused:
            await asked
        assert refused.value.outcome_unknown


async def test_a_commit_that_fails_at_once_ends_the_term_though_nothing_else_arrives() -> None:
    async with desk() as at:
        at.log.failure = Unavailable("the disk is full", outcome_unknown=True)
        at.log.may_commit.set()
        asked = await at.ask("a")
        assert at.running.done()
        with pytest.raises(Unavailable, match="whether this was recorded is not known yet"):
            await asked


async def test_a_guard_that_fails_lets_nobody_go_and_ends_the_term() -> None:
    async with desk() as at:
        at.log.may_commit.set()
        asked = [await at.ask(name) for name in ("a", "b", "c")]
        at.guard.fails = True
        at.guard.may_remember.set()
        for each in asked:
            with pytest.raises(Unavailable) as refused:
                await each
            assert refused.value.outcome_unknown
        with pytest.raises(IntegrityFailure):
            await at.running


async def test_a_repeat_of_what_is_being_committed_gets_the_original_bytes() -> None:
    async with desk() as at:
        original = await at.ask("a")
        repeat = await at.ask("a")
        at.log.may_commit.set()
        at.guard.may_remember.set()
        first, again = await original, await repeat
        assert (again.position, again.status, again.answer) == (first.position, first.status, first.answer)
        assert (first.repeated, again.repeated) == (False, True)
        assert sum(len(batch.entries) for batch in at.log.committed) == 1


async def test_what_was_decided_on_a_refused_batch_is_decided_again() -> None:
    async with desk() as at:
        at.guard.may_remember.set()
        at.log.refused.add(entry_id("bad"))
        bad = await at.ask("bad")
        good = [await at.ask(name) for name in ("a", "b")]
        at.log.may_commit.set()
        with pytest.raises(InvalidInput):
            await bad
        answers = [await each for each in good]
        assert [answer.position for answer in answers] == [0, 1]
        said = [orjson.loads(orjson.loads(answer.answer)["receipt"]["entry"])["position"] for answer in answers]
        assert said == [0, 1]


async def test_of_a_refused_batch_only_the_one_at_fault_fails() -> None:
    async with desk() as at:
        at.guard.may_remember.set()
        at.log.refused.add(entry_id("bad"))
        await at.ask("first")
        asked = [await at.ask(name) for name in ("a", "bad", "b")]
        at.log.may_commit.set()
        outcomes: list[Position | ExchangeError] = []
        for each in asked:
            try:
                outcomes.append((await each).position)
            except ExchangeError as error:
                outcomes.append(error)
        assert outcomes[0] == 1
        assert isinstance(outcomes[1], InvalidInput)
        assert outcomes[2] == 2


async def test_a_damaged_answer_fails_its_own_repeat_and_nobody_elses() -> None:
    async with desk() as at:
        at.guard.may_remember.set()
        at.log.may_commit.set()
        await at.has_answered("damaged", wrapped=WrappedKey("kek-1", b"damaged"))
        at.keys.rows = {key_id: WrappedKey("kek-1", b"damaged") for key_id in at.keys.rows}
        await at.has_answered("damaged too", wrapped=next(iter(at.keys.rows.values())))
        (token,) = [token for token, found in at.log.answers.items() if found.entry_id == entry_id("damaged too")]
        damage = IntegrityFailure("a stored answer is not one that this ledger gave")
        at.log.answers[token] = replace(at.log.answers[token], opened=damage)
        asked = [await at.ask(name) for name in ("a", "damaged", "damaged too", "b")]
        assert [(await asked[number]).position for number in (0, 3)] == [0, 1]
        for each in asked[1:3]:
            with pytest.raises(IntegrityFailure):
                await each
        assert not at.running.done()


async def test_a_key_that_was_wrapped_anew_since_it_was_looked_up_is_read_again() -> None:
    async with desk() as at:
        await at.has_answered("a", wrapped=WrappedKey("kek-0", b"under a key that has been destroyed"))
        at.guard.may_remember.set()
        repeated = await (await at.ask("a"))
        assert (repeated.answer, repeated.repeated) == (b"as before", True)


async def test_a_key_that_was_destroyed_since_it_was_looked_up_leaves_the_answer_to_its_idempotency_key() -> None:
    async with desk() as at:
        await at.has_answered("a", wrapped=WrappedKey("kek-0", b"under a key that has been destroyed"))
        at.keys.rows.clear()
        at.guard.may_remember.set()
        assert (await (await at.ask("a"))).repeated


def test_a_batch_is_half_of_all_that_wait_or_are_committed_within_bounds() -> None:
    assert [batch_size(waiting=waiting, beside=beside) for waiting, beside in ((64, 0), (32, 32), (3, 0))] == [
        32,
        32,
        8,
    ]
    assert batch_size(waiting=5_000, beside=500) == LARGEST_BATCH
