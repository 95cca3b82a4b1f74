"""What a recipient's system signed when it took a push, kept so that anybody can verify it again later.

It is the ``signature`` section of a ``notification.received`` that came by push: the signature bases of both messages,
with their signature headers. The response's signature covers the push's own signature, and that covers the
notification's id.
"""

import msgspec

from shared.canonical_json import canonical_bytes
from shared.errors import InvalidInput
from shared.identifiers import ObligationId
from shared.signatures.authority import authority_of, target_of
from shared.signatures.errors import ComponentUncovered, SignatureInvalid
from shared.signatures.evidence import covered_components
from shared.signatures.keys import PublicKey
from shared.signatures.message import RequestParts, ResponseParts, Tag
from shared.signatures.request_signature import request_base
from shared.signatures.response_signature import COMPONENTS, SIGNED_REQUEST, response_base
from shared.signatures.signature_parameters import read_parameters
from shared.signatures.structured_fields import LABEL, parse_signature, parse_signature_input


class ReceiptNotWhole(InvalidInput):
    """What is kept of a receipt lacks what was signed, as receipts did that were kept before this form."""


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shape of the section."""

    request_base: str
    request_signature_input: str
    request_signature: str
    base: str
    signature_input: str
    signature: str


def receipt_evidence(response: ResponseParts, *, request: RequestParts) -> bytes:
    """Return what is kept of a verified response to a push."""
    pushed, answered = request.headers, response.headers
    request_base_ = request_base(request, parse_signature_input(pushed["signature-input"]))
    base = response_base(response, request, parse_signature_input(answered["signature-input"]))
    return canonical_bytes(
        {
            "request_base": request_base_.decode("ascii"),
            "request_signature_input": pushed["signature-input"],
            "request_signature": pushed["signature"],
            "base": base.decode("ascii"),
            "signature_input": answered["signature-input"],
            "signature": answered["signature"],
        }
    )


def verify_receipt(evidence: bytes, *, key: PublicKey, url: str, obligation: ObligationId) -> None:
    """Return when ``key`` signed that it took the push of that notification at that address, with a 2xx.

    Raises ReceiptNotWhole, or what is wrong with the signature. That the exchange signed the push is not judged: it is
    the exchange that says so.
    """
    try:
        kept = msgspec.json.decode(evidence, type=_Kept)
        base = kept.base.encode("ascii")
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ReceiptNotWhole("what was signed is not kept with the receipt") from error
    parsed = parse_signature_input(kept.signature_input)
    read_parameters(parsed.parameters).check(key=key, tag=Tag.RESPONSE)
    said = covered_components(kept.base, parsed)
    missing = [component for component in COMPONENTS if component not in said]
    if missing:
        raise ComponentUncovered(f"the receipt's signature does not cover {missing[0]}")
    key.verify(parse_signature(kept.signature), base)
    asked = RequestParts("POST", authority_of(url), target_of(url), {})
    for name in ("@method", "@authority", "@path", "@query"):
        if said[f'"{name}";req'] != asked.component(name):
            raise SignatureInvalid("the receipt is for what was sent elsewhere")
    if not said['"@status"'].startswith("2"):
        raise SignatureInvalid("the receipt says that the push was not taken")
    pushed = covered_components(kept.request_base, parse_signature_input(kept.request_signature_input))
    if f"{LABEL}={said[SIGNED_REQUEST]}" != kept.request_signature or pushed.get('"idempotency-key"') != obligation:
        raise SignatureInvalid("the receipt is for another notification")
