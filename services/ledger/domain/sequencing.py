"""The sequencer's decision: which waiting requests become entries, in which order, and what each is answered.

Pure: it takes what is known of the ledger and returns a plan to commit. The ledger has one writer, so what this
module decides on cannot change between deciding and committing.
"""

from collections.abc import Sequence
from datetime import datetime

from services.ledger.domain.ladder import steps_of
from services.ledger.domain.plan import (
    Becomes,
    IdentifierToken,
    Known,
    Outcome,
    Plan,
    PlannedEntry,
    Prepared,
    Recent,
    Repeat,
    SameAs,
    WriterState,
)
from services.ledger.domain.registration import check_registration
from services.ledger.domain.stewarding import check_stewardship
from shared.clock import rfc3339
from shared.entries import Entry, Subject, encode_entry
from shared.entry_types import AMENDMENT_TYPES, CONTENT_TYPES, REGISTRY_TYPES, STEWARDSHIP_TYPES
from shared.errors import (
    Conflict,
    ExchangeError,
    IntegrityFailure,
    InvalidInput,
    NotFound,
    NotPermitted,
    Unavailable,
)
from shared.identifiers import ChildRef, EntryId, Position
from shared.transparency.merkle import leaf_hash
from shared.vocabulary import EntryType


class IdempotencyKeyReused(Conflict):
    """The idempotency key was used for another request. The attempt is on record."""

    code = "idempotency-key-reused"


class VersionConflict(Conflict):
    """The child's record moved since the caller looked."""

    code = "version-conflict"


class NonceReplayed(NotPermitted):
    """The nonce has been seen with another request."""

    code = "nonce-replayed"


class EncryptionKeyChanged(Unavailable):
    """The key-encryption key was rotated while the request was made ready. Nothing was done for it."""

    code = "encryption-key-changed"


