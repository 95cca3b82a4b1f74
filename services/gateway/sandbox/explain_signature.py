"""Explaining a signature: what the gateway would have had signed, which byte differs, and what was signed instead."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from shared.errors import ExchangeError
from shared.signatures.content_digest import content_digest, verify_content_digest
from shared.signatures.keys import PublicKey
from shared.signatures.message import RequestParts, Tag
from shared.signatures.request_signature import (
    READ_COMPONENTS,
    WRITE_COMPONENTS,
    UnverifiedSignature,
    read_signature,
    request_base,
    verify_request,
)

AROUND = 24
"""How many characters of either base are shown from the first that differs."""

ECDSA_BYTES = 64


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as its sender believes it went out. ``base`` is what it signed, if it can say; ``key`` is its own."""

    request: RequestParts
    body: bytes | None
    base: bytes | None
    key: PublicKey | None


@dataclass(frozen=True, slots=True)
class Difference:
    """The first byte that is not what should have been signed. Bytes and columns count from 0, lines from 1."""

    byte: int
    line: int
    column: int
    component: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became clear. ``problem`` is what the gateway answers to such a request; None when it would be admitted."""

    problem: ExchangeError | None
    expected_base: str | None
    expected_digest: str | None
    difference: Difference | None
    signed: str | None
    hints: Sequence[str]


def explain(asked: Asked, *, now: datetime) -> Explanation:
    """Return what is wrong with a request's signature, and where. Raises nothing for anything that a sender may send.

    ``signed`` says over what the signature does hold: ``expected``, ``given`` (the sender's own base), or one of the
    usual mistakes by name; None when over none of these.
    """
    hints: list[str] = []
    digest = content_digest(asked.body) if asked.body is not None else None
    problem = _digest_problem(asked)
    try:
        claimed = read_signature(asked.request)
    except ExchangeError as error:
        return Explanation(error, _base_to_sign(asked), digest, None, None, _header_hints(asked.request))
    expected = _base_of(asked.request, claimed)
    if problem is None and asked.key is not None:
        problem = _problem(asked, claimed, asked.key, now)
    signed = None
    if expected is not None and asked.key is not None:
        signed, hint = _what_was_signed(asked, claimed, expected, asked.key)
        hints.extend(hint)
    if asked.key is None:
        hints.append("No key is registered under that keyid; give public_key (a JWK), and whether it verifies is said.")
    difference = None
    if expected is not None and asked.base is not None and asked.base != expected:
        difference = _first_difference(expected, asked.base)
        hints.extend(_base_hints(expected, asked.base, difference))
    return Explanation(problem, expected.decode("ascii") if expected else None, digest, difference, signed, hints)


def _digest_problem(asked: Asked) -> ExchangeError | None:
    if asked.body is None:
        return None
    try:
        verify_content_digest(asked.request.headers.get("content-digest"), asked.body)
    except ExchangeError as error:
        return error
    return None


def _problem(asked: Asked, claimed: UnverifiedSignature, key: PublicKey, now: datetime) -> ExchangeError | None:
    try:
        verify_request(
            asked.request, claimed, key=key, tag=Tag.REQUEST, now=now, has_body=asked.request.method != "GET"
        )
    except ExchangeError as error:
        return error
    return None


def _base_of(request: RequestParts, claimed: UnverifiedSignature) -> bytes | None:
    try:
        return request_base(request, claimed.input)
    except ExchangeError:
        return None


def _base_to_sign(asked: Asked) -> str:
    """Return the lines that a request of this kind must sign, where it has no readable signature to go by."""
    components = READ_COMPONENTS if asked.request.method == "GET" else WRITE_COMPONENTS
    lines = [f"{each}: {asked.request.component(each[1:-1]) or '(missing)'}" for each in components]
    parameters = f'({" ".join(components)});created=…;nonce="…";keyid="…";tag="{Tag.REQUEST}"'
    return "\n".join([*lines, f'"@signature-params": {parameters}'])


def _first_difference(expected: bytes, found: bytes) -> Difference:
    at = next(
        (index for index, (one, other) in enumerate(zip(expected, found, strict=False)) if one != other),
        min(len(expected), len(found)),
    )
    before = expected[:at]
    line = before.count(b"\n") + 1
    text = expected.split(b"\n")[min(line, expected.count(b"\n") + 1) - 1].decode("ascii")
    return Difference(
        byte=at,
        line=line,
        column=at - (before.rfind(b"\n") + 1),
        component=text.partition(":")[0] if '": ' in text else text,
        expected=_shown(expected[at : at + AROUND]),
        found=_shown(found[at : at + AROUND]),
    )


def _shown(part: bytes) -> str:
    return part.decode("ascii", "backslashreplace").replace("\r", "\\r").replace("\n", "\\n") or "(the end)"


def _what_was_signed(
    asked: Asked, claimed: UnverifiedSignature, expected: bytes, key: PublicKey
) -> tuple[str | None, list[str]]:
    if _holds(key, claimed.signature, expected):
        return "expected", []
    if asked.base is not None and _holds(key, claimed.signature, asked.base):
        return "given", ["The signature is good for the base you gave: make that base as the expected one."]
    for name, mistaken in _mistakes(asked.request, claimed, expected):
        if _holds(key, claimed.signature, mistaken):
            return name, [_CURES[name]]
    hints = ["The signature holds over none of the usual bases: another key signed it, or something else was signed."]
    if key.jwk().get("kty") == "EC" and len(claimed.signature) != ECDSA_BYTES:
        hints.append("An ECDSA signature is the 64 bytes r and s, not DER (IEEE P1363, RFC 9421 section 3.3.4).")
    return None, hints


_CURES: Mapping[str, str] = {
    "trailing-line-feed": "There is no line feed after the last line of the base.",
    "carriage-returns": "Lines of the base end in a line feed alone, without a carriage return.",
    "digest-of-the-base": "Ed25519 signs the base itself, not its SHA-256.",
    "query-left-empty": 'Without a query, the value of "@query" is a single question mark.',
    "query-without-its-mark": 'The value of "@query" begins with the question mark.',
    "path-with-query": 'The value of "@path" ends where the query begins.',
    "path-decoded": "The target is signed as it is sent, percent-encoded.",
    "method-in-lower-case": "The method is in upper case.",
    "authority-in-other-case": 'The value of "@authority" is in lower case.',
    "authority-without-port": 'The value of "@authority" has the port unless it is the scheme\'s own.',
    "whole-url-as-authority": 'The value of "@authority" is the host and port alone.',
    "parameters-left-out": 'The last line is "@signature-params" with exactly what Signature-Input says after sig1=.',
}


def _mistakes(request: RequestParts, claimed: UnverifiedSignature, expected: bytes) -> Iterator[tuple[str, bytes]]:
    """Give the bases that the usual mistakes make, each by its name."""
    yield "trailing-line-feed", expected + b"\n"
    yield "carriage-returns", expected.replace(b"\n", b"\r\n")
    yield "digest-of-the-base", hashlib.sha256(expected).digest()
    yield "parameters-left-out", expected.rpartition(b"\n")[0]
    target = request.raw_target.decode("latin-1")
    path, _, query = target.partition("?")
    host = request.authority.rpartition(":")[0] or request.authority
    for name, component, value in (
        ("query-left-empty", "@query", ""),
        ("query-without-its-mark", "@query", query),
        ("path-with-query", "@path", target),
        ("path-decoded", "@path", unquote(path)),
        ("method-in-lower-case", "@method", request.method.lower()),
        ("authority-in-other-case", "@authority", request.headers.get("host", "").upper()),
        ("authority-in-other-case", "@authority", request.headers.get("host", "").title()),
        ("authority-without-port", "@authority", host),
        ("whole-url-as-authority", "@authority", f"https://{request.authority}"),
        ("whole-url-as-authority", "@authority", f"http://{request.authority}"),
    ):
        quoted = f'"{component}"'
        lines = [f"{each}: {value if each == quoted else _value(request, each)}" for each in claimed.input.components]
        base = "\n".join([*lines, f'"@signature-params": {claimed.input.text}']).encode("latin-1", "replace")
        if base != expected:
            yield name, base


def _value(request: RequestParts, component: str) -> str:
    value = request.component(component[1:-1]) or ""
    return value if component.startswith('"@') else value.strip(" \t")


def _holds(key: PublicKey, signature: bytes, base: bytes) -> bool:
    try:
        key.verify(signature, base)
    except ExchangeError:
        return False
    return True


def _base_hints(expected: bytes, found: bytes, difference: Difference) -> list[str]:
    if found.replace(b"\r\n", b"\n") == expected:
        return [_CURES["carriage-returns"]]
    if found.rstrip(b"\n") == expected:
        return [_CURES["trailing-line-feed"]]
    if found.lower() == expected.lower():
        return ["Only upper and lower case differ."]
    if found.replace(b" ", b"") == expected.replace(b" ", b""):
        return ["Only spaces differ: one after each colon, one between components, none at the ends."]
    if difference.component.startswith('"') and not difference.component.startswith('"@'):
        return [
            f"You signed another {difference.component} than you say was sent: HTTP libraries set headers of their own."
        ]
    return []


def _header_hints(request: RequestParts) -> list[str]:
    signature_input = request.headers.get("signature-input", "")
    hints = []
    if signature_input and not signature_input.startswith("sig1="):
        hints.append("The one signature is labelled sig1.")
    if ", " in signature_input.partition(")")[0]:
        hints.append("Covered components are separated by spaces, not commas.")
    if '";req' in signature_input:
        hints.append("A request covers plain components; ;req is for answers.")
    signature = request.headers.get("signature", "")
    if "-" in signature or "_" in signature:
        hints.append("Signature is in base64, not base64url.")
    return hints
