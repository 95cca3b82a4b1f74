"""The parameters of a signature (RFC 9421 section 2.3): which are known, of what kind, and what they must say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.identifiers import KeyThumbprint
from shared.signatures.errors import (
    SignatureAlgorithmWrong,
    SignatureInvalid,
    SignatureMalformed,
    SignatureStale,
    SignatureTagWrong,
)
from shared.signatures.keys import PublicKey
from shared.signatures.message import Tag

OLDEST_S = 300
SKEW_S = 30
SHORTEST_NONCE = 16
LONGEST_NONCE = 128

_INTEGERS = frozenset({"created", "expires"})
_STRINGS = frozenset({"nonce", "keyid", "tag", "alg"})
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}\Z")


@dataclass(frozen=True, slots=True)
class SignatureParameters:
    """What a signature says of itself. Times are in seconds since 1970; what is None was not said."""

    created: int
    key_id: KeyThumbprint
    expires: int | None
    nonce: str | None
    tag: str | None
    algorithm: str | None

    def check(self, *, key: PublicKey, tag: Tag) -> None:
        """Return when the signature claims to be for ``tag``, by ``key`` and with that key's registered algorithm.

        Raises SignatureTagWrong, SignatureAlgorithmWrong or SignatureInvalid. Proves nothing until ``key`` verifies.
        """
        if self.tag != tag:
            raise SignatureTagWrong(f"the signature is not tagged {tag}", remedy=f'Sign with ;tag="{tag}".')
        if self.algorithm is not None and self.algorithm != key.algorithm:
            raise SignatureAlgorithmWrong(
                "the signature names another algorithm than its key is registered for",
                remedy=f"Use {key.algorithm}, or leave alg out.",
            )
        if self.key_id != key.thumbprint:
            raise SignatureInvalid(
                "the key is not the one that keyid names", remedy="Give the signing key's RFC 7638 thumbprint as keyid."
            )

    def check_age(self, *, now: datetime) -> None:
        """Return when the signature is at most 300 s old and 30 s ahead, and has not expired; else SignatureStale."""
        present = now.timestamp()
        if self.created < present - OLDEST_S:
            raise SignatureStale(
                "the signature's created is more than 5 minutes ago",
                remedy="Sign each attempt anew, and keep your clock right (NTP).",
            )
        if self.created > present + SKEW_S:
            raise SignatureStale("the signature's created is in the future", remedy="Keep your clock right (NTP).")
        if self.expires is not None and self.expires < present:
            raise SignatureStale("the signature's expires has passed", remedy="Sign each attempt anew.")


def read_parameters(given: Mapping[str, str | int]) -> SignatureParameters:
    """Return a signature's parameters. Raises SignatureMalformed that names the one at fault."""
    if not given.keys() <= _INTEGERS | _STRINGS:
        raise SignatureMalformed(
            "the signature has a parameter that is not known here",
            remedy="Use created, expires, nonce, keyid, alg, tag.",
        )
    created, key_id = _integer(given, "created"), _string(given, "keyid")
    if created is None or key_id is None:
        missing = "created" if created is None else "keyid"
        raise SignatureMalformed(f"the signature has no {missing}", remedy="Give all of created, nonce, keyid and tag.")
    if not _THUMBPRINT.match(key_id):
        raise SignatureMalformed(
            "the signature's keyid is not a thumbprint",
            remedy="Give the key's RFC 7638 thumbprint: 43 characters of base64url.",
        )
    return SignatureParameters(
        created=created,
        key_id=KeyThumbprint(key_id),
        expires=_integer(given, "expires"),
        nonce=_string(given, "nonce"),
        tag=_string(given, "tag"),
        algorithm=_string(given, "alg"),
    )


def _integer(given: Mapping[str, str | int], name: str) -> int | None:
    value = given.get(name)
    if isinstance(value, str):
        raise SignatureMalformed(f"the signature's {name} is not an integer", remedy="Give it in seconds, unquoted.")
    return value


def _string(given: Mapping[str, str | int], name: str) -> str | None:
    value = given.get(name)
    if isinstance(value, int):
        raise SignatureMalformed(f"the signature's {name} is not a string", remedy="Give it in quotes.")
    return value
