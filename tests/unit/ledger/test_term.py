"""Taking office, holding it and losing it: what the writer does by itself is never in the way of its own end."""

import asyncio
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from services.ledger.domain.standing import NotWriting, Standing
from shared.entries import parse_entry
from shared.transparency.signed_note import NoteSigner
from shared.vocabulary import EntryType
from tests.machinery.fakes import START
from tests.machinery.office import ORIGIN, PATIENCE_S, Office


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new term begins at once, and its clock is checked often."""
    monkeypatch.setattr("services.ledger.term.RETRY_AFTER_S", 0.001)
    monkeypatch.setattr("services.ledger.term.ELECTION_EVERY_S", 0.001)
    monkeypatch.setattr("services.ledger.watched_clock.CHECK_EVERY_S", 0.001)


async def test_nothing_comes_before_the_entry_that_opens_the_log() -> None:
    office = Office()
    async with office.serving() as writer:
        answer = await office.until_answered(writer, "as early as can be")
    assert office.types() == [EntryType.LEDGER_OPENED, EntryType.CONTENT_OPENED]
    assert answer.position == 1


async def test_a_disk_that_is_full_when_a_new_key_is_to_be_recorded_ends_the_term_and_not_the_ledger() -> None:
    office = Office()
    async with office.serving() as writer:
        await office.writes(writer)
    office.signers.append(NoteSigner(ORIGIN, Ed25519PrivateKey.generate()))
    office.session.full.set()
    async with office.serving() as writer:
        asking = asyncio.create_task(office.until_answered(writer, "a"))
        async with asyncio.timeout(PATIENCE_S):
            while office.connections < 4:
                await asyncio.sleep(0.001)
        assert any("the database's disk is full" in why for why in office.refusals)
        office.session.full.clear()
        await asking
        assert writer.standing is Standing.WRITING
    assert office.types() == [EntryType.LEDGER_OPENED, EntryType.LOG_KEY_ADDED, EntryType.CONTENT_OPENED]


async def test_the_session_is_kept_while_the_log_is_read_and_its_end_ends_the_reading() -> None:
    office = Office()
    office.session.kept.clear()
    async with office.serving() as writer:
        await office.writes(writer)
    office.reading.may_read.clear()
    office.session.kept.clear()
    async with office.serving() as writer:
        await asyncio.wait_for(office.session.kept.wait(), PATIENCE_S)
        before = office.connections
        office.session.cut_off.set()
        async with asyncio.timeout(PATIENCE_S):
            while office.connections == before:
                await asyncio.sleep(0.001)
        assert writer.standing is Standing.STARTING
        office.reading.may_read.set()
        await office.writes(writer)


async def test_only_a_writer_knows_the_registry() -> None:
    office = Office()
    async with office.serving() as writer:
        with pytest.raises(NotWriting):
            writer.registry()
        await office.writes(writer)
        assert writer.registry().service_keys.log == writer.identity.verifier_keys


async def test_a_clock_that_leaps_ahead_stamps_nothing_and_ends_the_term_until_it_is_set_right() -> None:
    office = Office()
    async with office.serving() as writer:
        await office.until_answered(writer, "before")
        office.clock.moment += timedelta(days=3_650)
        assert await office.once(writer, "meanwhile") is None
        assert "this machine's clock has leapt ahead" in office.refusals[-1]
        await asyncio.sleep(0.05)
        assert writer.standing is Standing.STARTING
        office.clock.moment -= timedelta(days=3_650)
        office.pass_s(60)
        await office.until_answered(writer, "meanwhile")
    assert parse_entry(office.session.leaves[-1]).time == "2026-11-24T10:01:00.000000Z"


async def test_a_clock_that_leaps_while_nobody_asks_is_found_out_too() -> None:
    office = Office()
    async with office.serving() as writer:
        await office.writes(writer)
        office.clock.moment += timedelta(days=1)
        async with asyncio.timeout(PATIENCE_S):
            while writer.standing is Standing.WRITING:
                await asyncio.sleep(0.001)


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_nobody_takes_office_whose_clock_and_the_databases_are_far_apart(minutes: int) -> None:
    office = Office()
    office.session.database_clock.moment = START + timedelta(minutes=minutes)
    async with office.serving() as writer:
        async with asyncio.timeout(PATIENCE_S):
            while office.connections < 3:
                await asyncio.sleep(0.001)
        assert await office.once(writer, "a") is None
        assert "this machine's clock and its database's are 6 minutes apart" in office.refusals[-1]
        assert not office.session.leaves
        office.session.database_clock.moment = START + timedelta(minutes=4)
        await office.until_answered(writer, "a")


async def test_a_database_whose_clock_is_set_wrong_later_ends_the_term() -> None:
    office = Office()
    async with office.serving() as writer:
        await office.writes(writer)
        office.session.database_clock.moment -= timedelta(hours=1)
        async with asyncio.timeout(PATIENCE_S):
            while writer.standing is Standing.WRITING:
                await asyncio.sleep(0.001)


async def test_a_ledger_that_started_with_its_clock_behind_comes_back_by_itself() -> None:
    office = Office()
    office.clock.moment -= timedelta(minutes=60)
    async with office.serving() as writer:
        async with asyncio.timeout(PATIENCE_S):
            while office.connections < 3:
                await asyncio.sleep(0.001)
        assert not office.session.leaves
        office.clock.moment += timedelta(minutes=60)
        await office.until_answered(writer, "a")


async def test_a_ledger_that_started_with_its_clock_ahead_knows_a_later_leap_for_one() -> None:
    office = Office()
    office.clock.moment += timedelta(hours=10)
    async with office.serving() as writer:
        async with asyncio.timeout(PATIENCE_S):
            while office.connections < 3:
                await asyncio.sleep(0.001)
        office.clock.moment -= timedelta(hours=10)
        await office.until_answered(writer, "a")
        office.clock.moment += timedelta(hours=9)
        assert await office.once(writer, "b") is None
        assert "this machine's clock has leapt ahead by 540 minutes" in office.refusals[-1]
    assert parse_entry(office.session.leaves[-1]).time == "2026-11-24T10:00:00.000000Z"


async def test_whose_request_is_under_way_when_the_clock_is_found_wrong_is_told_so() -> None:
    office = Office()
    async with office.serving() as writer:
        await office.writes(writer)
        office.session.may_commit.clear()
        office.session.committing.clear()
        asked = [asyncio.create_task(office.once(writer, "committing"))]
        await asyncio.wait_for(office.session.committing.wait(), PATIENCE_S)
        asked.append(asyncio.create_task(office.once(writer, "decided, not committed")))
        await asyncio.sleep(0.01)
        office.session.database_clock.moment -= timedelta(hours=1)
        await asyncio.sleep(0.05)
        office.session.may_commit.set()
        answers = await asyncio.gather(*asked)
    assert answers[0] is not None, "what is durable is answered all the same"
    assert answers[1] is None
    assert "its database's are 60 minutes apart; whether this was recorded is not known yet" in office.refusals[-1]


async def test_a_lost_session_is_what_is_told_when_it_was_the_session() -> None:
    office = Office()
    async with office.serving() as writer:
        await office.writes(writer)
        office.session.may_commit.clear()
        office.session.committing.clear()
        committing = asyncio.create_task(office.once(writer, "committing"))
        await asyncio.wait_for(office.session.committing.wait(), PATIENCE_S)
        decided = asyncio.create_task(office.once(writer, "decided, not committed"))
        await asyncio.sleep(0.01)
        office.session.cut_off.set()
        await asyncio.sleep(0.05)
        office.session.may_commit.set()
        await asyncio.gather(committing, decided)
    assert "the ledger cannot write now: it has lost its database; whether" in office.refusals[-1]


async def test_a_standby_whose_clock_is_wrong_says_so_once_and_loses_no_office_that_it_never_held() -> None:
    office = Office()
    office.session.another_writes.set()
    office.clock.moment -= timedelta(minutes=60)
    with capture_logs() as lines:
        async with office.serving() as writer:
            async with asyncio.timeout(PATIENCE_S):
                while writer.standing is not Standing.STANDBY:
                    await asyncio.sleep(0.001)
            await asyncio.sleep(0.05)
            assert office.connections == 1
            office.session.another_writes.clear()
            async with asyncio.timeout(PATIENCE_S):
                while office.connections < 5:
                    await asyncio.sleep(0.001)
            assert not office.session.leaves
            office.clock.moment += timedelta(minutes=60)
            await office.writes(writer)
    said = [line["event"] for line in lines]
    assert said[:3] == ["ledger_clock_astray", "ledger_standing_by", "ledger_clock_agrees"]
    assert "ledger_writer_lost" not in said
