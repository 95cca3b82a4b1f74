"""Tessera's fsck and torchwood, which know nothing of this project, pass our logs and find what was tampered with."""

import asyncio
from pathlib import Path

import pytest

from tests.foreign.conftest import WrittenLog
from tests.foreign.tampering import EVERY_WAY

pytestmark = [pytest.mark.foreign, pytest.mark.asyncio(loop_scope="session")]

TOOLS = Path(__file__).parent.parent.parent / ".foreign" / "bin"


async def run(*command: str) -> tuple[int, str]:
    """Run a tool; return its exit code and all that it said."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, said.decode("utf-8", "replace")


async def fsck(log: WrittenLog, key_file: Path) -> str:
    """Return what fsck says. Its exit code is 0 whatever it finds, and with one worker a bad tile stops it for ever."""
    key_file.write_text(log.verifier_key)
    with log.served() as url:
        _, said = await run(str(TOOLS / "fsck"), "-ui=false", "-N=16", f"-storage_url={url}", f"-public_key={key_file}")
    return said


async def verifylog(log: WrittenLog) -> tuple[int, str]:
    files = [str(path) for pair in log.receipts for path in pair]
    with log.served() as url:
        return await run(str(TOOLS / "verifylog"), url, log.verifier_key, str(log.older), *files)


async def test_fsck_passes_the_log_that_the_exchange_wrote(written_log: WrittenLog, tmp_path: Path) -> None:
    said = await fsck(written_log, tmp_path / "key")
    checkpoint = written_log.checkpoint
    assert f"Successfully fsck'd log with size {checkpoint.size} and root" in said
    assert checkpoint.root.hex() in said


@pytest.mark.parametrize("way", EVERY_WAY)
async def test_fsck_finds_it(written_log: WrittenLog, tmp_path: Path, way: str) -> None:
    tampered = written_log.copied_to(tmp_path / "log")
    EVERY_WAY[way](tampered.folder)
    said = await fsck(tampered, tmp_path / "key")
    assert "fsck failed: " in said
    assert "Successfully" not in said


async def test_torchwood_passes_entries_growth_and_receipts(written_log: WrittenLog) -> None:
    code, said = await verifylog(written_log)
    assert code == 0, said
    assert said == f"intact: {written_log.checkpoint.size} entries, {len(written_log.receipts)} receipts\n"


@pytest.mark.parametrize("way", EVERY_WAY)
async def test_torchwood_finds_it(written_log: WrittenLog, tmp_path: Path, way: str) -> None:
    tampered = written_log.copied_to(tmp_path / "log")
    EVERY_WAY[way](tampered.folder)
    code, said = await verifylog(tampered)
    assert code == 1, said
    assert said.startswith("not intact:")


async def test_torchwood_refuses_a_receipt_of_another_entry(written_log: WrittenLog) -> None:
    (proof, _), (_, other_entry), *_ = written_log.receipts
    with written_log.served() as url:
        code, said = await run(
            str(TOOLS / "verifylog"),
            url,
            written_log.verifier_key,
            str(written_log.older),
            str(proof),
            str(other_entry),
        )
    assert code == 1, said
    assert "receipt" in said
