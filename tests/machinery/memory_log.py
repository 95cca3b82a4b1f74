"""The log's port kept in dictionaries, with the promises of the real one: whole batches, a fence, look-ups that lag."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.ledger.domain.receipts import whole_answer
from services.ledger.domain.sealing import WrappedKey
from services.ledger.ports import CommittedBatch, FoundAnswer, Guarded, Head, LookedUp
from shared.errors import IntegrityFailure
from shared.identifiers import ChildRef


@dataclass
class MemoryLog:
    """One writer's log. ``commit`` takes its time, so that a look-up of the next batch runs before it is done."""

    heads: list[Head] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    answers: dict[bytes, FoundAnswer] = field(default_factory=dict)
    nonces: set[bytes] = field(default_factory=set)
    versions: dict[ChildRef, int] = field(default_factory=dict)
    identified: dict[bytes, ChildRef] = field(default_factory=dict)
    wrapped: dict[str, WrappedKey] = field(default_factory=dict)

    async def win(self) -> bool:
        return True

    async def keep(self) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        return

    async def head(self) -> Head | None:
        return self.heads[-1] if self.heads else None

    async def time(self) -> datetime:
        return datetime.now(UTC)

    async def wrapped_key(self, key_id: str) -> WrappedKey | None:
        return self.wrapped.get(key_id)

    async def look_up(
        self,
        *,
        answer_tokens: Sequence[bytes],
        nonce_tokens: Sequence[bytes],
        children: Sequence[ChildRef],
        identifier_tokens: Sequence[bytes],
    ) -> LookedUp:
        found = LookedUp(
            {token: self.answers[token] for token in answer_tokens if token in self.answers},
            frozenset(self.nonces.intersection(nonce_tokens)),
            {ref: self.versions[ref] for ref in children if ref in self.versions},
            {token: self.identified[token] for token in identifier_tokens if token in self.identified},
        )
        await asyncio.sleep(0)
        return found

    async def commit(self, batch: CommittedBatch) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        if batch.previous_size != len(self.leaves):
            raise IntegrityFailure("another writer has committed to this log")
        for planned, body in zip(batch.entries, batch.answers, strict=True):
            prepared = planned.prepared
            self.leaves.append(planned.leaf)
            if prepared.key_is_new:
                self.wrapped[prepared.data_key.id] = prepared.data_key.wrapped
            if prepared.nonce_token is not None:
                self.nonces.add(prepared.nonce_token)
            for subject in planned.entry.subjects:
                self.versions[subject.ref] = subject.version
            for identifier in planned.new_identifiers:
                if identifier.identifying and prepared.child_ref is not None:
                    self.identified[identifier.token] = prepared.child_ref
            if planned.answers:
                self.answers[prepared.answer_token] = FoundAnswer(
                    planned.entry.position,
                    planned.entry.id,
                    prepared.request.answer.status,
                    whole_answer(body, leaf=planned.leaf, checkpoint=batch.head.checkpoint),
                    prepared.fingerprint,
                    prepared.data_key.id,
                    self.wrapped[prepared.data_key.id],
                )
        self.heads.append(batch.head)


class MemoryKeys:
    """One key-encryption key that hides nothing: what is sealed under it is not what these tests look at."""

    async def epochs(self) -> tuple[str, ...]:
        return ("kek",)

    async def make(self) -> str:
        return "kek"

    async def wrap(self, plain: bytes, *, kek_id: str, key_id: str, nonce: bytes) -> bytes:
        return plain

    async def unwrap(self, wrapped: bytes, *, kek_id: str, key_id: str) -> bytes:
        return wrapped

    async def destroy(self, kek_id: str) -> None:
        return


@dataclass
class MemoryGuard:
    """The guard's port in memory: it never goes back."""

    kept: Head | None = None

    def recall(self) -> Guarded | None:
        if self.kept is None:
            return None
        return Guarded(self.kept.size, self.kept.frontier.root(), self.kept.checkpoint)

    async def remember(self, head: Head) -> None:
        if self.kept is None or head.size > self.kept.size:
            self.kept = head
