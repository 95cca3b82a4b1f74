"""The witness protocol's messages (C2SP tlog-witness v1.0.0): add-checkpoint requests and their answers, as bytes."""

import base64
import re
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256

from shared.errors import InvalidInput
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import LARGEST_SIZE
from shared.transparency.merkle import HASH_BYTES
from shared.transparency.signed_note import NoteSignature, decode_base64, format_signature, parse_signatures

MOST_PROOF_LINES = 63
LARGEST_REQUEST_BYTES = 128 * 1024
"""Room for the longest proof and a checkpoint with sixteen post-quantum signatures and more."""
LARGEST_ANSWER_BYTES = 64 * 1024

SIZE_MEDIA_TYPE = "text/x.tlog.size"
TEXT_MEDIA_TYPE = "text/plain; charset=utf-8"

_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})\Z")
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n\Z")


class AnswerStatus(IntEnum):
    """What a witness may answer, by the HTTP status that says so."""

    COSIGNED = 200
    MALFORMED = 400
    UNTRUSTED = 403
    UNKNOWN_ORIGIN = 404
    OTHER_SIZE = 409
    INCONSISTENT = 422


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """What a log asks of a witness: to cosign a checkpoint that the proof shows to extend the tree of ``old_size``.

    Nothing of it is verified.
    """

    old_size: TreeSize
    proof: tuple[bytes, ...]
    note: bytes


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """A witness's answer: cosignatures with ``COSIGNED``, the size it knows with ``OTHER_SIZE``; none verified."""

    status: AnswerStatus
    signatures: tuple[NoteSignature, ...] = ()
    size: TreeSize | None = None


def format_request(request: AddCheckpoint) -> bytes:
    """Return the request's body. Raises InvalidInput for a proof longer than a witness may be sent."""
    if len(request.proof) > MOST_PROOF_LINES:
        raise InvalidInput("a consistency proof is at most 63 hashes long")
    lines = [f"old {request.old_size}", *(base64.b64encode(each).decode("ascii") for each in request.proof), "", ""]
    return "\n".join(lines).encode("ascii") + request.note


def parse_request(body: bytes) -> AddCheckpoint:
    """Return what a request asks. Raises InvalidInput when it is not one; its checkpoint may still not be a note."""
    if len(body) > LARGEST_REQUEST_BYTES:
        raise InvalidInput("the request is too large")
    head, separator, note = body.partition(b"\n\n")
    if not separator:
        raise InvalidInput("a request has an empty line before its checkpoint")
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise InvalidInput("a request's lines before its checkpoint are ASCII") from error
    old = _OLD.match(first)
    if old is None or int(old.group(1)) > LARGEST_SIZE:
        raise InvalidInput("a request begins with the word old and a size below 2**63, without leading zeros")
    if len(lines) > MOST_PROOF_LINES:
        raise InvalidInput("a consistency proof is at most 63 hashes long")
    proof = tuple(decode_base64(line) for line in lines)
    if any(len(each) != HASH_BYTES for each in proof):
        raise InvalidInput("a consistency proof is made of hashes of 32 bytes")
    return AddCheckpoint(TreeSize(int(old.group(1))), proof, note)


def format_answer(answer: WitnessAnswer) -> tuple[str, bytes]:
    """Return an answer's media type and body. A refusal says no more than its status does."""
    if answer.status is AnswerStatus.COSIGNED:
        return TEXT_MEDIA_TYPE, b"".join(format_signature(each) for each in answer.signatures)
    if answer.size is not None:
        return SIZE_MEDIA_TYPE, f"{answer.size}\n".encode("ascii")
    return TEXT_MEDIA_TYPE, f"{answer.status.name.lower().replace('_', ' ')}\n".encode("ascii")


def parse_answer(status: int, *, media_type: str, body: bytes) -> WitnessAnswer:
    """Return what a witness answered. Raises InvalidInput for what no witness answers: garbage, redirects, failures."""
    if len(body) > LARGEST_ANSWER_BYTES:
        raise InvalidInput("a witness's answer is too large")
    try:
        known = AnswerStatus(status)
    except ValueError as error:
        raise InvalidInput("a witness does not answer with that status") from error
    if known is AnswerStatus.COSIGNED:
        return WitnessAnswer(known, signatures=parse_signatures(body))
    if known is AnswerStatus.OTHER_SIZE and media_type.partition(";")[0].strip().lower() == SIZE_MEDIA_TYPE:
        size = _SIZE.match(body)
        if size is None or int(size.group(1)) > LARGEST_SIZE:
            raise InvalidInput("a witness names the size it knows as a decimal number and a newline")
        return WitnessAnswer(known, size=TreeSize(int(size.group(1))))
    if known is AnswerStatus.OTHER_SIZE:
        # Version 0 of the protocol answered so when the size was the same and the root was not.
        return WitnessAnswer(AnswerStatus.INCONSISTENT)
    return WitnessAnswer(known)


def monitoring_path(origin: str) -> str:
    """Return the path below a witness's prefix where its latest cosigned checkpoint of a log stands."""
    return f"{sha256(origin.encode('utf-8')).hexdigest()}/checkpoint"
