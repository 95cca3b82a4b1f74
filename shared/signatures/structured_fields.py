"""The little of structured fields (RFC 9651) that signatures of this profile use, parsed strictly.

What is accepted is always in canonical form already, so that the text itself can stand in a signature base.
"""

import re
from base64 import b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Mapping
from dataclasses import dataclass

from shared.signatures.errors import SignatureMalformed

LABEL = "sig1"

_STRING = r'"[\x20\x21\x23-\x5b\x5d-\x7e]*"'
_COMPONENT = re.compile(rf'("[a-z0-9@][a-z0-9!#$%&\'*+.^_`|~-]*")((?:;[a-z]+(?:={_STRING})?)*)')
_PARAMETER = re.compile(rf";([a-z][a-z0-9_.*-]*)=({_STRING}|0|-?[1-9][0-9]{{0,14}})")
_SIGNATURE = re.compile(rf"{LABEL}=:([A-Za-z0-9+/]+={{0,2}}):\Z")
_LONGEST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class SignatureInput:
    """A parsed Signature-Input: covered components as written (``"@method"``, ``"@path";req``), and parameters.

    ``text`` is the member's value exactly as it stands in the signature base.
    """

    components: tuple[str, ...]
    parameters: Mapping[str, str | int]
    text: str


def parse_signature_input(header: str) -> SignatureInput:
    """Return what the one signature's input says. Raises SignatureMalformed for anything but ``sig1=(…);…``."""
    prefix = f"{LABEL}=("
    if len(header) > _LONGEST_BYTES or not header.startswith(prefix):
        raise _malformed(f"Signature-Input must hold exactly one signature, labelled {LABEL}")
    text = header[len(LABEL) + 1 :]
    components: list[str] = []
    at = 1
    while not text.startswith(")", at):
        if components:
            if not text.startswith(" ", at):
                raise _malformed("the covered components are separated by one space each")
            at += 1
        found = _COMPONENT.match(text, at)
        if found is None:
            raise _malformed("a covered component cannot be read: a lower-case name in quotes is expected")
        components.append(found.group(0))
        at = found.end()
    if len(set(components)) != len(components):
        raise _malformed("a component is covered twice")
    return SignatureInput(tuple(components), _parameters(text, at + 1), text)


def parse_signature(header: str) -> bytes:
    """Return the one signature's bytes. Raises SignatureMalformed for anything but ``sig1=:<base64>:``."""
    found = _SIGNATURE.match(header) if len(header) <= _LONGEST_BYTES else None
    if found is None:
        raise _malformed(f"Signature must be {LABEL}=:<base64>:")
    try:
        signature = a2b_base64(found.group(1), strict_mode=True)
    except Base64Error as error:
        raise _malformed("Signature is not base64 in its one canonical form") from error
    # Spare bits at the end of base64 would let one signature be written in several ways, and a response that covers
    # it as written would then be read differently by a library that writes it anew.
    if b64encode(signature).decode("ascii") != found.group(1):
        raise _malformed("Signature is not base64 in its one canonical form")
    return signature


def _parameters(text: str, at: int) -> Mapping[str, str | int]:
    parameters: dict[str, str | int] = {}
    while at < len(text):
        found = _PARAMETER.match(text, at)
        if found is None:
            if text.startswith(",", at):
                raise _malformed(f"Signature-Input holds more than the one signature labelled {LABEL}")
            raise _malformed("the signature's parameters cannot be read")
        name, value = found.groups()
        if name in parameters:
            raise _malformed("a parameter of the signature comes twice")
        parameters[name] = value[1:-1] if value.startswith('"') else int(value)
        at = found.end()
    return parameters


def _malformed(detail: str) -> SignatureMalformed:
    return SignatureMalformed(detail, remedy="See the worked example in docs/api.md.")
