"""Published files torn or altered while the ledger was down: it accepts all the same, names the file, and mends."""

import asyncio
from collections.abc import Callable

import pytest

from tests.machinery.behind import COMMITTED, Behind, caught_up
from tests.machinery.lean_ledger import PATIENCE_S
from tests.machinery.ledger_clients import Clients
from tests.machinery.published_files import judged, published_at

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILES = ("tile/0/000", "tile/entries/000", "tile/0/001.p/14", "tile/entries/001.p/14", "tile/1/000.p/1")


def cut_short(data: bytes) -> bytes:
    """Return what a power cut may leave of a file that no program flushed."""
    return data[: len(data) // 2]


def with_a_flipped_bit(data: bytes) -> bytes:
    """Return what a failing disk may give back."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize("damage", [cut_short, with_a_flipped_bit])
@pytest.mark.parametrize("path", FILES)
async def test_a_torn_file_is_named_at_the_next_start_and_made_again_once_it_is_moved_away(
    behind: Behind, path: str, damage: Callable[[bytes], bytes]
) -> None:
    ledger = behind.ledger
    first = await ledger.writing()
    await published_at(ledger, COMMITTED)
    first.kill()
    file = ledger.tiles / path
    file.write_bytes(damage(file.read_bytes()))
    started = await ledger.writing()
    await started.says("publishing_halted", path)
    clients = Clients(behind.answers)
    await clients.until_answered([started], ["accepted meanwhile"])
    started.kill()
    file.rename(ledger.home / "for the auditor")
    await caught_up(behind)


@pytest.mark.parametrize("path", FILES)
async def test_a_file_that_is_gone_is_made_again_at_the_next_start(behind: Behind, path: str) -> None:
    ledger = behind.ledger
    first = await ledger.writing()
    await published_at(ledger, COMMITTED)
    first.kill()
    file = ledger.tiles / path
    whole = file.read_bytes()
    file.unlink()
    await ledger.writing()
    for _ in range(int(PATIENCE_S / 0.05)):
        if file.exists():
            break
        await asyncio.sleep(0.05)
    assert file.read_bytes() == whole
    assert (await judged(ledger, older_notes=[behind.note])).size == COMMITTED


async def test_a_torn_checkpoint_is_a_refusal_to_sign_until_it_is_moved_away(behind: Behind) -> None:
    checkpoint = behind.ledger.tiles / "checkpoint"
    checkpoint.write_bytes(cut_short(checkpoint.read_bytes())[:40])
    refusing = behind.ledger.start()
    assert await refusing.ended() == 1
    assert "the published checkpoint is not a checkpoint" in refusing.log
    checkpoint.unlink()
    await caught_up(behind)
