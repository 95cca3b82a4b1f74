"""The keys by which an agency knows the exchange, and its own keys while one takes over from another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.canonical_json import Json, parse_json
from shared.errors import InvalidInput
from shared.signatures.keys import PublicKey, SigningKey, public_key_from_jwk
from shared.transparency.signed_note import Ed25519Verifier
from shared.transparency.verifier_key import parse_log_keys


@dataclass(frozen=True, slots=True)
class ExchangeKeys:
    """The keys by which the exchange is known. Fetch them over a channel you trust, and keep them.

    While the log's key is rotated, both the old and the new one sign: fetch them again before the old one is retired,
    and keep the old one for the receipts it signed.
    """

    answer_keys: Mapping[str, PublicKey]
    log_keys: tuple[Ed25519Verifier, ...]

    def with_newer(self, newer: "ExchangeKeys") -> "ExchangeKeys":
        """Return these keys and those: for the overlap, and so that what was signed earlier can still be checked."""
        more = tuple(key for key in newer.log_keys if key not in self.log_keys)
        return ExchangeKeys({**self.answer_keys, **newer.answer_keys}, (*self.log_keys, *more))


class OwnKeys:
    """An agency's own keys, the preferred first: a new one can be in place before the exchange knows it.

    When the exchange does not take a key (not registered yet, not valid yet, no longer valid, revoked), the next one
    signs the same request, and goes on signing. The exchange records a request once, whichever key signs it.
    """

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        if not keys:
            raise InvalidInput("no key to sign with was given")
        self._keys = tuple(keys)
        self._signing = 0

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._keys)

    @property
    def signing(self) -> SigningKey:
        """The key that signs now."""
        return self._keys[self._signing]

    def not_taken(self, key: SigningKey) -> None:
        """Let the next key sign, unless another task has seen to that already."""
        if key is self.signing:
            self._signing = (self._signing + 1) % len(self._keys)


NOT_TAKEN = frozenset({"unknown-key", "key-not-valid", "key-revoked"})
"""Problems that another of the agency's keys may cure."""


def read_keys(published: Json) -> ExchangeKeys:
    """Return the keys in the document that ``GET /v1/keys`` answers. Raises InvalidInput when it is not one."""
    try:
        keys = [public_key_from_jwk(jwk) for jwk in published["keys"]]  # type: ignore[index,call-overload,union-attr,arg-type]
        listed = published.get("log_keys") or [published["log"]]  # type: ignore[index,call-overload,union-attr]
        log_keys = parse_log_keys(str(line) for line in listed)  # type: ignore[union-attr]
    except (KeyError, TypeError, AttributeError) as error:
        raise _no_keys() from error
    return ExchangeKeys({key.thumbprint: key for key in keys}, log_keys)


def parse_keys(document: bytes) -> ExchangeKeys:
    """Return the keys in the bytes of that document, as kept in a file. Raises InvalidInput when they are not one."""
    try:
        published = parse_json(document)
    except InvalidInput as error:
        raise _no_keys() from error
    return read_keys(published)


def _no_keys() -> InvalidInput:
    return InvalidInput(
        "not the exchange's document of keys",
        remedy="Give the exchange's address with no path after it, such as https://exchange.example.",
    )