class _Deciding:
    """The ledger as it would be after the requests decided so far."""

    def __init__(self, *, state: WriterState, known: Known, recent: Recent, now: datetime) -> None:
        self.known = known
        self.recent = recent
        self.registry = state.registry
        self.stewardship = state.stewardship
        # Times never run backwards along the ledger, whatever the machine's clock does.
        self.now = max(now, state.last_time)
        self.time = rfc3339(self.now)
        self.first_position = state.frontier.size
        self.planned: list[PlannedEntry] = []
        self.ordinals: dict[bytes, int] = {}
        self.nonces: set[bytes] = set()
        self.versions: dict[ChildRef, int] = {}
        self.identified: dict[bytes, ChildRef] = {}
        self.erased_now: set[ChildRef] = set()

    def decide(self, prepared: Prepared) -> Outcome:
        """Return what becomes of one request, adding its entry to the plan if it becomes one."""
        earlier = self._earlier_answer(prepared)
        nonce_seen = self._nonce_seen(prepared.nonce_token)
        if isinstance(earlier, Repeat | SameAs | ExchangeError):
            return earlier
        if nonce_seen:
            return NonceReplayed(
                "the nonce of this signature has been seen before", remedy="Sign each request anew, with a new nonce."
            )
        in_use = self.registry.service_keys.encryption
        if prepared.key_is_new and in_use not in (None, prepared.data_key.wrapped.kek_id):
            # Nothing may come to stand under a key that was rotated away from: it may be destroyed any moment.
            return EncryptionKeyChanged("the key-encryption key has just been rotated", remedy="Send the same again.")
        try:
            if earlier is not None:
                return self._record_conflict(prepared, earlier)
            return self._append(prepared)
        except ExchangeError as refusal:
            return refusal

    def _earlier_answer(self, prepared: Prepared) -> Repeat | SameAs | ExchangeError | EntryId | None:
        """Return the original answer, or the id of the entry whose idempotency key this request abuses."""
        ordinal = self.ordinals.get(prepared.answer_token)
        if ordinal is not None:
            first = self.planned[ordinal]
            return SameAs(ordinal) if first.prepared.said == prepared.said else first.entry.id
        recent = self.recent.answers.get(prepared.answer_token)
        if recent is not None:
            stored, said = recent
            return Repeat(stored) if said == prepared.said else stored.entry_id
        known = self.known.answers.get((prepared.answer_token, prepared.said))
        if known is None or isinstance(known, ExchangeError):
            return known
        # Once erasure has destroyed the key of the fingerprint, the idempotency key alone names the answer.
        return known.entry_id if known.same_request is False else Repeat(known)

    def _nonce_seen(self, token: bytes | None) -> bool:
        return token is not None and (token in self.nonces or token in self.recent.nonces or token in self.known.nonces)

    def _record_conflict(self, prepared: Prepared, original: EntryId) -> IdempotencyKeyReused:
        self._check_key_lives(prepared)
        entry = Entry(
            position=self._next_position(),
            id=prepared.request.entry_id,
            type=EntryType.REQUEST_CONFLICTED,
            time=self.time,
            agency=prepared.request.agency,
            key=prepared.request.key,
            # The attempt is about nobody's record, but whose key seals it must be known to whoever erases.
            facts={"as_type": prepared.request.type.value, "sealed_under": prepared.data_key.id},
            causes=(original,),
            registry=prepared.request.registry,
            commitments={section.name: section.commitment for section in prepared.sections},
        )
        self._plan(entry, prepared, answers=False)
        return IdempotencyKeyReused(
            "this idempotency key was used for a different request; the attempt has been recorded",
            remedy="Use a new Idempotency-Key for a new request, and the same one only to repeat the same bytes.",
        )

    def _append(self, prepared: Prepared) -> Becomes:
        request = prepared.request
        if request.key is not None:
            key = self.registry.key_valid_at(request.key, at=self.now)
            if key.agency != request.agency:
                raise InvalidInput("the key belongs to another agency than the entry names")
        subjects, new_identifiers = self._subjects(prepared)
        entry = Entry(
            position=self._next_position(),
            id=request.entry_id,
            type=request.type,
            time=self.time,
            agency=request.agency,
            key=request.key,
            subjects=subjects,
            facts=request.facts,
            obligations=request.obligations,
            causes=request.causes,
            rules=request.rules,
            registry=request.registry,
            commitments={section.name: section.commitment for section in prepared.sections},
        )
        if request.type in REGISTRY_TYPES:
            try:
                check_registration(entry, self.registry)
                self.registry = self.registry.with_entry(entry)
            except IntegrityFailure as error:
                raise InvalidInput(error.detail) from error
        if request.type in STEWARDSHIP_TYPES:
            try:
                check_stewardship(entry, self.stewardship)
                self.stewardship = self.stewardship.with_entry(entry)
            except IntegrityFailure as error:
                raise InvalidInput(error.detail) from error
        ordinal = self._plan(entry, prepared, new_identifiers=new_identifiers)
        self.ordinals[prepared.answer_token] = ordinal
        if request.type is EntryType.ERASURE_RECORDED:
            self.erased_now.update(subject.ref for subject in subjects if self.stewardship.is_erased(subject.ref))
        for subject in subjects:
            self.versions[subject.ref] = subject.version
        for identifier in new_identifiers:
            if identifier.identifying and prepared.child_ref is not None:
                self.identified[identifier.token] = prepared.child_ref
        return Becomes(ordinal)

    def _subjects(self, prepared: Prepared) -> tuple[tuple[Subject, ...], tuple[IdentifierToken, ...]]:
        child, ref = prepared.request.child, prepared.child_ref
        if child is None or ref is None:
            return (), ()
        self._check_key_lives(prepared)
        version = self._version(ref)
        if child.ref is not None and version == 0 and prepared.data_key.id != ref:
            raise NotFound("there is no child of that reference")
        self._check_not_erased(prepared, ref)
        if child.expected_version is not None and child.expected_version != version:
            raise VersionConflict("the child's record has moved on", remedy="Resolve the child and decide again.")
        new_identifiers = []
        for identifier in prepared.identifiers:
            owner = self._identified(identifier.token) if identifier.identifying else None
            if owner in self.erased_now:
                # Its index rows go only when this batch is committed.
                raise VersionConflict("the child has been erased", remedy="Resolve the child and decide again.")
            if owner is None or self.stewardship.is_erased(owner):
                new_identifiers.append(identifier)
            elif child.ref is None:
                # Somebody else made this child known since the caller looked: it must be seen as the same child.
                raise VersionConflict("the child has become known", remedy="Resolve the child and decide again.")
            # An identifier that names another child stays with that child: two are never merged here (G14).
        return (Subject(ref, version + 1, child.roles),), tuple(new_identifiers)

    def _check_key_lives(self, prepared: Prepared) -> None:
        """Refuse what was sealed, a moment ago, under the key of a child that has been erased since."""
        child = prepared.request.child
        if child is not None and child.ref is not None and prepared.data_key.id == child.ref:
            if not self.stewardship.is_erased(child.ref):
                return
            if prepared.request.type in AMENDMENT_TYPES:
                raise NotFound("what was sealed here has been erased")
            if prepared.request.type in CONTENT_TYPES:
                raise VersionConflict("the child has been erased", remedy="Resolve the child and decide again.")
            raise Unavailable("the child was erased meanwhile", remedy="Send the same request again.")

    def _check_not_erased(self, prepared: Prepared, ref: ChildRef) -> None:
        """Refuse to tell something new about a child that was erased, or whose key is gone and no erasure says why.

        What only carries an obligation on, or holds or erases, may still name the reference: it is sealed by itself.
        """
        request = prepared.request
        if self.stewardship.is_erased(ref):
            if request.type in AMENDMENT_TYPES or request.type is EntryType.CONTENT_OPENED:
                raise NotFound("what was sealed here has been erased")
            if request.type in CONTENT_TYPES:
                raise VersionConflict("the child has been erased", remedy="Resolve the child and decide again.")
            if request.type is EntryType.CHRONOLOGY_READ and request.causes:
                # Something was opened a moment before it was erased: it is not shown, and the next look says so.
                raise Unavailable("the child was erased meanwhile", remedy="Send the same request again.")
        elif (
            request.child is not None
            and request.child.ref is not None
            and prepared.data_key.id != ref
            and request.type not in STEWARDSHIP_TYPES
        ):
            raise IntegrityFailure("the key of this child is gone, and no erasure says why")

    def _version(self, ref: ChildRef) -> int:
        if ref in self.versions:
            return self.versions[ref]
        return self.recent.versions.get(ref, self.known.versions.get(ref, 0))

    def _identified(self, token: bytes) -> ChildRef | None:
        return self.identified.get(token) or self.recent.identified.get(token) or self.known.identified.get(token)

    def _next_position(self) -> Position:
        return Position(self.first_position + len(self.planned))

    def _plan(
        self,
        entry: Entry,
        prepared: Prepared,
        *,
        new_identifiers: tuple[IdentifierToken, ...] = (),
        answers: bool = True,
    ) -> int:
        leaf = encode_entry(entry)
        planned = PlannedEntry(entry, leaf, leaf_hash(leaf), prepared, new_identifiers, steps_of(entry), answers)
        self.planned.append(planned)
        if prepared.nonce_token is not None:
            self.nonces.add(prepared.nonce_token)
        return len(self.planned) - 1


def decide_batch(
    requests: Sequence[Prepared], *, state: WriterState, known: Known, recent: Recent, now: datetime
) -> Plan:
    """Return the plan for a batch of requests, each decided as if those before it were already in the ledger.

    Idempotency is decided first, the nonce second, then the key, then the child's version. A request that is
    refused leaves the others as they are.
    """
    deciding = _Deciding(state=state, known=known, recent=recent, now=now)
    outcomes = tuple(deciding.decide(prepared) for prepared in requests)
    return Plan(tuple(deciding.planned), outcomes, deciding.registry, deciding.now, deciding.stewardship)
