"""Killed with -9 at every step of publishing, the files that strangers read verify before and after the restart."""

import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local.postgres import EmbeddedPostgres
from deploy.local.secret_files import SecretFiles
from services.witness.adapters.evidence_files import read_evidence
from shared.identifiers import TreeSize
from shared.ledger.messages import Appended
from shared.transparency.signed_note import open_note
from shared.transparency.witness_protocol import AddCheckpoint, format_request
from tests.machinery.crash import Crash
from tests.machinery.lean_ledger import LeanLedger, lean_ledger
from tests.machinery.ledger_clients import Clients
from tests.machinery.published_files import judged, published_at, swept
from tests.machinery.witness import WitnessProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")

PUBLISHED = 250
COMMITTED = 270
"""The next checkpoint fills a tile and a bundle, begins the next ones and a level, and outgrows partial files."""

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


@dataclass(frozen=True, slots=True)
class Grown:
    """A log that has committed more than it published, to be copied; every answer it gave."""

    ledger: LeanLedger
    note: bytes
    answers: dict[str, Appended]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def grown(postgres_server: EmbeddedPostgres, template: tuple[str, SecretFiles]) -> AsyncIterator[Grown]:
    with lean_ledger(postgres_server, *template) as ledger:
        clients = Clients()
        publishing = await ledger.writing(tiles_directory=ledger.tiles)
        await clients.until_answered([publishing], [f"k{number}" for number in range(PUBLISHED - 1)])
        note = await published_at(ledger, PUBLISHED)
        publishing.kill()
        without = await ledger.writing()
        await clients.until_answered([without], [f"k{number}" for number in range(PUBLISHED - 1, COMMITTED - 1)])
        without.kill()
        yield Grown(ledger, note, clients.answers)


@pytest.fixture
def ledger(grown: Grown) -> Iterator[LeanLedger]:
    """A copy of that log and of its files."""
    with lean_ledger(grown.ledger.server, grown.ledger.database, grown.ledger.secrets) as copy:
        shutil.copy(grown.ledger.guard, copy.guard)
        shutil.copytree(grown.ledger.tiles, copy.tiles)
        copy.more_settings = {"tiles_directory": copy.tiles}
        yield copy


@pytest.mark.parametrize("step", PUBLISH)
async def test_killed_while_publishing(grown: Grown, ledger: LeanLedger, step: str) -> None:
    await dies_at(step, ledger)
    assert (await judged(ledger, older_notes=[grown.note])).size == PUBLISH[step]
    await goes_on(grown, ledger)


async def test_killed_at_one_step_of_publishing_after_another(grown: Grown, ledger: LeanLedger) -> None:
    """What one death left behind is there for the next, and what is published stays whole throughout."""
    for step, size in PUBLISH.items():
        if size == PUBLISHED:
            await dies_at(step, ledger)
            assert (await judged(ledger, older_notes=[grown.note])).size == size
    await goes_on(grown, ledger)


@pytest.mark.parametrize("step", WITNESSED)
async def test_killed_while_witnesses_are_asked(grown: Grown, ledger: LeanLedger, tmp_path: Path, step: str) -> None:
    """A witness that has cosigned what nobody published sees a log that goes on from there, and no fork."""
    witness = WitnessProcess.prepared(tmp_path / "witness", log_keys=[ledger.verifier.verifier_key()])
    witness.start()
    try:
        witness.ask(format_request(AddCheckpoint(TreeSize(0), (), grown.note))).raise_for_status()
        names = [f"w{ordinal}" for ordinal, _ in enumerate(witness.verifiers)]
        lines = [
            f"witness {name} {key.verifier_key()} {witness.url}"
            for name, key in zip(names, witness.verifiers, strict=True)
        ]
        policy = tmp_path / "policy"
        policy.write_text("\n".join([*lines, f"group all all {' '.join(names)}", "quorum all"]), "utf-8")
        ledger.more_settings["witness_policy_file"] = policy
        await dies_at(step, ledger)
        assert (await judged(ledger, older_notes=[grown.note])).size == PUBLISHED
        note = await goes_on(grown, ledger)
        cosigned = open_note(note, [ledger.verifier, *witness.verifiers]).verified
        assert [each.name for each in cosigned] == [ledger.verifier.name, witness.name, witness.name]
        assert not read_evidence(witness.state / "evidence")
    finally:
        witness.kill()


async def dies_at(step: str, ledger: LeanLedger) -> None:
    """Start a ledger that publishes what is committed, and see it die at the step."""
    doomed = ledger.start(crash=Crash(step))
    assert await doomed.ended() == -signal.SIGKILL


async def goes_on(grown: Grown, ledger: LeanLedger) -> bytes:
    """Start a ledger, append once more, and hold log and files against each other; return the published note."""
    clients = Clients(dict(grown.answers))
    after = await ledger.writing()
    await clients.until_answered([after], ["one more"])
    note = await published_at(ledger, COMMITTED + 1)
    assert len(await clients.check(ledger, after)) == COMMITTED + 1
    published, stored = await judged(ledger, older_notes=[grown.note]), await ledger.audit()
    assert (published.size, published.root) == (stored.size, stored.root)
    await swept(ledger, size=COMMITTED + 1)
    return note
