"""A process that is not the writer, or was once, touches no key."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import pytest

from services.ledger.domain.blind_index import BlindIndex
from services.ledger.domain.sealing import WrappedKey
from services.ledger.key_ring import KeyRing
from services.ledger.prepare_append import AppendPreparer, Secrets
from services.ledger.request_queue import Queue
from services.ledger.rotate_encryption_key import EncryptionKeyRotation
from shared.errors import IntegrityFailure, InvalidInput, Unavailable
from shared.ledger.key_messages import DestroyEncryptionKey, RewrapDataKeys, RotateEncryptionKey
from shared.ledger.registry import Registry
from shared.ledger.service_keys import ServiceKeys
from tests.machinery.fakes import FakeKeyEncryption


@dataclass
class FakeDataKeys:
    """Data keys in memory."""

    rows: dict[str, WrappedKey] = field(default_factory=dict)

    async def wrapped_key(self, key_id: str) -> WrappedKey | None:
        return self.rows.get(key_id)

    async def wrapped_under_others(self, kek_id: str, *, after: str, limit: int) -> Mapping[str, WrappedKey]:
        found = [(key_id, row) for key_id, row in sorted(self.rows.items()) if key_id > after and row.kek_id != kek_id]
        return dict(found[:limit])

    async def replace(self, old: Mapping[str, WrappedKey], new: Mapping[str, WrappedKey]) -> int:
        self.rows.update(new)
        return len(new)

    async def count_by_key(self) -> Mapping[str, int]:
        kinds = [row.kek_id for row in self.rows.values()]
        return {kind: kinds.count(kind) for kind in set(kinds)}


@dataclass
class FakeRecord:
    """What the entries say."""

    keys: ServiceKeys = field(default_factory=ServiceKeys)

    async def registry(self) -> Registry:
        return Registry(service_keys=self.keys)


@dataclass
class Ledger:
    """A rotation with fakes around it: five data keys under the first of two keys."""

    keeper: FakeKeyEncryption = field(default_factory=FakeKeyEncryption)
    stored: FakeDataKeys = field(default_factory=FakeDataKeys)
    record: FakeRecord = field(default_factory=FakeRecord)
    queue: Queue = field(default_factory=Queue)

    async def rotation(self, *, current: str) -> EncryptionKeyRotation:
        ring = KeyRing(self.keeper, random=bytes)
        for _ in range(2):
            await self.keeper.make()
        await ring.take_up("kek-1")
        for name in "abcde":
            self.stored.rows[name] = (await ring.wrap(name.encode(), key_id=name)).wrapped
        ring.change_to(current)
        self.queue.open()
        return EncryptionKeyRotation(
            key_ring=ring,
            preparer=AppendPreparer(secrets=Secrets(ring, BlindIndex(bytes(32))), data_keys=self.stored, random=bytes),
            queue=self.queue,
            data_keys=self.stored,
            recorded=self.record,
            random=bytes,
        )


async def test_data_keys_are_wrapped_anew_in_batches_until_none_is_left() -> None:
    ledger = Ledger()
    rotation = await ledger.rotation(current="kek-2")
    ledger.record.keys = ServiceKeys("kek-2", ("kek-1",))
    first = await rotation.rewrap(RewrapDataKeys(limit=3))
    assert (first.count, first.after) == (3, "c")
    last = await rotation.rewrap(RewrapDataKeys(first.after or "", limit=3))
    assert (last.count, last.after) == (2, None)
    assert await ledger.stored.count_by_key() == {"kek-2": 5}


async def test_a_data_key_that_does_not_open_stops_its_batch_and_stays_as_it_was() -> None:
    ledger = Ledger()
    rotation = await ledger.rotation(current="kek-2")
    ledger.record.keys = ServiceKeys("kek-2", ("kek-1",))
    ledger.stored.rows["c"] = WrappedKey("kek-1", b"damaged")
    before = dict(ledger.stored.rows)
    with pytest.raises(IntegrityFailure):
        await rotation.rewrap(RewrapDataKeys())
    assert ledger.stored.rows == before


@pytest.mark.parametrize("act", ["rotate", "rewrap", "destroy"])
@pytest.mark.parametrize("why", ["it is not in office", "another has rotated since"])
async def test_a_process_that_is_not_the_writer_touches_no_key(act: str, why: str) -> None:
    ledger = Ledger()
    rotation = await ledger.rotation(current="kek-2")
    ledger.record.keys = ServiceKeys("kek-3" if "another" in why else "kek-2", ("kek-1",))
    if "office" in why:
        ledger.queue.close("no writer")
    before, kept = dict(ledger.stored.rows), [*ledger.keeper.kept]
    acts: dict[str, Callable[[], Awaitable[object]]] = {
        "rotate": lambda: rotation.rotate(RotateEncryptionKey("p.ellis")),
        "rewrap": lambda: rotation.rewrap(RewrapDataKeys()),
        "destroy": lambda: rotation.destroy(DestroyEncryptionKey("kek-1", "p.ellis")),
    }
    with pytest.raises(Unavailable, match="not the writer"):
        await acts[act]()
    assert (ledger.stored.rows, ledger.keeper.kept) == (before, kept)


@pytest.mark.parametrize("by", ["", "Petra Ellis"])
async def test_nobody_rotates_or_destroys_a_key_without_an_account(by: str) -> None:
    ledger = Ledger()
    rotation = await ledger.rotation(current="kek-2")
    ledger.record.keys = ServiceKeys("kek-2", ("kek-1",))
    kept = [*ledger.keeper.kept]
    with pytest.raises(InvalidInput, match="not an account"):
        await rotation.rotate(RotateEncryptionKey(by))
    with pytest.raises(InvalidInput, match="not an account"):
        await rotation.destroy(DestroyEncryptionKey("kek-1", by))
    assert ledger.keeper.kept == kept
