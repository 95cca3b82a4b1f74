"""G4: whatever is falsified in the stored ledger is found, named for what it is, where it is."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from random import Random

import pytest
import pytest_asyncio

from services.ledger.audit.findings import FindingKind
from tests.machinery import attacks_beside_the_log as beside
from tests.machinery import attacks_by_the_keyholder as keyholder
from tests.machinery import attacks_on_the_log as log
from tests.machinery.exchange import PRACTICE, running_exchange
from tests.machinery.laboratory import Interval, Laboratory
from tests.machinery.people import child, share, withholding

pytestmark = pytest.mark.asyncio(loop_scope="session")

Attack = Callable[[Laboratory], Awaitable[Interval]]

# Where nobody has the log's key, and where somebody has it and signs everything anew.
ON_THE_LOG: dict[str, tuple[Attack, FindingKind]] = {
    "an entry edited": (log.edit, FindingKind.EDITED_ENTRY),
    "a stored hash edited": (log.edit_the_hash_alone, FindingKind.EDITED_ENTRY),
    "an entry edited with its hash": (log.edit_with_its_hash, FindingKind.HEAD_MISMATCH),
    "an entry of another log": (log.put_in_an_entry_of_another_log, FindingKind.HEAD_MISMATCH),
    "a run of entries dropped": (log.drop_a_run, FindingKind.MISSING_ENTRY),
    "an entry dropped and closed up": (log.drop_and_close_up, FindingKind.MISPLACED_ENTRY),
    "entries swapped": (log.swap, FindingKind.MISPLACED_ENTRY),
    "an entry inserted in the middle": (log.insert_in_the_middle, FindingKind.MISPLACED_ENTRY),
    "an entry inserted at the end": (log.insert_at_the_end, FindingKind.HEAD_MISSING),
    "an entry renumbered": (log.renumber_to_the_end, FindingKind.MISPLACED_ENTRY),
    "an entry repeated": (log.repeat_an_entry, FindingKind.DUPLICATED_ENTRY),
    "the end cut off with its heads": (log.cut_off_the_end, FindingKind.TRUNCATED),
    "the end cut off": (log.cut_off_the_rows_alone, FindingKind.TRUNCATED),
    "another type beside the entry": (log.name_another_type, FindingKind.COLUMN_MISMATCH),
    "another id beside the entry": (log.name_another_id, FindingKind.COLUMN_MISMATCH),
    "rewritten with the old signatures": (log.recompute_with_the_old_signatures, FindingKind.BAD_SIGNATURE),
    "rewritten with a key of its own": (log.recompute_with_a_key_of_its_own, FindingKind.BAD_SIGNATURE),
    "a checkpoint of another log": (log.forge_a_checkpoint_of_another_log, FindingKind.BAD_SIGNATURE),
    "a signature broken": (log.break_a_signature, FindingKind.BAD_SIGNATURE),
    "a head removed": (log.remove_a_head, FindingKind.HEAD_MISSING),
    "a head repeated": (log.repeat_a_head, FindingKind.HEAD_REPEATED),
    "checkpoints exchanged": (log.exchange_two_checkpoints, FindingKind.HEAD_MISMATCH),
    "a frontier edited": (log.edit_a_frontier, FindingKind.FRONTIER_EDITED),
    "something beside no entry": (beside.leave_something_beside_no_entry, FindingKind.SECTION_FOREIGN),
}
BY_THE_KEYHOLDER: dict[str, tuple[Attack, FindingKind]] = {
    "rewritten and signed anew": (
        log.rewrite_and_sign_with_the_logs_own_key,
        FindingKind.OLDER_CHECKPOINT_CONTRADICTED,
    ),
    "forked": (log.fork, FindingKind.FORKED),
    "back-dated": (keyholder.back_date, FindingKind.TIME_RUNS_BACKWARDS),
    "a version of a child left out": (keyholder.leave_out_a_version, FindingKind.CHILD_HISTORY_BROKEN),
    "a version of a child repeated": (keyholder.repeat_a_version, FindingKind.CHILD_HISTORY_BROKEN),
    "a child nobody knows": (keyholder.give_to_a_child_nobody_knows, FindingKind.CHILD_HISTORY_BROKEN),
    "an entry that says another position": (keyholder.say_another_position, FindingKind.MISPLACED_ENTRY),
    "an id taken twice": (keyholder.take_an_id_twice, FindingKind.DUPLICATED_ENTRY),
    "a key nobody registered": (keyholder.name_an_unknown_key, FindingKind.UNREGISTERED_KEY),
    "the key of another agency": (keyholder.name_the_key_of_another_agency, FindingKind.KEY_OF_ANOTHER_AGENCY),
    "a revoked key": (keyholder.use_a_revoked_key, FindingKind.REVOKED_KEY),
    "a key out of date": (keyholder.use_a_key_out_of_date, FindingKind.KEY_OUT_OF_DATE),
    "a registration that is none": (keyholder.break_the_registry, FindingKind.REGISTRY_BROKEN),
    "an unknown type": (keyholder.write_an_unknown_type, FindingKind.UNREADABLE_ENTRY),
    "an unknown format": (keyholder.write_an_unknown_format, FindingKind.UNREADABLE_ENTRY),
    "bytes that are not canonical": (keyholder.write_it_otherwise, FindingKind.UNREADABLE_ENTRY),
    "bytes that are no entry": (keyholder.write_no_entry_at_all, FindingKind.UNREADABLE_ENTRY),
}
BESIDE_THE_LOG: dict[str, FindingKind] = {
    "a sealed section edited": FindingKind.SECTION_EDITED,
    "a sealed section missing": FindingKind.SECTION_MISSING,
    "the payload of another entry": FindingKind.SECTION_EDITED,
    "a section nobody committed to": FindingKind.SECTION_FOREIGN,
    "a section renamed": FindingKind.SECTION_FOREIGN,
    "a section under another child's key": FindingKind.SECTION_FOREIGN,
    "a key erased without an entry": FindingKind.SECTION_MISSING,
    "an edited answer": FindingKind.ANSWER_MISMATCH,
    "an edited receipt": FindingKind.ANSWER_MISMATCH,
    "the answer of another request": FindingKind.ANSWER_MISMATCH,
    "an answer missing": FindingKind.ANSWER_MISSING,
    "a nonce used twice": FindingKind.NONCE_REUSED,
    "an obligation missing": FindingKind.OBLIGATION_MISMATCH,
    "an obligation to somebody else": FindingKind.OBLIGATION_MISMATCH,
    "an obligation forged": FindingKind.OBLIGATION_MISMATCH,
    "a step forged": FindingKind.OBLIGATION_MISMATCH,
    "a step missing": FindingKind.OBLIGATION_MISMATCH,
    "a step higher than it was": FindingKind.OBLIGATION_MISMATCH,
    "a step by somebody else": FindingKind.OBLIGATION_MISMATCH,
    "a step sooner than it was": FindingKind.OBLIGATION_MISMATCH,
    "the history of another child": FindingKind.CHILD_HISTORY_BROKEN,
    "a child's history with a hole": FindingKind.CHILD_HISTORY_BROKEN,
    "an authority put in another's role": FindingKind.CHILD_HISTORY_BROKEN,
    "a child found by what another's entry recorded": FindingKind.IDENTIFIER_FOREIGN,
    "an entry in another child's history too": FindingKind.CHILD_HISTORY_BROKEN,
}
CORRUPTIONS: dict[str, tuple[Attack, FindingKind]] = {
    **ON_THE_LOG,
    **BY_THE_KEYHOLDER,
    **{name: (partial(beside.attack, name=name), kind) for name, kind in BESIDE_THE_LOG.items()},
}
SEEDS = (1, 2)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def opened() -> AsyncIterator[Laboratory]:
    """An exchange with a history, its services stopped, its database open to an attacker with every right."""
    async with running_exchange() as exchange:
        async with exchange.client() as client:
            who = child()
            for record in (share(who), share(), share(who)):
                await client.share(record)
        async with exchange.client(PRACTICE) as client:
            await client.withhold(withholding(who))
        await exchange.all_signed_for()
        for name in ("notifier", "gateway", "ledger"):
            await exchange.local.stop_service(name)
        laboratory = await Laboratory.open(exchange)
        yield laboratory
        await laboratory.database.close()


async def test_the_laboratory_begins_with_a_ledger_that_is_intact(opened: Laboratory) -> None:
    await opened.restore(Random(0))
    report = await opened.exchange.audit()
    assert report.intact, report.findings
    assert report.sections > 0
    assert report.answers > 0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("corruption", CORRUPTIONS)
async def test_a_corruption_is_found_and_named_where_it_is(opened: Laboratory, corruption: str, seed: int) -> None:
    attack, kind = CORRUPTIONS[corruption]
    await opened.restore(Random(seed))
    first, last = await attack(opened)
    report = await opened.exchange.audit()
    found = {(each.kind, each.first_position, each.last_position) for each in report.findings}
    assert (kind, first, last) in found, found


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_dropped_entry_is_missing_and_the_last_one_is_cut_off(opened: Laboratory, seed: int) -> None:
    await opened.restore(Random(seed))
    size = await opened.size()
    first, last = await log.drop(opened)
    kind = FindingKind.TRUNCATED if first == size - 1 else FindingKind.MISSING_ENTRY
    assert (kind, first, last) in {
        (each.kind, each.first_position, each.last_position) for each in (await opened.exchange.audit()).findings
    }


async def test_one_changed_interval_is_one_finding_about_heads(opened: Laboratory) -> None:
    await opened.restore(Random(3))
    await log.edit_with_its_hash(opened)
    kinds = [each.kind for each in (await opened.exchange.audit()).findings]
    assert kinds.count(FindingKind.HEAD_MISMATCH) == 1


async def test_the_laboratory_is_as_large_as_it_is_said_to_be() -> None:
    assert len(CORRUPTIONS) >= 30
    assert set(BESIDE_THE_LOG) == set(beside.STATEMENTS)
