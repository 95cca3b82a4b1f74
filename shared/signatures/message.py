"""An HTTP message's parts as signatures see them, and the base that is signed (RFC 9421 section 2.5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.signatures.errors import ComponentUncovered, SignatureMalformed


class Tag(StrEnum):
    """What a signature is for (RFC 9421 section 2.3): one made for one purpose is worth nothing for another."""

    REQUEST = "safeguarding-exchange-request"
    RESPONSE = "safeguarding-exchange-response"
    PUSH = "safeguarding-exchange-push"


_OWN_COMPONENTS = frozenset(
    f'"{name}"{suffix}'
    for name in (
        "@method",
        "@authority",
        "@path",
        "@query",
        "@status",
        "content-type",
        "content-digest",
        "idempotency-key",
        "signature",
    )
    for suffix in ("", ";req", ';req;key="sig1"')
)


@dataclass(frozen=True, slots=True)
class RequestParts:
    """A request as it came or will go over the wire.

    ``authority`` is the host, with the port unless it is the scheme's own, in lower case. ``raw_target`` is path and
    query exactly as sent, never decoded. ``headers`` have lower-case names; a header that came twice is joined with
    a comma and a space.
    """

    method: str
    authority: str
    raw_target: bytes
    headers: Mapping[str, str]

    def component(self, name: str) -> str | None:
        """Return the value of a derived component or a header, or None when there is none."""
        if not name.startswith("@"):
            return self.headers.get(name)
        path, separator, query = self.raw_target.decode("latin-1").partition("?")
        match name:
            case "@method":
                return self.method
            case "@authority":
                return self.authority
            case "@path":
                return path or "/"
            case "@query":
                return f"?{query}" if separator else "?"
            case _:
                return None


@dataclass(frozen=True, slots=True)
class ResponseParts:
    """A response, with lower-case header names."""

    status: int
    headers: Mapping[str, str]


def signature_base(lines: Sequence[tuple[str, str | None]], parameters_text: str) -> bytes:
    """Return the bytes that are signed: one line for each component and value, and the parameters last.

    Raises ComponentUncovered when a component has no value, SignatureMalformed when a value cannot stand in a base.
    """
    base = []
    for component, value in lines:
        if value is None:
            raise ComponentUncovered(
                f"the signature covers {_named(component)}, which this message does not have",
                remedy="Cover only what is sent, and send all that is covered.",
            )
        if component.startswith('"@'):
            # A derived value is signed whole: white space in it was never in a request line.
            signed, printable = value, " " not in value and value.isprintable()
        else:
            signed = value.strip(" \t")
            printable = signed.replace("\t", " ").isprintable()
        if not printable or not signed.isascii():
            raise SignatureMalformed(
                f"the value of {_named(component)} has characters that cannot be signed",
                remedy="Use printable ASCII in headers, and percent-encode the target.",
            )
        base.append(f"{component}: {signed}")
    base.append(f'"@signature-params": {parameters_text}')
    return "\n".join(base).encode("ascii")


def _named(component: str) -> str:
    # A name that the sender made up is never repeated: it could hold anything.
    return component if component in _OWN_COMPONENTS else "a component beyond those required"
