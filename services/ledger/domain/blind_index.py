"""The blind index: keyed hashes by which something can be looked up without being stored."""

import hashlib
from collections.abc import Sequence
from hashlib import sha256

from services.ledger.domain.plan import IdentifierToken
from shared.ledger.messages import ChildIdentifier, Idempotency

_BLOCK_BYTES = 64
_INNER_PAD, _OUTER_PAD = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


class BlindIndex:
    """Makes the hashes: HMAC-SHA-256 of length-prefixed parts, the first of which says what is looked up.

    Four are made for each append, so that the key's two blocks are hashed once, here (RFC 2104 section 4).
    """

    def __init__(self, key: bytes) -> None:
        """Take the key: at most 64 bytes."""
        block = key.ljust(_BLOCK_BYTES, b"\0")
        self._outer = sha256(block.translate(_OUTER_PAD))
        inner = sha256(block.translate(_INNER_PAD))
        self._answer, self._nonce, self._identifier = inner.copy(), inner.copy(), inner.copy()
        self._answer.update(_part("idempotency"))
        self._nonce.update(_part("nonce"))
        self._identifier.update(_part("identifier"))

    def answer_token(self, asked: Idempotency) -> bytes:
        """Return what the answer to a request is found by when the request comes again."""
        return self._token(self._answer, asked.scope, asked.key)

    def nonce_token(self, key: str | None, nonce: str | None) -> bytes | None:
        """Return what a used nonce is remembered by; None for a request without one."""
        return self._token(self._nonce, key, nonce) if key is not None and nonce is not None else None

    def identifier_tokens(self, identifiers: Sequence[ChildIdentifier]) -> tuple[IdentifierToken, ...]:
        """Return what a child is found by, each once; it identifies if one of those that are alike does."""
        tokens: dict[bytes, bool] = {}
        for identifier in identifiers:
            token = self._token(self._identifier, identifier.scheme, identifier.value)
            tokens[token] = identifier.identifying or tokens.get(token, False)
        return tuple([IdentifierToken(token, identifying) for token, identifying in tokens.items()])

    def _token(self, begun: "hashlib._Hash", first: str, second: str) -> bytes:
        inner, outer = begun.copy(), self._outer.copy()
        inner.update(_part(first) + _part(second))
        outer.update(inner.digest())
        return outer.digest()


def _part(text: str) -> bytes:
    # Prefixed with its length, so that no two lists of parts give the same bytes.
    encoded = text.encode("utf-8", "surrogatepass")
    return len(encoded).to_bytes(4) + encoded
