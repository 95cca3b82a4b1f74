"""Verifying a kept signature again: what was signed, by which key, over which body, whenever it was made.

The evidence is what the gateway seals beside an entry as its ``signature`` section: the signature base, both signature
headers and the digest of the body. Its age is not judged: it was judged when it came.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from shared.errors import InvalidInput
from shared.identifiers import KeyThumbprint
from shared.signatures.content_digest import verify_content_digest
from shared.signatures.errors import ComponentUncovered, SignatureInvalid
from shared.signatures.keys import PublicKey
from shared.signatures.request_signature import WRITE_COMPONENTS
from shared.signatures.signature_parameters import read_parameters
from shared.signatures.structured_fields import SignatureInput, parse_signature, parse_signature_input


class _Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shape of a ``signature`` section."""

    base: str
    signature_input: str
    signature: str
    content_digest: str


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a kept signature covers: each component with its value, by whom, when (seconds since 1970), which nonce."""

    components: Mapping[str, str]
    key_id: KeyThumbprint
    created: int
    nonce: str | None
    content_digest: str

    def check_body(self, body: bytes) -> None:
        """Return when this is the body that was signed. Raises DigestMissing or DigestMismatch."""
        verify_content_digest(self.content_digest, body)


def key_of_evidence(evidence: bytes) -> KeyThumbprint:
    """Return which key a kept signature claims to be by. Raises InvalidInput or SignatureMalformed."""
    return read_parameters(parse_signature_input(_decode(evidence).signature_input).parameters).key_id


def check_body_of_evidence(evidence: bytes, body: bytes) -> None:
    """Return when a body has the digest kept with a signature; ``verify_evidence`` tells whether that was signed.

    Raises InvalidInput, DigestMissing or DigestMismatch.
    """
    verify_content_digest(_decode(evidence).content_digest, body)


def verify_evidence(evidence: bytes, *, key: PublicKey, required: Sequence[str] = WRITE_COMPONENTS) -> SignedRequest:
    """Return what a kept signature covers, once it is proven to be by ``key`` over the very base that was kept.

    Everything that a request with a body must sign has to be covered, unless ``required`` says that it is one without:
    then no body is its own. Raises InvalidInput, SignatureMalformed,
    SignatureInvalid, ComponentUncovered or SignatureAlgorithm.
    """
    kept = _decode(evidence)
    parsed = parse_signature_input(kept.signature_input)
    parameters = read_parameters(parsed.parameters)
    if parameters.key_id != key.thumbprint:
        raise SignatureInvalid("the signature names another key than the entry does")
    components = covered_components(kept.base, parsed)
    missing = [component for component in required if component not in components]
    if missing:
        raise ComponentUncovered(f"the signature does not cover {missing[0]}")
    digest = components.get('"content-digest"', "")
    if digest != kept.content_digest:
        raise SignatureInvalid("the digest kept beside the signature is not the one that was signed")
    try:
        base = kept.base.encode("ascii")
    except UnicodeEncodeError as error:
        raise SignatureInvalid("a signature base is ASCII") from error
    key.verify(parse_signature(kept.signature), base)
    return SignedRequest(components, parameters.key_id, parameters.created, parameters.nonce, digest)


def covered_components(base: str, signature_input: SignatureInput) -> Mapping[str, str]:
    """Return each component that a signature base holds, with its value.

    Raises SignatureInvalid unless the base is one of that signature input.
    """
    *lines, last = base.split("\n")
    components = dict(line.partition(": ")[::2] for line in lines)
    whole = tuple(components) == signature_input.components and len(components) == len(lines)
    if not whole or last != f'"@signature-params": {signature_input.text}':
        raise SignatureInvalid("what was signed is not what the signature's input says")
    return components


def _decode(evidence: bytes) -> _Evidence:
    try:
        return msgspec.json.decode(evidence, type=_Evidence)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput("a kept signature has its base, both headers and the digest") from error
