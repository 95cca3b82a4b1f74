"""The sequencer, deciding in batches on look-ups that lag one batch behind, does what a plain model does one by one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from services.ledger.domain.outcomes import recent_of
from services.ledger.domain.plan import (
    Becomes,
    GivenAnswer,
    IdentifierToken,
    Known,
    Outcome,
    Plan,
    Prepared,
    Recent,
    Repeat,
    SameAs,
    StoredAnswer,
    WriterState,
)
from services.ledger.domain.sealing import DataKey, WrappedKey
from services.ledger.domain.sequencing import IdempotencyKeyReused, NonceReplayed, VersionConflict, decide_batch
from shared.identifiers import ChildRef, EntryId
from shared.ledger.messages import Answer, AppendRequest, Idempotency, NamedChild
from shared.ledger.registry import Registry
from shared.transparency.merkle import EMPTY, grow
from shared.vocabulary import EntryType

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """A request as the model sees it: names from small sets, so that they collide."""

    key: int
    body: int
    nonce: int | None
    known_child: int | None
    expected_version: int | None
    identifier: int | None


asked = st.builds(
    Asked,
    key=st.integers(0, 5),
    body=st.integers(0, 1),
    nonce=st.none() | st.integers(0, 5),
    known_child=st.none() | st.integers(0, 2),
    expected_version=st.none() | st.integers(0, 3),
    identifier=st.none() | st.integers(0, 2),
)


@dataclass
class Model:
    """The ledger's rules, one request after the other, in plain dictionaries."""

    answers: dict[int, tuple[int, int]] = field(default_factory=dict)
    nonces: set[int] = field(default_factory=set)
    versions: dict[str, int] = field(default_factory=dict)
    identified: dict[int, str] = field(default_factory=dict)
    size: int = 0

    def take(self, one: Asked, ref: str | None) -> str:
        """Return what becomes of a request: repeat, conflict, replay, moved, or the position it gets."""
        if one.key in self.answers:
            position, body = self.answers[one.key]
            if body == one.body:
                return f"repeat {position}"
        if one.nonce is not None and one.nonce in self.nonces:
            return "replay"
        if one.key in self.answers:
            self._use(one)
            self.size += 1
            return "conflict"
        if ref is not None:
            version = self.versions.get(ref, 0)
            if one.expected_version is not None and one.expected_version != version:
                return "moved"
            if one.known_child is None and one.identifier is not None and one.identifier in self.identified:
                return "moved"
            self.versions[ref] = version + 1
            if one.identifier is not None:
                self.identified.setdefault(one.identifier, ref)
        self._use(one)
        self.answers[one.key] = (self.size, one.body)
        self.size += 1
        return f"entry {self.size - 1}"

    def _use(self, one: Asked) -> None:
        if one.nonce is not None:
            self.nonces.add(one.nonce)


def token(kind: str, number: int) -> bytes:
    return sha256(f"{kind}{number}".encode()).digest()


def prepared(one: Asked, ordinal: int) -> Prepared:
    """Return the request as the sequencer gets it."""
    ref = None
    if one.known_child is not None:
        ref = ChildRef(f"{one.known_child:032x}")
    elif one.identifier is not None:
        ref = ChildRef(f"{1000 + ordinal:032x}")
    child = None
    if ref is not None:
        child = NamedChild(ref if one.known_child is not None else None, one.expected_version)
    entry_id = EntryId(f"{ordinal:032x}")
    body = f"body {one.body}".encode()
    return Prepared(
        request=AppendRequest(
            entry_id=entry_id,
            type=EntryType.CONTENT_OPENED,
            idempotency=Idempotency("service", str(one.key), body),
            answer=Answer(201, {}),
            child=child,
        ),
        answer_token=token("answer", one.key),
        nonce_token=token("nonce", one.nonce) if one.nonce is not None else None,
        fingerprint=body,
        data_key=DataKey(ref if ref is not None else entry_id, b"", WrappedKey("kek", b"")),
        key_is_new=one.known_child is None,
        sections=(),
        identifiers=(IdentifierToken(token("identifier", one.identifier), True),) if one.identifier is not None else (),
        child_ref=ref,
    )


@dataclass
class Stored:
    """What a database that lags one batch behind would answer."""

    answers: dict[bytes, tuple[GivenAnswer, bytes]] = field(default_factory=dict)
    nonces: set[bytes] = field(default_factory=set)
    versions: dict[ChildRef, int] = field(default_factory=dict)
    identified: dict[bytes, ChildRef] = field(default_factory=dict)

    def known(self, batch: Sequence[Prepared]) -> Known:
        """Return what it knows of a batch."""
        answers = {}
        for each in batch:
            if each.answer_token in self.answers:
                stored, said = self.answers[each.answer_token]
                answers[each.answer_token, each.said] = StoredAnswer(
                    stored.position, stored.entry_id, 201, b"", same_request=said == each.said
                )
        return Known(answers, frozenset(self.nonces), dict(self.versions), dict(self.identified))

    def catch_up(self, recent: Recent) -> None:
        """Take in the batch before."""
        self.answers.update(recent.answers)
        self.nonces.update(recent.nonces)
        self.versions.update(recent.versions)
        self.identified.update(recent.identified)


def said(outcome: Outcome, plan: Plan) -> str:
    """Return an outcome in the model's words."""
    match outcome:
        case Becomes(ordinal):
            return f"entry {plan.entries[ordinal].entry.position}"
        case SameAs(ordinal):
            return f"repeat {plan.entries[ordinal].entry.position}"
        case Repeat(stored):
            return f"repeat {stored.position}"
        case IdempotencyKeyReused():
            return "conflict"
        case NonceReplayed():
            return "replay"
        case VersionConflict():
            return "moved"
        case _:
            return f"unexpected {outcome}"


@given(st.lists(st.lists(asked, min_size=1, max_size=6), max_size=8))
def test_batches_decide_what_one_by_one_would(batches: list[list[Asked]]) -> None:
    model, stored, recent = Model(), Stored(), Recent()
    state = WriterState(EMPTY, NOW, Registry())
    ordinal = 0
    for batch in batches:
        made = []
        for one in batch:
            made.append(prepared(one, ordinal))
            ordinal += 1
        plan = decide_batch(made, state=state, known=stored.known(made), recent=recent, now=NOW)
        expected = [model.take(one, each.child_ref) for one, each in zip(batch, made, strict=True)]
        assert [said(outcome, plan) for outcome in plan.outcomes] == expected
        positions = [planned.entry.position for planned in plan.entries]
        assert positions == list(range(state.frontier.size, state.frontier.size + len(positions)))
        # The database learns of a batch only when the next one has been looked up.
        stored.catch_up(recent)
        recent = recent_of(plan)
        grown = grow(state.frontier, [planned.leaf_hash for planned in plan.entries]).frontier
        state = WriterState(grown, plan.time, plan.registry)
    assert state.frontier.size == model.size
