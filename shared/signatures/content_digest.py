"""Content-Digest (RFC 9530): binds a message's headers, and so its signature, to its body."""

import re
from base64 import b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64
from hashlib import sha256, sha512
from hmac import compare_digest

from shared.signatures.errors import DigestMismatch, DigestMissing

_MEMBER = re.compile(r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):\Z")
_HASHES = {"sha-256": sha256, "sha-512": sha512}


def content_digest(body: bytes) -> str:
    """Return the value of a Content-Digest header for a body."""
    return f"sha-256=:{b64encode(sha256(body).digest()).decode('ascii')}:"


def verify_content_digest(header: str | None, body: bytes) -> None:
    """Return when every digest of a known kind fits the body and there is at least one.

    Raises DigestMissing or DigestMismatch.
    """
    if header is None:
        raise DigestMissing("there is no Content-Digest header", remedy="Send Content-Digest: sha-256=:<base64>:.")
    known: set[str] = set()
    for part in header.split(","):
        member = _MEMBER.match(part.strip(" \t"))
        if member is None:
            raise DigestMissing(
                "the Content-Digest header cannot be read", remedy="Send Content-Digest: sha-256=:<base64>:."
            )
        make = _HASHES.get(member.group(1))
        if make is None:
            continue
        if member.group(1) in known:
            raise DigestMissing("the Content-Digest header gives one kind of digest twice", remedy="Give each once.")
        known.add(member.group(1))
        try:
            claimed = a2b_base64(member.group(2), strict_mode=True)
        except Base64Error as error:
            raise DigestMissing("the Content-Digest header is not base64", remedy="Encode it as base64.") from error
        if not compare_digest(claimed, make(body).digest()):
            raise DigestMismatch(
                "the Content-Digest is not that of the body",
                remedy="Make the digest of the exact bytes that are sent, after all serialising and compressing.",
            )
    if not known:
        raise DigestMissing("no digest of a known kind", remedy="Use sha-256 or sha-512.")
