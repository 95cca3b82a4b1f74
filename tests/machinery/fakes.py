"""Hand-written stand-ins for what the notifier talks to, for tests that drive it step by step."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.ledger.domain.amending import history_of
from services.notifier.ports import PushOutcome
from shared.entries import Entry, Obligation, RoleFact, Subject, encode_entry
from shared.entry_types import RECORD_TYPES, REGISTRY_TYPES
from shared.errors import IntegrityFailure, Unavailable
from shared.identifiers import AgencyId, AuthorityCode, ChildRef, EntryId, ObligationId, Position, Recipient
from shared.ledger.messages import (
    Appended,
    AppendRequest,
    EntriesPage,
    OpenedSection,
    OpenSection,
    StoredEntry,
    TreeHead,
)
from shared.ledger.record_history import RecordHistory
from shared.ledger.registry import EndpointFacts
from shared.vocabulary import EntryType

START = datetime.fromisoformat("2026-11-24T10:00:00+00:00")


@dataclass
class FakeClock:
    """A clock that goes on only when told to."""

    moment: datetime = START

    def now(self) -> datetime:
        return self.moment

    def pass_s(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass
class FakeLedger:
    """A ledger in memory: positions in order, idempotent appends, openings counted.

    ``leaves`` holds other bytes than an entry's own, by position. ``refuses`` says what it answers to the append of a
    fact whose key begins so.
    """

    stored: list[Entry] = field(default_factory=list)
    leaves: dict[Position, bytes] = field(default_factory=dict)
    appended: dict[str, AppendRequest] = field(default_factory=dict)
    openings: list[str] = field(default_factory=list)
    down: bool = False
    refuses: dict[str, Exception] = field(default_factory=dict)
    asked_to_append: list[str] = field(default_factory=list)

    def add(self, entry_type: EntryType, **members: object) -> Entry:
        """Put an entry at the end, and return it."""
        position = Position(len(self.stored))
        entry = Entry(
            position=position,
            id=EntryId(f"{position:032x}"),
            type=entry_type,
            time="2026-11-24T10:00:00.000000Z",
            **members,  # type: ignore[arg-type]
        )
        self.stored.append(entry)
        return entry

    def add_share(
        self,
        *,
        child: str = "c",
        recipients: tuple[str, ...] = ("authority:E06000005",),
        due_at: str = "2026-11-25T17:00:00.000000Z",
        urgency: str = "same_day",
    ) -> Entry:
        """Put a share at the end that is owed to recipients."""
        position = len(self.stored)
        return self.add(
            EntryType.SHARE_RECORDED,
            agency=AgencyId("a-school"),
            subjects=(
                Subject(ChildRef(child * 32), position + 1, (RoleFact("living_at", AuthorityCode("E06000005")),)),
            ),
            obligations=tuple(
                Obligation(
                    ObligationId(f"{position:032x}-{ordinal}"),
                    Recipient(recipient),
                    ("lives_in_area",),
                    urgency,
                    due_at,
                    "working_days:England",
                    "recorded",
                )
                for ordinal, recipient in enumerate(recipients)
            ),
        )

    async def append(self, request: AppendRequest) -> Appended:
        if self.down:
            raise Unavailable("down")
        self.asked_to_append.append(request.idempotency.key)
        for begins, error in self.refuses.items():
            if request.idempotency.key.startswith(begins):
                raise error
        repeated = request.idempotency.key in self.appended
        self.appended.setdefault(request.idempotency.key, request)
        return Appended(Position(len(self.appended)), 201, b"{}", repeated)

    async def entries(self, *, after: int, limit: int = 500, registry_only: bool = False) -> EntriesPage:
        if self.down:
            raise Unavailable("down")
        found = [
            StoredEntry(entry.position, self.leaves.get(entry.position) or encode_entry(entry))
            for entry in self.stored[after + 1 :]
            if not registry_only or entry.type in REGISTRY_TYPES
        ]
        return EntriesPage(tuple(found[:limit]), len(self.stored))

    async def record_history(self, entry_id: EntryId) -> RecordHistory:
        entry = next(each for each in self.stored if each.id == entry_id)
        while entry.type not in RECORD_TYPES:
            entry = next(each for each in self.stored if each.id == entry.causes[0])
        found = history_of(entry, self.stored)
        later = tuple(StoredEntry(each.position, encode_entry(each)) for each in found.later)
        child = entry.subjects[0].ref if entry.subjects else None
        return RecordHistory(
            StoredEntry(entry.position, encode_entry(entry)), later, tuple(found.told), child, len(self.stored), ()
        )

    async def open_section(self, request: OpenSection) -> OpenedSection:
        if self.down:
            raise Unavailable("down")
        self.openings.append(request.purpose)
        return OpenedSection(b'{"what": "was told"}', Position(0))

    async def tree_head(self) -> TreeHead:
        return TreeHead(len(self.stored), b"")


@dataclass
class FakePush:
    """Takes pushes and answers what it is told to; ``before`` runs first, and may raise as a crash would.

    To the endpoints in ``hangs`` a push never ends.
    """

    outcome: str = "received"
    sent: list[tuple[ObligationId, bytes, bool]] = field(default_factory=list)
    before: Callable[[], None] = lambda: None
    hangs: set[str] = field(default_factory=set)
    to_hanging: int = 0

    async def send(
        self, endpoint: EndpointFacts, *, obligation: ObligationId, body: bytes, headers: Mapping[str, str]
    ) -> PushOutcome:
        self.before()
        if endpoint.endpoint in self.hangs:
            self.to_hanging += 1
            await asyncio.Event().wait()
        self.sent.append((obligation, body, headers["exchange-overtaking"] == "?1"))
        evidence = b"{}" if self.outcome == "received" else None
        return PushOutcome(self.outcome, None if self.outcome == "timed_out" else 200, evidence)


@dataclass
class FakeKeyEncryption:
    """A keeper in memory whose wrapping hides nothing; ``down`` makes it answer nobody."""

    kept: list[str] = field(default_factory=list)
    made: int = 0
    down: bool = False

    async def epochs(self) -> tuple[str, ...]:
        self._answer()
        return tuple(self.kept)

    async def make(self) -> str:
        self._answer()
        self.made += 1
        self.kept.append(f"kek-{self.made}")
        return self.kept[-1]

    async def wrap(self, plain: bytes, *, kek_id: str, key_id: str, nonce: bytes) -> bytes:
        self._answer()
        self._there(kek_id)
        return f"{kek_id}:{key_id}:".encode() + plain

    async def unwrap(self, wrapped: bytes, *, kek_id: str, key_id: str) -> bytes:
        self._answer()
        self._there(kek_id)
        bound = f"{kek_id}:{key_id}:".encode()
        if not wrapped.startswith(bound):
            raise IntegrityFailure("bound to another")
        return wrapped.removeprefix(bound)

    async def destroy(self, kek_id: str) -> None:
        self._answer()
        if kek_id in self.kept:
            self.kept.remove(kek_id)

    def _answer(self) -> None:
        if self.down:
            raise Unavailable("down")

    def _there(self, kek_id: str) -> None:
        if kek_id not in self.kept:
            raise IntegrityFailure("no such key")
