"""Makes an append ready for the sequencer: checked, hashed for look-up, and sealed under its child's key."""

from dataclasses import dataclass, replace
from typing import Protocol, cast

from services.ledger.domain import sealing
from services.ledger.domain.plan import IdentifierToken, Prepared
from services.ledger.domain.sealing import DataKey, WrappedKey
from services.ledger.key_ring import KeyRing
from services.ledger.ports import FoundAnswer, LookedUp
from shared.canonical_json import Json, canonical_bytes
from shared.errors import InvalidInput, Unavailable
from shared.identifiers import ChildRef, EntryId, parse_child_ref, parse_entry_id, parse_obligation_id, parse_recipient
from shared.ledger.messages import AppendRequest, ChildIdentifier
from shared.vocabulary import STEWARDSHIP_TYPES


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
    """The keys that only the ledger holds: those that wrap data keys, and one that makes look-up hashes."""

    key_ring: KeyRing
    blind_index_key: bytes


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
        child_ref: ChildRef | None = None
        if child is not None:
            child_ref = child.ref if child.ref is not None else ChildRef(self._random(16).hex())
        key, key_is_new = await self._key(request, child_ref)
        scope = request.idempotency.scope
        index_key = self._secrets.blind_index_key
        return Prepared(
            request=request,
            answer_token=sealing.blind_token("idempotency", scope, request.idempotency.key, key=index_key),
            nonce_token=nonce_token(request.key, request.nonce, index_key=index_key),
            fingerprint=sealing.request_fingerprint(request.idempotency.request, key=key.plain),
            data_key=key,
            key_is_new=key_is_new,
            sections=sealing.seal(
                request.sections,
                entry_id=request.entry_id,
                key=key,
                random=self._random(sealing.SECTION_RANDOM_BYTES * len(request.sections)),
            ),
            identifiers=identifier_tokens(child.identifiers, index_key=index_key) if child is not None else (),
            child_ref=child_ref,
        )

    async def with_keys_opened(self, looked_up: LookedUp) -> LookedUp:
        """Return what was looked up with the keys of the fingerprints opened, or why one cannot be had now."""
        if not looked_up.answers:
            return looked_up
        answers = {
            token: replace(found, opened=await self._opened(found)) for token, found in looked_up.answers.items()
        }
        return replace(looked_up, answers=answers)

    def same_request(self, prepared: Prepared, found: FoundAnswer) -> bool | Unavailable | None:
        """Return whether a stored fingerprint is of this request; None when it or its key has been destroyed.

        ``found`` comes from ``with_keys_opened``.
        """
        if not isinstance(found.opened, DataKey):
            return found.opened
        request = prepared.request.idempotency.request
        return sealing.request_fingerprint(request, key=found.opened.plain) == found.fingerprint

    async def _opened(self, found: FoundAnswer) -> DataKey | Unavailable | None:
        if found.wrapped is None or not found.fingerprint:
            return None
        try:
            return await self._secrets.key_ring.unwrap(found.wrapped, key_id=found.data_key_id)
        except Unavailable as error:
            return error

    async def _new_key(self, key_id: str) -> DataKey:
        return await self._secrets.key_ring.wrap(self._random(sealing.KEY_BYTES), key_id=key_id)

    async def _key(self, request: AppendRequest, child_ref: ChildRef | None) -> tuple[DataKey, bool]:
        """Return the data key to seal under, and whether it is new."""
        known = request.child.ref if request.child is not None else None
        if request.type in STEWARDSHIP_TYPES:
            return await self._new_key(request.entry_id), True
        if known is None:
            return await self._new_key(child_ref or request.entry_id), True
        stored = await self._stored_key(known)
        if stored is not None:
            return stored, False
        return await self._new_key(request.entry_id), True

    async def _stored_key(self, ref: ChildRef) -> DataKey | None:
        wrapped = await self._data_keys.wrapped_key(ref)
        if wrapped is None:
            return None
        return await self._secrets.key_ring.unwrap(wrapped, key_id=ref)


def nonce_token(key: str | None, nonce: str | None, *, index_key: bytes) -> bytes | None:
    """Return the keyed hash that a used nonce is remembered by; None for a request without one."""
    if key is None or nonce is None:
        return None
    return sealing.blind_token("nonce", key, nonce, key=index_key)


def identifier_tokens(identifiers: tuple[ChildIdentifier, ...], *, index_key: bytes) -> tuple[IdentifierToken, ...]:
    """Return the keyed hashes that identifiers are looked up by, each once."""
    tokens: dict[bytes, bool] = {}
    for identifier in identifiers:
        token = sealing.blind_token("identifier", identifier.scheme, identifier.value, key=index_key)
        tokens[token] = tokens.get(token, False) or identifier.identifying
    return tuple(IdentifierToken(token, identifying) for token, identifying in tokens.items())


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
