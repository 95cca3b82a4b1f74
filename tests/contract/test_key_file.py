"""Key-encryption keys in files keep the contract, and the single file of before is the first epoch."""

import hashlib
from pathlib import Path

import pytest

from services.ledger.adapters.key_file import KeyFile
from services.ledger.adapters.key_moved import MovedKeys
from services.ledger.domain.sealing import KEY_BYTES
from services.ledger.ports import KeyEncryption
from shared.errors import InvalidInput
from tests.contract.key_encryption import CHILD, KeyEncryptionContract, wrapped


class TestKeyFile(KeyEncryptionContract):
    @pytest.fixture
    def keys(self, tmp_path: Path) -> KeyEncryption:
        return KeyFile(tmp_path / "wrapping.key")


class TestMovedKeys(KeyEncryptionContract):
    @pytest.fixture
    def keys(self, tmp_path: Path) -> KeyEncryption:
        return MovedKeys(now=KeyFile(tmp_path / "now.key"), before=KeyFile(tmp_path / "before.key"))


@pytest.fixture
def single_file(tmp_path: Path) -> Path:
    path = tmp_path / "wrapping.key"
    path.write_bytes(bytes(range(KEY_BYTES)))
    path.chmod(0o600)
    return path


async def test_the_single_file_of_before_is_the_first_epoch_under_the_id_it_always_had(single_file: Path) -> None:
    tag = b"safeguarding-exchange/kek-id/v1\n"
    always = hashlib.sha256(tag + bytes(range(KEY_BYTES))).hexdigest()[:16]
    keys = KeyFile(single_file)
    assert await keys.epochs() == (always,)
    later = await keys.make()
    assert await keys.epochs() == (always, later)


async def test_new_keys_stand_beside_it_readable_by_nobody_else(single_file: Path) -> None:
    keys = KeyFile(single_file)
    for _ in range(2):
        await keys.make()
    beside = sorted(path.name for path in single_file.parent.iterdir())
    assert beside == ["wrapping.key", "wrapping.key.2", "wrapping.key.3"]
    assert {path.stat().st_mode & 0o777 for path in single_file.parent.iterdir()} == {0o600}


async def test_a_key_that_another_process_made_is_found_when_it_is_needed(single_file: Path) -> None:
    here, there = KeyFile(single_file), KeyFile(single_file)
    made = await there.make()
    content = await wrapped(there, bytes(KEY_BYTES), kek_id=made)
    assert await here.unwrap(content, kek_id=made, key_id=CHILD) == bytes(KEY_BYTES)


async def test_a_draft_that_a_crash_left_is_no_key(single_file: Path) -> None:
    (single_file.parent / ".wrapping.key.2.99").write_bytes(b"half")
    (single_file.parent / "wrapping.key.old").write_bytes(b"a copy")
    assert len(await KeyFile(single_file).epochs()) == 1


@pytest.mark.parametrize("content", [b"", bytes(31), bytes(33)])
def test_a_file_that_does_not_hold_a_key_is_refused(single_file: Path, content: bytes) -> None:
    single_file.write_bytes(content)
    with pytest.raises(InvalidInput, match="exactly 32 bytes"):
        KeyFile(single_file)


def test_a_file_that_others_may_read_is_refused(single_file: Path) -> None:
    single_file.chmod(0o640)
    with pytest.raises(InvalidInput, match="read by others"):
        KeyFile(single_file)


async def test_after_a_move_old_keys_open_and_new_ones_are_made_where_keys_are_kept_now(
    single_file: Path, tmp_path: Path
) -> None:
    before, now = KeyFile(single_file), KeyFile(tmp_path / "now.key")
    old = (await before.epochs())[0]
    content = await wrapped(before, bytes(KEY_BYTES), kek_id=old)
    moved = MovedKeys(now=now, before=before)
    assert await moved.unwrap(content, kek_id=old, key_id=CHILD) == bytes(KEY_BYTES)
    new = await moved.make()
    assert await now.epochs() == (new,)
    assert await moved.epochs() == (old, new)
    await moved.destroy(old)
    assert await before.epochs() == ()
