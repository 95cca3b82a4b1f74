"""What the release before forgot of an obligation is made good after the upgrade, and while both run (G5, G7)."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.notifier import correct_states
from services.notifier.adapters.postgres_states import PostgresStates
from services.notifier.correct_states import StateCorrector
from shared.entries import Entry
from shared.vocabulary import EntryType
from tests.machinery.intake import IntakeParts, intake_on
from tests.machinery.postgres import Database


@pytest_asyncio.fixture
async def parts(fresh_database: Database) -> AsyncIterator[IntakeParts]:
    async with intake_on(fresh_database) as made:
        yield made


async def by_the_release_before(parts: IntakeParts, *entries: Entry) -> None:
    """Take entries in, and keep nothing of an obligation that is no notification yet."""
    for entry in entries:
        await parts.take_in(entry)
        async with parts.engine.begin() as connection:
            await connection.exec_driver_sql("DELETE FROM notifier.early_state")


async def corrected(parts: IntakeParts) -> int:
    """Have a new process go over everything; returns how many pages that were."""
    corrector, pages = StateCorrector(states=PostgresStates(parts.engine), ledger=parts.ledger), 0
    while await corrector.correct_some():
        pages += 1
    return pages


def decided(parts: IntakeParts, share: Entry) -> Entry:
    return parts.ledger.add(EntryType.NOTIFICATION_DECIDED, facts={"obligation": share.obligations[0].id})


async def test_what_the_release_before_heard_too_early_is_made_good_after_the_upgrade(
    parts: IntakeParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be pushed and chased for ever, though somebody has decided."""
    monkeypatch.setattr(correct_states, "PAGE", 3)
    settled, open_one, owned = (parts.ledger.add_share() for _ in range(3))
    told = [
        decided(parts, settled),
        parts.ledger.add(EntryType.NOTIFICATION_OWNED, facts={"obligation": owned.obligations[0].id}),
    ]
    await by_the_release_before(parts, *told, settled, open_one, owned)
    assert await parts.states() == ["owed", "owed", "owed"]
    assert await corrected(parts) == 2
    assert await parts.states() == ["decided", "owed", "owned"]
    assert await corrected(parts) == 0


async def test_what_it_forgets_while_both_run_is_found_by_the_next_process_that_starts(parts: IntakeParts) -> None:
    await by_the_release_before(parts, parts.ledger.add_share())
    await corrected(parts)
    share = parts.ledger.add_share()
    await by_the_release_before(parts, decided(parts, share), share)
    await corrected(parts)
    assert await parts.states() == ["owed", "decided"]


async def test_what_this_release_kept_and_the_one_before_owed_is_applied(parts: IntakeParts) -> None:
    share = parts.ledger.add_share()
    await parts.take_in(decided(parts, share))
    kept = await parts.rows("SELECT obligation_id, state FROM notifier.early_state")
    await by_the_release_before(parts, share)
    async with parts.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE notifier.notification SET state = 'owed'")
        for row in (*kept, ("f" * 32 + "-0", "owned")):
            values = ", ".join(f"'{value}'" for value in row)
            await connection.exec_driver_sql(f"INSERT INTO notifier.early_state VALUES ({values})")
    assert await PostgresStates(parts.engine).apply_early() == 1
    assert await parts.states() == ["decided"]
    assert await parts.rows("SELECT state FROM notifier.early_state") == [("owned",)]


async def test_a_new_notifier_has_nothing_to_go_over(parts: IntakeParts, monkeypatch: pytest.MonkeyPatch) -> None:
    parts.ledger.add_share()
    calls = parts.count_calls(monkeypatch)
    assert await corrected(parts) == 0
    assert calls == []


async def test_a_page_that_this_release_cannot_read_does_not_end_the_correcting(parts: IntakeParts) -> None:
    share, unreadable = parts.ledger.add_share(), parts.ledger.add_share()
    parts.ledger.leaves[unreadable.position] = b"of a later release"
    await by_the_release_before(parts, decided(parts, share), share)
    assert await corrected(parts) == 1
    assert await parts.states() == ["decided"]
