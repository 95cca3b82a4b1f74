"""The real sequencer over a log, driven step by step beside a model: what hypothesis turns the handles of."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import msgspec
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.ledger.append_entries import Sequencer
from services.ledger.domain.blind_index import BlindIndex
from services.ledger.domain.plan import Prepared, WriterState
from services.ledger.key_ring import KeyRing
from services.ledger.ports import Log
from services.ledger.prepare_append import AppendPreparer, DataKeys, Secrets
from services.ledger.request_queue import Queue
from shared.clock import parse_rfc3339
from shared.entries import Entry, parse_entry
from shared.errors import ExchangeError
from shared.identifiers import AgencyId, ChildRef, EntryId, KeyThumbprint, TreeSize
from shared.ledger.messages import Answer, Appended, AppendRequest, ChildIdentifier, Idempotency, NamedChild
from shared.ledger.registry import AgencyFacts, Registry
from shared.transparency.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from shared.transparency.merkle import EMPTY, consistency_path, leaf_hash, verify_consistency, verify_inclusion
from shared.transparency.signed_note import NoteSigner
from shared.transparency.tlog_proof import parse_proof
from shared.vocabulary import EntryType
from tests.machinery.fakes import START, FakeClock
from tests.machinery.ledger_model import Asked, LedgerModel
from tests.machinery.memory_log import MemoryGuard, MemoryKeys

ORIGIN = "ledger.example/machine"
BLIND_INDEX_KEY = bytes(range(32))
SIGNERS = 2
AGENCY = AgencyId("an-agency")


@dataclass(frozen=True)
class Opened:
    """A log that has been won, what wraps its keys, and how to read its leaves."""

    log: Log
    data_keys: DataKeys
    leaves: Callable[[], Awaitable[list[bytes]]]
    close: Callable[[], Awaitable[None]]


@dataclass
class LedgerBench:
    """Asks, restarts and checks. ``open_log`` gives the same log again after a restart."""

    open_log: Callable[[], Awaitable[Opened]]
    model: LedgerModel = field(default_factory=LedgerModel)
    clock: FakeClock = field(default_factory=FakeClock)
    guard: MemoryGuard = field(default_factory=MemoryGuard)
    signer: NoteSigner = field(default_factory=lambda: NoteSigner(ORIGIN, Ed25519PrivateKey.generate()))
    refs: list[ChildRef] = field(default_factory=list)
    answers: dict[int, bytes] = field(default_factory=dict)
    checkpoints: set[Checkpoint] = field(default_factory=set)
    acts: int = 0

    async def start(self) -> None:
        """Begin a term: the state is read from the log, and from nothing else."""
        self.opened = await self.open_log()
        key_ring = KeyRing(MemoryKeys(), random=os.urandom)
        await key_ring.begin()
        secrets = Secrets(key_ring, BlindIndex(BLIND_INDEX_KEY))
        self.preparer = AppendPreparer(secrets=secrets, data_keys=self.opened.data_keys, random=os.urandom)
        self.queue = Queue()
        sequencer = Sequencer(
            state=await self._state(),
            writer=self.opened.log,
            guard=self.guard,
            preparer=self.preparer,
            clock=self.clock,
            sign_head=lambda size, root: sign_checkpoint(Checkpoint(ORIGIN, TreeSize(size), root), [self.signer]),
            released=lambda _head, _plan: None,
        )
        self.queue.open()
        self.running = asyncio.create_task(sequencer.run(self.queue))

    async def stop(self) -> None:
        """End the term."""
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        await self.opened.close()

    async def register_keys(self) -> None:
        """Register an agency and the keys that it signs with."""
        agency = AgencyFacts(
            agency=AGENCY, name="An Agency", duty_class="s11_body", nation="England", home_authority=None
        )
        await self._act(EntryType.AGENCY_REGISTERED, msgspec.to_builtins(agency))
        for signer in range(SIGNERS):
            facts: dict[str, object] = {
                "agency": AGENCY,
                "thumbprint": _thumbprint(signer),
                "jwk": {},
                "valid_from": "2020-01-01T00:00:00.000000Z",
                "valid_until": None,
            }
            await self._act(EntryType.AGENCY_KEY_ADDED, facts)

    async def revoke(self, signer: int) -> None:
        """Revoke a key, in the log and in the model."""
        facts: dict[str, object] = {"thumbprint": _thumbprint(signer), "reason": "lost", "compromised_from": None}
        await self._act(EntryType.AGENCY_KEY_REVOKED, facts)
        self.model.revoked.add(signer)

    async def ask(self, batch: Sequence[tuple[int, Asked]]) -> None:
        """Submit requests, each so many turns of the loop after the one before, and hold what comes to the model."""
        known = len(self.refs)
        made = [self._known(one, known) for _, one in batch]
        versions = [self._expected_version(one) for one in made]
        prepared = [
            await self.preparer.prepare(self._request(one, version))
            for one, version in zip(made, versions, strict=True)
        ]
        turns, waits = 0, []
        for wait, _ in batch:
            turns += wait
            waits.append(turns)
        came = await asyncio.gather(*(self._later(each, turns) for each, turns in zip(prepared, waits, strict=True)))
        for one, version, outcome in zip(made, versions, came, strict=True):
            assert self._said(one, outcome) == self.model.take(one, expected_version=version)

    async def check(self) -> None:
        """Hold the whole log against the model and every receipt that was ever given."""
        leaves = await self.opened.leaves()
        entries = [parse_entry(leaf) for leaf in leaves]
        assert [entry.position for entry in entries] == list(range(self.model.size))
        assert [entry.time for entry in entries] == sorted(entry.time for entry in entries)
        for place, ref in enumerate(self.refs):
            assert _versions(entries, ref) == list(range(1, self.model.children[place] + 1))
        head = await self.opened.log.head()
        assert head is not None
        assert head == self.guard.kept, "what was answered is not what the guard remembers"
        last = open_checkpoint(head.checkpoint, [self.signer.verifier()])
        hashes = [leaf_hash(leaf) for leaf in leaves]
        assert (last.size, last.root) == (len(leaves), head.frontier.root())
        for older in self.checkpoints:
            verify_consistency(
                old_size=older.size,
                new_size=last.size,
                old_root=older.root,
                new_root=last.root,
                path=consistency_path(hashes, older.size),
            )

    async def _state(self) -> WriterState:
        head, entries = await self.opened.log.head(), [parse_entry(leaf) for leaf in await self.opened.leaves()]
        if head is None:
            return WriterState(EMPTY, START, Registry())
        return WriterState(head.frontier, parse_rfc3339(entries[-1].time), Registry().with_entries(entries))

    async def _act(self, entry_type: EntryType, facts: dict[str, object]) -> None:
        self.acts += 1
        name = f"act {self.acts}"
        request = AppendRequest(
            entry_id=EntryId(os.urandom(16).hex()),
            type=entry_type,
            idempotency=Idempotency("service:operator", name, name.encode()),
            answer=Answer(201, {}),
            facts=facts,
        )
        appended = await self.queue.submit(await self.preparer.prepare(request))
        assert appended.position == self.model.size
        self.model.size += 1

    async def _later(self, prepared: Prepared, turns: int) -> Appended | ExchangeError:
        for _ in range(turns):
            await asyncio.sleep(0)
        try:
            return await self.queue.submit(prepared)
        except ExchangeError as refusal:
            return refusal

    def _known(self, one: Asked, known: int) -> Asked:
        if isinstance(one.child, int) and one.child >= known:
            return Asked(one.key, one.body, one.nonce, one.signer)
        return one

    def _expected_version(self, one: Asked) -> int | None:
        if one.version_off is None or one.child is None:
            return None
        return self.model.children[one.child] + one.version_off if isinstance(one.child, int) else 0

    def _request(self, one: Asked, version: int | None) -> AppendRequest:
        child = None
        if one.child is not None:
            identifiers = (
                (ChildIdentifier("local:an-agency", str(one.identifier), identifying=True),)
                if one.identifier is not None
                else ()
            )
            child = NamedChild(self.refs[one.child] if isinstance(one.child, int) else None, version, identifiers)
        return AppendRequest(
            entry_id=EntryId(os.urandom(16).hex()),
            type=EntryType.SHARE_RECORDED,
            idempotency=Idempotency("agency:an-agency", str(one.key), str(one.body).encode()),
            answer=Answer(201, {"body": one.body}),
            agency=AGENCY if one.signer is not None else None,
            key=_thumbprint(one.signer) if one.signer is not None else None,
            nonce=str(one.nonce) if one.signer is not None and one.nonce is not None else None,
            child=child,
        )

    def _said(self, one: Asked, outcome: Appended | ExchangeError) -> str:
        """Return an outcome in the model's words, its receipt proven and kept."""
        if isinstance(outcome, ExchangeError):
            return outcome.code
        answer = orjson.loads(outcome.answer)
        self._prove(answer["receipt"], outcome.position)
        if outcome.repeated:
            assert outcome.answer == self.answers[one.key], "a repeat was answered otherwise"
            return f"repeat {outcome.position}"
        self.answers[one.key] = outcome.answer
        if one.child == "new":
            self.refs.append(ChildRef(answer["child"]["ref"]))
        return f"entry {outcome.position}"

    def _prove(self, receipt: dict[str, str], position: int) -> None:
        proof = parse_proof(receipt["proof"].encode())
        checkpoint = open_checkpoint(proof.checkpoint, [self.signer.verifier()])
        assert proof.index == position
        verify_inclusion(
            leaf_hash(receipt["entry"].encode()),
            position=position,
            size=checkpoint.size,
            path=proof.path,
            root=checkpoint.root,
        )
        self.checkpoints.add(checkpoint)


def _thumbprint(signer: int) -> KeyThumbprint:
    return KeyThumbprint(f"key-{signer}")


def _versions(entries: Sequence[Entry], ref: ChildRef) -> list[int]:
    return [subject.version for entry in entries for subject in entry.subjects if subject.ref == ref]
