"""A log whose key was rotated verifies from its files with the first key or the newest, and with no stranger's."""

import pytest

from services.ledger.audit.findings import FindingKind, Report
from services.ledger.audit.tile_log import verify_tiles
from shared.transparency.signed_note import NoteSigner
from shared.vocabulary import EntryType
from tests.machinery.rotated_log import FIRST, SECOND, STRANGER, THIRD, RotatedLog, rotated_log
from tests.machinery.static_log import MemoryTiles, static_log

COMPROMISED = "2026-11-20T00:00:00.000000Z"


async def verified(log: RotatedLog, trusted: NoteSigner, *, older: tuple[bytes, ...] = ()) -> Report:
    """Check the files of a log whose checkpoint is its last head."""
    files = {**static_log(log.leaves), "checkpoint": log.heads[-1]}
    return await verify_tiles(MemoryTiles(files), verifiers=[trusted.verifier()], older_notes=older)


def said(report: Report) -> str:
    """Return the one finding's words, which must be that a signature does not count."""
    assert [each.kind for each in report.findings] == [FindingKind.BAD_SIGNATURE], report.findings
    return report.findings[0].detail


@pytest.mark.parametrize("trusted", [FIRST, SECOND, THIRD], ids=["first", "second", "newest"])
async def test_any_key_that_the_log_ever_had_proves_it_and_all_its_older_checkpoints(trusted: NoteSigner) -> None:
    log = rotated_log()
    report = await verified(log, trusted, older=tuple(log.heads))
    assert report.intact, report.findings


async def test_a_stranger_s_key_proves_nothing() -> None:
    assert "no key that you trust has vouched" in said(await verified(rotated_log(), STRANGER))


async def test_a_checkpoint_by_a_key_that_the_log_never_introduced_is_refused_by_name() -> None:
    log = rotated_log()
    log.sign(STRANGER)
    detail = said(await verified(log, THIRD))
    assert f"{STRANGER.name}+{STRANGER.verifier().key_id.hex()}, a key that this log never introduced" in detail


@pytest.mark.parametrize("compromised_from", [None, COMPROMISED])
async def test_a_checkpoint_by_a_key_given_up_before_is_refused_by_name(compromised_from: str | None) -> None:
    log = rotated_log(compromised_from=compromised_from)
    log.add(EntryType.CONTENT_OPENED)
    log.sign(FIRST)
    detail = said(await verified(log, FIRST))
    assert "that the log gave up at entry 152" in detail
    assert (f"compromised from {COMPROMISED}" in detail) == (compromised_from is not None)


async def test_a_key_that_was_given_up_and_is_announced_again_is_a_finding_and_signs_nothing() -> None:
    log = rotated_log(compromised_from=COMPROMISED)
    again = log.add(EntryType.LOG_KEY_ADDED, {"vkey": FIRST.verifier().verifier_key()})
    log.sign(THIRD, FIRST)
    (found,) = (await verified(log, THIRD)).findings
    assert (found.kind, found.first_position) == (FindingKind.REGISTRY_BROKEN, again)
    assert "adds a log key that was given up before" in found.detail
    log.add(EntryType.CONTENT_OPENED)
    log.sign(FIRST)
    report = await verified(log, THIRD)
    assert {each.kind for each in report.findings} == {FindingKind.REGISTRY_BROKEN, FindingKind.BAD_SIGNATURE}


async def test_an_older_checkpoint_by_a_key_given_up_before_it_is_refused_by_name() -> None:
    log = rotated_log(compromised_from=COMPROMISED)
    late = log.sign(FIRST)
    log.heads.pop()
    report = await verified(log, THIRD, older=(late,))
    assert report.intact, "a checkpoint that a thief may have signed says nothing of the log"
    (unproven,) = report.unproven
    assert unproven.size == len(log.leaves)
    assert f"gave up at entry 152, compromised from {COMPROMISED}" in unproven.detail


async def test_an_older_checkpoint_that_somebody_made_up_contradicts_nothing() -> None:
    log = rotated_log()
    other = RotatedLog([], [])
    other.add(EntryType.LEDGER_OPENED, {"vkey": STRANGER.verifier().verifier_key()})
    other.add(EntryType.CONTENT_OPENED)
    made_up = other.sign(STRANGER)
    report = await verified(log, THIRD, older=(made_up,))
    assert (report.findings, [each.size for each in report.unproven]) == ([], [2])
    honest = RotatedLog([*other.leaves], []).sign(THIRD)
    report = await verified(log, THIRD, older=(honest,))
    assert [each.kind for each in report.findings] == [FindingKind.OLDER_CHECKPOINT_CONTRADICTED]
    assert report.unproven == []


async def test_a_key_that_vouches_for_itself_is_not_believed() -> None:
    log = RotatedLog([], [])
    log.add(EntryType.LEDGER_OPENED, {"vkey": FIRST.verifier().verifier_key()})
    log.sign(FIRST)
    log.add(EntryType.LOG_KEY_ADDED, {"vkey": STRANGER.verifier().verifier_key()})
    vouched = log.sign(STRANGER).decode()
    log.add(EntryType.LOG_KEY_RETIRED, {"vkey": FIRST.verifier().verifier_key(), "vouched_by": vouched})
    log.sign(STRANGER)
    assert "no key that you trust has vouched" in said(await verified(log, FIRST))


async def test_a_carried_checkpoint_of_another_history_leads_nowhere() -> None:
    """The first key did sign it, with the stranger's in it: but in a tree that is not this log's."""
    other = RotatedLog([], [])
    other.add(EntryType.LEDGER_OPENED, {"vkey": FIRST.verifier().verifier_key()})
    other.add(EntryType.CONTENT_OPENED)
    vouched = other.sign(FIRST, STRANGER).decode()
    log = RotatedLog([], [])
    log.add(EntryType.LEDGER_OPENED, {"vkey": FIRST.verifier().verifier_key()})
    log.add(EntryType.LOG_KEY_ADDED, {"vkey": STRANGER.verifier().verifier_key()})
    log.add(EntryType.LOG_KEY_RETIRED, {"vkey": FIRST.verifier().verifier_key(), "vouched_by": vouched})
    log.sign(STRANGER)
    assert "no key that you trust has vouched" in said(await verified(log, FIRST))
