"""Makes an append ready for the sequencer: checked, hashed for look-up, and sealed under its child's key."""

import asyncio
from dataclasses import dataclass, replace
from typing import Protocol, cast

import structlog

from services.ledger.domain import sealing
from services.ledger.domain.blind_index import BlindIndex
from services.ledger.domain.plan import Prepared
from services.ledger.domain.sealing import DataKey, WrappedKey
from services.ledger.key_ring import KeyRing
from services.ledger.ports import FoundAnswer, LookedUp
from shared.canonical_json import Json, canonical_bytes
from shared.entry_types import STEWARDSHIP_TYPES
from shared.errors import ExchangeError, IntegrityFailure, InvalidInput
from shared.identifiers import ChildRef, EntryId, parse_child_ref, parse_entry_id, parse_obligation_id, parse_recipient
from shared.ledger.messages import AppendRequest

_REF_BYTES = 16
_SECTIONS_FROM = _REF_BYTES + sealing.KEY_BYTES

log = structlog.get_logger()


class Randomness(Protocol):
    """A source of secret random bytes."""

    def __call__(self, size_bytes: int, /) -> bytes:
        """Return that many fresh random bytes."""
        ...


class DataKeys(Protocol):
    """The stored data keys."""

    async def wrapped_key(self, key_id: str) -> WrappedKey | None:
        """Return the wrapped key of that id, or None when there is none (any more)."""
        ...


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the ledger alone can do: wrap data keys, and make look-up hashes."""

    key_ring: KeyRing
    blind_index: BlindIndex


class AppendPreparer:
    """Turns requests into ``Prepared`` ones. Holds the ledger's secrets so that the sequencer need not."""

    def __init__(self, *, secrets: Secrets, data_keys: DataKeys, random: Randomness) -> None:
        self._secrets = secrets
        self._data_keys = data_keys
        self._random = random

    async def prepare(self, request: AppendRequest) -> Prepared:
        """Return the request ready for the sequencer.

        It is sealed under the child's key; under one of its own when that key is destroyed, or when the entry must
        outlive it because it says what is kept or erased. The sequencer judges whether it may. Raises InvalidInput
        when it could never be stored, Unavailable when the keeper of the key-encryption keys does not answer.
        """
        _check(request)
        child = request.child
        # Drawn at once: each draw is a call into the system.
        fresh = self._random(_REF_BYTES + sealing.KEY_BYTES + sealing.SECTION_RANDOM_BYTES * len(request.sections))
        child_ref: ChildRef | None = None
        if child is not None:
            child_ref = child.ref if child.ref is not None else ChildRef(fresh[:_REF_BYTES].hex())
        key, key_is_new = await self._key(request, child_ref, fresh[_REF_BYTES:_SECTIONS_FROM])
        index = self._secrets.blind_index
        return Prepared(
            request=request,
            answer_token=index.answer_token(request.idempotency),
            nonce_token=index.nonce_token(request.key, request.nonce),
            fingerprint=sealing.request_fingerprint(request.idempotency.request, key=key.plain),
            data_key=key,
            key_is_new=key_is_new,
            sections=sealing.seal(
                request.sections,
                entry_id=request.entry_id,
                key=key,
                random=fresh[_SECTIONS_FROM:],
            ),
            identifiers=index.identifier_tokens(child.identifiers) if child is not None else (),
            child_ref=child_ref,
        )

    async def with_keys_opened(self, looked_up: LookedUp) -> LookedUp:
        """Return what was looked up with the keys of the fingerprints opened, or why a repeat cannot be answered.

        One answer that is damaged is an alarm and its own repeat's refusal: nobody else's request fails with it.
        """
        if not looked_up.answers:
            return looked_up
        opened = await asyncio.gather(*map(self._opened, looked_up.answers.values()))
        answers = {
            token: replace(found, opened=each)
            for (token, found), each in zip(looked_up.answers.items(), opened, strict=True)
        }
        return replace(looked_up, answers=answers)

    def same_request(self, prepared: Prepared, found: FoundAnswer) -> bool | ExchangeError | None:
        """Return whether a stored fingerprint is of this request; None when it or its key has been destroyed.

        ``found`` comes from ``with_keys_opened``; an error in it is returned.
        """
        if not isinstance(found.opened, DataKey):
            return found.opened
        request = prepared.request.idempotency.request
        return sealing.request_fingerprint(request, key=found.opened.plain) == found.fingerprint

    async def _opened(self, found: FoundAnswer) -> DataKey | ExchangeError | None:
        opened = found.opened
        if opened is None and found.wrapped is not None and found.fingerprint:
            try:
                opened = await self._unwrapped(found.wrapped, key_id=found.data_key_id)
            except ExchangeError as error:
                opened = error
        if isinstance(opened, IntegrityFailure):
            log.error("ledger_answer_damaged", position=found.position, detail=opened.detail)
        return opened

    async def _key(self, request: AppendRequest, child_ref: ChildRef | None, fresh: bytes) -> tuple[DataKey, bool]:
        """Return the data key to seal under, and whether it is new: then ``fresh`` is its 32 bytes."""
        wrap = self._secrets.key_ring.wrap
        known = request.child.ref if request.child is not None else None
        if request.type in STEWARDSHIP_TYPES:
            return await wrap(fresh, key_id=request.entry_id), True
        if known is None:
            return await wrap(fresh, key_id=child_ref or request.entry_id), True
        stored = await self._stored_key(known)
        if stored is not None:
            return stored, False
        return await wrap(fresh, key_id=request.entry_id), True

    async def _stored_key(self, ref: ChildRef) -> DataKey | None:
        wrapped = await self._data_keys.wrapped_key(ref)
        return await self._unwrapped(wrapped, key_id=ref) if wrapped is not None else None

    async def _unwrapped(self, wrapped: WrappedKey, *, key_id: str) -> DataKey | None:
        """Return a stored data key; None when it is not there any more. Raises IntegrityFailure or Unavailable."""
        try:
            return await self._secrets.key_ring.unwrap(wrapped, key_id=key_id)
        except IntegrityFailure:
            # Since it was read it may have been wrapped under another key, and the older one destroyed.
            again = await self._data_keys.wrapped_key(key_id)
            if again == wrapped:
                raise
            return await self._secrets.key_ring.unwrap(again, key_id=key_id) if again is not None else None


def _check(request: AppendRequest) -> None:
    parse_entry_id(request.entry_id)
    if request.child is not None and request.child.ref is not None:
        parse_child_ref(request.child.ref)
    for obligation in request.obligations:
        parse_recipient(obligation.recipient)
        if not parse_obligation_id(obligation.id).startswith(f"{request.entry_id}-"):
            raise InvalidInput("an obligation's id begins with its entry's id")
    owed = request.obligations
    if len(owed) > 1 and len({obligation.id for obligation in owed}) != len(owed):
        raise InvalidInput("an obligation's id comes once")
    # Postgres text cannot hold a zero byte; such a value would fail the whole batch's statement.
    if b"\\u0000" in canonical_bytes(cast(Json, request.facts)):
        raise InvalidInput("facts hold codes, never a zero character")
    canonical_bytes(cast(Json, request.answer.body))
    for cause in request.causes:
        parse_entry_id(EntryId(cause))
