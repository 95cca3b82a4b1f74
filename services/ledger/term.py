"""A term of office: being elected the writer, checking what is found against what was signed, then sequencing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from services.ledger.adapters.postgres_log import ELECTION_EVERY_S
from services.ledger.append_entries import Sequencer, why_not
from services.ledger.continuity import Continuity
from services.ledger.domain.log_key_change import LogKeyChange, key_label, log_key_change
from services.ledger.domain.plan import Plan
from services.ledger.domain.standing import NotWriting, Standing
from services.ledger.key_ring import KeyRing
from services.ledger.ports import Guard, Head, Log, StoredLog, WriterLost
from services.ledger.prepare_append import AppendPreparer
from services.ledger.releases import Releases
from services.ledger.request_queue import Queue
from services.ledger.stored_state import stored_state
from services.ledger.watched_clock import ClockAstray, WatchedClock
from shared.clock import Clock
from shared.entries import ENTRY_FORMAT
from shared.errors import Unavailable
from shared.identifiers import EntryId
from shared.ledger.messages import Answer, AppendRequest, Idempotency
from shared.ledger.registry import Registry
from shared.ledger.service_keys import ServiceKeys
from shared.transparency.checkpoint import Checkpoint
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
    reader: StoredLog
    guard: Guard
    continuity: Continuity
    preparer: AppendPreparer
    key_ring: KeyRing
    clock: Clock
    watched_clock: WatchedClock
    identity: LogIdentity
    sign_head: Callable[[int, bytes], bytes]
    random: Callable[[int], bytes]
    queue: Queue
    published: Callable[[], Checkpoint | None] = lambda: None
    released_head: Head | None = None
    standing: Standing = Standing.STARTING
    releases: Releases = field(default_factory=Releases)
    on_release: Callable[[], None] = lambda: None
    _registry: Registry | None = None

    def registry(self) -> Registry:
        """Return the registry as far as the log has been released. Raises NotWriting when this is not the writer."""
        if self._registry is None:
            raise NotWriting("it is not the writer yet")
        return self._registry

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
            why, elected = why_not(None), False
            try:
                await self._stand_by(candidate)
                elected = True
                await self._hold_office(candidate)
            except (WriterLost, Unavailable) as error:
                why = why_not(error)
                if elected:
                    log.warning("ledger_writer_lost", **_said(error))
                elif not isinstance(error, ClockAstray):
                    log.warning("ledger_standby_lost", **_said(error))
            finally:
                self.standing, self._registry = Standing.STARTING, None
                self.releases.wake()
                self.queue.close(why)
                await candidate.close()
            await asyncio.sleep(RETRY_AFTER_S)

    async def _stand_by(self, candidate: Log) -> None:
        """Return once elected. Until then keep the guard up to date with what the other writer has committed.

        So a standby on another host takes over with a memory of its own, and an old copy put in the database's place
        is refused there too. Raises ClockAstray when nobody else is the writer, and this one's clock is not believed.
        """
        while True:
            won = await candidate.win()
            # While another is the writer too, so that a wrong clock is found out before this one is needed.
            astray = await self.watched_clock.judge(candidate.time)
            if won:
                if astray is not None:
                    raise astray
                return
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
        """Be the writer until a part of it ends, and raise what that ended with."""
        # Kept from the first moment on: the server ends a session that falls silent, and with it the lock, while all
        # that is read on taking office grows with the log.
        keeping = asyncio.create_task(elected.keep())
        taking = asyncio.create_task(self._take_office(elected))
        parts: list[asyncio.Task[object]] = [taking, keeping]
        sequencer: Sequencer | None = None
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            if taking.done() and not keeping.done():
                sequencer, head = taking.result()
                sequencing = asyncio.create_task(sequencer.run(self.queue))
                # The sequencer comes first: it knows more exactly why than that the session is gone.
                checking = asyncio.create_task(self.watched_clock.keep_checking(elected.time))
                parts = [sequencing, keeping, checking, asyncio.create_task(self._begin(head))]
                await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended = [part.exception() for part in parts if part.done() and not part.cancelled()]
            if sequencer is not None and ended:
                sequencer.why = why_not(ended[0])
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
        for part in parts:
            if not part.cancelled():
                part.result()

    async def _take_office(self, elected: Log) -> tuple[Sequencer, Head | None]:
        """Return a sequencer that may go on from what is stored, and the head that is there."""
        remembered = self.continuity.recall()
        head = await elected.head()
        state = await stored_state(self.reader, head)
        opened_with = ServiceKeys(log=self.identity.verifier_keys[:1])
        self._log_key_change(state.registry.service_keys if head is not None else opened_with)
        await self.continuity.check(head, after=remembered)
        await self.continuity.check_published(head, await asyncio.to_thread(self.published))
        await self._take_up_encryption_key(head, state.registry)
        if head is None:
            # The guard is made before there is anything to guard: were its disk full, or this process killed, once the
            # first entry is committed, that entry would look like a restored copy's.
            await self.guard.remember(Head(EMPTY.size, EMPTY, self.sign_head(EMPTY.size, EMPTY.root())))
        else:
            # A crash between commit and guard leaves the guard one batch behind: what is committed is released now.
            await self.guard.remember(head)
            self.releases.announce(head.size)
        self.released_head, self._registry = head, state.registry
        sequencer = Sequencer(
            state=state,
            writer=elected,
            guard=self.guard,
            preparer=self.preparer,
            clock=self.clock,
            sign_head=self.sign_head,
            released=self._release,
        )
        return sequencer, head

    async def _begin(self, head: Head | None) -> None:
        """Record what is the ledger's own to record, then let everybody in; ends only with the term."""
        if head is None:
            await self._open_ledger()
        await self._record_log_keys()
        self.queue.open()
        self.standing = Standing.WRITING
        size = self.released_head.size if self.released_head is not None else 0
        log.info("ledger_writing", size=size, log_keys=[*map(key_label, self.identity.verifier_keys)])
        self.on_release()
        await asyncio.Event().wait()

    async def _take_up_encryption_key(self, head: Head | None, registry: Registry) -> None:
        if head is None:
            await self.key_ring.begin()
        else:
            await self.key_ring.take_up(registry.service_keys.encryption)

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
        await self.queue.submit_own(await self.preparer.prepare(request))

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
        await self.queue.submit_own(await self.preparer.prepare(request))

    def _release(self, head: Head, plan: Plan) -> None:
        self.released_head, self._registry = head, plan.registry
        self.releases.announce(head.size)
        self.on_release()


def _said(error: WriterLost | Unavailable) -> dict[str, str]:
    """Return what the process's own log says of why a term ended."""
    if isinstance(error, WriterLost):
        return {}
    return {"code": error.code, "detail": error.detail, "remedy": error.remedy}
