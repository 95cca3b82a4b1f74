"""Killed with -9 at every step of publishing, the files that strangers read verify before and after the restart."""

import signal
from pathlib import Path

import pytest

from services.witness.adapters.evidence_files import read_evidence
from shared.identifiers import TreeSize
from shared.transparency.signed_note import open_note
from shared.transparency.witness_protocol import AddCheckpoint, format_request
from tests.machinery.behind import COMMITTED, PUBLISHED, Behind, caught_up
from tests.machinery.crash import Crash
from tests.machinery.lean_ledger import LeanLedger
from tests.machinery.published_files import judged
from tests.machinery.witness import WitnessProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Each step with the size whose checkpoint a reader finds once the ledger has died there.
PUBLISH = {
    "publish: in the middle of writing a bundle": PUBLISHED,
    "publish: before a bundle has its name": PUBLISHED,
    "publish: after a bundle has its name": PUBLISHED,
    "publish: in the middle of writing a tile": PUBLISHED,
    "publish: before a tile has its name": PUBLISHED,
    "publish: after a tile has its name": PUBLISHED,
    "publish: after the tiles, before the checkpoint": PUBLISHED,
    "publish: in the middle of writing the checkpoint": PUBLISHED,
    "publish: before the checkpoint has its name": PUBLISHED,
    "publish: after the checkpoint has its name": COMMITTED,
    "publish: after the checkpoint, before partial files are dropped": COMMITTED,
    "publish: while partial files are dropped": COMMITTED,
}

WITNESSED = (
    "publish: before the witnesses are asked",
    "publish: while a witness is asked",
    "publish: after the witnesses' answers, before the checkpoint",
)


@pytest.mark.parametrize("step", PUBLISH)
async def test_killed_while_publishing(behind: Behind, step: str) -> None:
    await dies_at(step, behind.ledger)
    assert (await judged(behind.ledger, older_notes=[behind.note])).size == PUBLISH[step]
    await caught_up(behind)


async def test_killed_at_one_step_of_publishing_after_another(behind: Behind) -> None:
    """What one death left behind is there for the next, and what is published stays whole throughout."""
    for step, size in PUBLISH.items():
        if size == PUBLISHED:
            await dies_at(step, behind.ledger)
            assert (await judged(behind.ledger, older_notes=[behind.note])).size == size
    await caught_up(behind)


@pytest.mark.parametrize("step", WITNESSED)
async def test_killed_while_witnesses_are_asked(behind: Behind, tmp_path: Path, step: str) -> None:
    """A witness that has cosigned what nobody published sees a log that goes on from there, and no fork."""
    witness = WitnessProcess.prepared(tmp_path / "witness", log_keys=[behind.ledger.verifier.verifier_key()])
    witness.start()
    try:
        witness.ask(format_request(AddCheckpoint(TreeSize(0), (), behind.note))).raise_for_status()
        names = [f"w{ordinal}" for ordinal, _ in enumerate(witness.verifiers)]
        lines = [
            f"witness {name} {key.verifier_key()} {witness.url}"
            for name, key in zip(names, witness.verifiers, strict=True)
        ]
        policy = tmp_path / "policy"
        policy.write_text("\n".join([*lines, f"group all all {' '.join(names)}", "quorum all"]), "utf-8")
        behind.ledger.more_settings["witness_policy_file"] = policy
        await dies_at(step, behind.ledger)
        assert (await judged(behind.ledger, older_notes=[behind.note])).size == PUBLISHED
        note = await caught_up(behind)
        cosigned = open_note(note, [behind.ledger.verifier, *witness.verifiers]).verified
        assert [each.name for each in cosigned] == [behind.ledger.verifier.name, witness.name, witness.name]
        assert not read_evidence(witness.state / "evidence")
    finally:
        witness.kill()


async def dies_at(step: str, ledger: LeanLedger) -> None:
    """Start a ledger that publishes what is committed, and see it die at the step."""
    doomed = ledger.start(crash=Crash(step))
    assert await doomed.ended() == -signal.SIGKILL
