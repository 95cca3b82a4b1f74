"""The hashes of the blind index: what they are, and what they keep apart."""

import hmac

import pytest

from services.ledger.domain.blind_index import BlindIndex
from services.ledger.domain.plan import IdentifierToken
from shared.ledger.messages import ChildIdentifier, Idempotency

KEY = bytes(range(32))
INDEX = BlindIndex(KEY)


def by_definition(*parts: str, key: bytes = KEY) -> bytes:
    """Return HMAC-SHA-256 of the parts, each after its length in four bytes."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return hmac.digest(key, b"".join(len(part).to_bytes(4) + part for part in encoded), "sha256")


@pytest.mark.parametrize("key", [b"", b"k", KEY, bytes(64)])
def test_the_hashes_are_hmac_of_length_prefixed_parts(key: bytes) -> None:
    index = BlindIndex(key)
    assert index.answer_token(Idempotency("agency:a", "né", b"")) == by_definition(
        "idempotency", "agency:a", "né", key=key
    )
    assert index.nonce_token("thumb", "\ud800") == by_definition("nonce", "thumb", "\ud800", key=key)
    (token,) = index.identifier_tokens([ChildIdentifier("nhs_number", "999", identifying=True)])
    assert token == IdentifierToken(by_definition("identifier", "nhs_number", "999", key=key), True)


def test_the_same_words_for_another_purpose_or_split_elsewhere_give_another_hash() -> None:
    assert INDEX.answer_token(Idempotency("ab", "c", b"")) != INDEX.answer_token(Idempotency("a", "bc", b""))
    assert INDEX.answer_token(Idempotency("a", "b", b"")) != INDEX.nonce_token("a", "b")


def test_what_was_asked_before_does_not_tell_on_what_is_asked_next() -> None:
    first = INDEX.nonce_token("a", "b")
    INDEX.nonce_token("c", "d")
    assert INDEX.nonce_token("a", "b") == first


def test_an_identifier_that_comes_twice_comes_once_and_identifies_if_either_does() -> None:
    weak, strong = (ChildIdentifier("local", "7", identifying=identifying) for identifying in (False, True))
    for order in ((weak, strong), (strong, weak)):
        assert [token.identifying for token in INDEX.identifier_tokens(order)] == [True]


def test_a_request_without_a_nonce_has_no_hash_of_one() -> None:
    assert INDEX.nonce_token("key", None) is None
    assert INDEX.nonce_token(None, "nonce") is None
