"""A term of office: being elected the writer, checking what is found against what was signed, then sequencing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from services.ledger.adapters.postgres_log import ELECTION_EVERY_S
from services.ledger.adapters.postgres_reader import PostgresReader
from services.ledger.append_entries import Sequencer
from services.ledger.continuity import Continuity
from services.ledger.domain.log_key_change import LogKeyChange, key_label, log_key_change
from services.ledger.domain.plan import Plan, WriterState
from services.ledger.domain.standing import Standing
from services.ledger.key_ring import KeyRing
from services.ledger.ports import Guard, Head, Log, WriterLost
from services.ledger.prepare_append import AppendPreparer
from services.ledger.releases import Releases
from services.ledger.request_queue import Queue
from shared.clock import Clock, parse_rfc3339
from shared.entries import ENTRY_FORMAT, parse_entry
from shared.errors import IntegrityFailure, Unavailable
from shared.identifiers import EntryId
from shared.ledger.messages import Answer, AppendRequest, Idempotency
from shared.ledger.registry import Registry
from shared.ledger.service_keys import ServiceKeys
from shared.ledger.stewardship import Stewardship
from shared.transparency.checkpoint import Checkpoint, read_unverified_checkpoint
from shared.transparency.merkle import EMPTY
from shared.vocabulary import EntryType

RETRY_AFTER_S = 1.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """The log's name, and the verifier keys that sign it now; the first is recorded in its first entry.

    ``compromised_from`` is from when on a key that signs no more was in other hands, if that is why; ``changed_by`` is
    the account of who lets a key come or go.
    """

    origin: str
    verifier_keys: tuple[str, ...]
    compromised_from: str | None = None
    changed_by: str | None = None


@dataclass(slots=True)
class Writer:
    """Keeps this process the writer for as long as it can be, term after term, and standing by while it cannot.

    A lost connection ends a term with every request in hand answered *unknown*; the next term begins by reading what
    is there, so that the outcome is found out and never guessed.
    """

    connect: Callable[[], Awaitable[Log]]
    reader: PostgresReader
    guard: Guard
    continuity: Continuity
    preparer: AppendPreparer
    key_ring: KeyRing
    clock: Clock
    identity: LogIdentity
    sign_head: Callable[[int, bytes], bytes]
    random: Callable[[int], bytes]
    queue: Queue
    published: Callable[[], Checkpoint | None] = lambda: None
    released_head: Head | None = None
    standing: Standing = Standing.STARTING
    releases: Releases = field(default_factory=Releases)
    on_release: Callable[[], None] = lambda: None

    async def serve(self) -> None:
        """Hold office until cancelled. Raises IntegrityFailure when what is found must not be signed."""
        while True:
            try:
                candidate = await self.connect()
            except WriterLost:
                log.warning("ledger_database_unreachable")
                self.queue.close("its database cannot be reached")
                await asyncio.sleep(RETRY_AFTER_S)
                continue
            why = "it is not the writer any more"
            try:
                await self._stand_by(candidate)
                await self._hold_office(candidate)
            except WriterLost:
                why = "it has lost its database"
                log.warning("ledger_writer_lost")
            except Unavailable as error:
                why = error.detail
                log.warning("ledger_writer_lost", code=error.code, detail=error.detail, remedy=error.remedy)
            finally:
                self.standing = Standing.STARTING
                self.releases.wake()
                self.queue.close(why)
                await candidate.close()
            await asyncio.sleep(RETRY_AFTER_S)

    async def _stand_by(self, candidate: Log) -> None:
        """Return once elected. Until then keep the guard up to date with what the other writer has committed.

        So a standby on another host takes over with a memory of its own, and an old copy put in the database's place
        is refused there too.
        """
        while not await candidate.win():
            remembered = self.continuity.recall()
            head = await candidate.head()
            await self.continuity.check(head, after=remembered)
            if head is not None:
                await self.guard.remember(head)
            if self.standing is not Standing.STANDBY:
                self.standing = Standing.STANDBY
                log.info("ledger_standing_by", size=head.size if head is not None else 0)
            await asyncio.sleep(ELECTION_EVERY_S)

    async def _hold_office(self, elected: Log) -> None:
        remembered = self.continuity.recall()
        head = await elected.head()
        state = await self._state(head)
        opened_with = ServiceKeys(log=self.identity.verifier_keys[:1])
        self._log_key_change(state.registry.service_keys if head is not None else opened_with)
        await self.continuity.check(head, after=remembered)
        await self._check_against_published(head)
        await self._take_up_encryption_key(head, state.registry)
        if head is None:
            # The guard is made before there is anything to guard: were its disk full, or this process killed, once the
            # first entry is committed, that entry would look like a restored copy's.
            await self.guard.remember(Head(EMPTY.size, EMPTY, self.sign_head(EMPTY.size, EMPTY.root())))
        else:
            # A crash between commit and guard leaves the guard one batch behind: what is committed is released now.
            await self.guard.remember(head)
            self.releases.announce(head.size)
        self.released_head = head
        sequencer = Sequencer(
            state=state,
            writer=elected,
            guard=self.guard,
            preparer=self.preparer,
            clock=self.clock,
            sign_head=self.sign_head,
            released=self._release,
        )
        parts = [asyncio.create_task(sequencer.run(self.queue)), asyncio.create_task(elected.keep())]
        try:
            self.queue.open()
            if head is None:
                await self._open_ledger()
            await self._record_log_keys()
            self.standing = Standing.WRITING
            log.info(
                "ledger_writing", size=state.frontier.size, log_keys=[*map(key_label, self.identity.verifier_keys)]
            )
            self.on_release()
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
        # The sequencer's first: it knows more exactly why than that the session is gone.
        for part in parts:
            if not part.cancelled():
                part.result()

    async def _take_up_encryption_key(self, head: Head | None, registry: Registry) -> None:
        if head is None:
            await self.key_ring.begin()
        else:
            await self.key_ring.take_up(registry.service_keys.encryption)

    async def _state(self, head: Head | None) -> WriterState:
        if head is None:
            return WriterState(EMPTY, datetime.fromtimestamp(0, UTC), Registry())
        last = await self.reader.entries(after=head.size - 2, limit=2, registry_only=False)
        if len(last) != 1 or last[0].position != head.size - 1:
            raise IntegrityFailure("the log's entries and its last tree head do not end at the same position")
        registry = await self.reader.registry()
        stewardship, after = Stewardship(), -1
        while page := await self.reader.stewardship_entries(after=after, limit=500):
            stewardship = stewardship.with_entries(parse_entry(stored.leaf) for stored in page)
            after = page[-1].position
        return WriterState(head.frontier, parse_rfc3339(parse_entry(last[0].leaf).time), registry, stewardship)

    async def _check_against_published(self, head: Head | None) -> None:
        published = await asyncio.to_thread(self.published)
        if published is None:
            return
        size = head.size if head is not None else 0
        if size < published.size:
            raise IntegrityFailure(
                f"the database holds {size} entries but {published.size} were published: it is an old copy or was "
                "truncated",
                remedy="Restore the latest database. Signing from here would fork the log.",
            )
        stored = await self.reader.checkpoint_at(published.size)
        if stored is None or read_unverified_checkpoint(stored) != published:
            raise IntegrityFailure(
                f"the database's tree head of size {published.size} is not the one that was published",
                remedy="The history was changed, or these are another log's tiles. Keep both and call the auditor.",
            )

    async def _open_ledger(self) -> None:
        """Append the genesis entry: whose log this is, in which format, and the key that proves it."""
        facts: dict[str, object] = {
            "origin": self.identity.origin,
            "format": ENTRY_FORMAT,
            "vkey": self.identity.verifier_keys[0],
        }
        request = AppendRequest(
            entry_id=EntryId(self.random(16).hex()),
            type=EntryType.LEDGER_OPENED,
            idempotency=Idempotency("service:ledger", "genesis", b"genesis"),
            answer=Answer(201, {}),
            facts=facts,
        )
        await self.queue.submit(await self.preparer.prepare(request))

    def _log_key_change(self, recorded: ServiceKeys) -> LogKeyChange:
        return log_key_change(
            recorded,
            signing=self.identity.verifier_keys,
            changed_by=self.identity.changed_by,
            compromised_from=self.identity.compromised_from,
        )

    async def _record_log_keys(self) -> None:
        """Append which keys came to sign and which sign no more, so that an auditor learns it from the log.

        The operator learns it from the process's own log, at once: a key given up by mistake is not had back.
        """
        change = self._log_key_change((await self.reader.registry()).service_keys)
        by, compromised_from = self.identity.changed_by, self.identity.compromised_from
        vouched_by = await self.reader.checkpoint_of_newest_log_key()
        signing = [*map(key_label, self.identity.verifier_keys)]
        for vkey in change.added:
            await self._record_log_key(EntryType.LOG_KEY_ADDED, {"vkey": vkey, "by": by})
            log.warning("ledger_log_key_added", key=key_label(vkey), by=by, signing=signing)
        for vkey in change.retired:
            facts: dict[str, object] = {"vkey": vkey, "by": by}
            if vouched_by is not None:
                facts["vouched_by"] = vouched_by.decode("utf-8")
            if compromised_from is not None:
                facts["compromised_from"] = compromised_from
            await self._record_log_key(EntryType.LOG_KEY_RETIRED, facts)
            log.warning(
                "ledger_log_key_retired",
                key=key_label(vkey),
                by=by,
                compromised_from=compromised_from,
                signing=signing,
            )
        if compromised_from is not None and not change.retired:
            log.warning("ledger_log_key_compromised_from_unused", signing=signing)
        if by is not None and not (change.added or change.retired):
            # Left set, it would name this person for whatever somebody else changes later.
            log.warning("ledger_log_key_changed_by_unused", by=by, signing=signing)

    async def _record_log_key(self, entry_type: EntryType, facts: dict[str, object]) -> None:
        own_id = EntryId(self.random(16).hex())
        request = AppendRequest(
            entry_id=own_id,
            type=entry_type,
            idempotency=Idempotency("service:ledger", own_id, str(facts["vkey"]).encode("utf-8")),
            answer=Answer(201, {}),
            facts=facts,
        )
        await self.queue.submit(await self.preparer.prepare(request))

    def _release(self, head: Head, _plan: Plan) -> None:
        self.released_head = head
        self.releases.announce(head.size)
        self.on_release()
