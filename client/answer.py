"""The exchange's answers, and the proof in them that holds without the exchange."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from client.errors import Problem, Refused
from client.exchange_keys import ExchangeKeys
from shared.canonical_json import Json, parse_json
from shared.errors import IntegrityFailure, InvalidInput
from shared.transparency.checkpoint import Checkpoint
from shared.transparency.tlog_proof import parse_proof, verify_proof


class ReceiptOfAnother(IntegrityFailure):
    """The receipt proves an entry, and it is not the one that the answer speaks of."""

    code = "receipt-of-another"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose signature and digest were verified. ``body`` is kept as evidence, byte for byte."""

    status: int
    body: bytes
    content: Mapping[str, Json] = field(repr=False)

    def receipt_checkpoint(self, keys: ExchangeKeys) -> Checkpoint:
        """Return the signed checkpoint that proves, offline, that this answer's entry is in the ledger.

        Raises an IntegrityFailure when the receipt does not prove it, InvalidInput when there is none.
        """
        return _proven(self.content, keys)


def read_answer(status: int, body: bytes) -> Answer:
    """Return an answer as it came. What is not a JSON object has no ``content``; nothing is verified here."""
    try:
        parsed = parse_json(body)
    except InvalidInput:
        parsed = {}
    return Answer(status, body, parsed if isinstance(parsed, dict) else {})


def unless_refused(answer: Answer) -> Answer:
    """Return an answer that says yes. Raises Refused with the problem that another names."""
    if answer.status < 300:
        return answer
    raise Refused(read_problem(answer))


def read_problem(answer: Answer) -> Problem:
    """Return the problem document (RFC 9457) that an answer is; what it does not say is empty."""
    said = {name: str(answer.content.get(name, "")) for name in ("type", "title", "detail", "remedy", "outcome")}
    code = said["type"].rpartition("/")[2]
    return Problem(
        answer.status,
        code,
        said["title"],
        said["detail"],
        said["remedy"],
        _whom_to_call(answer),
        said["outcome"],
    )


def _whom_to_call(answer: Answer) -> tuple[str, ...]:
    called = answer.content.get("call")
    if not isinstance(called, list):
        return ()
    numbers = ("telephone", "out_of_hours_telephone")
    return tuple(
        f"{each.get('who')}: " + ", ".join(str(each[name]) for name in numbers if each.get(name))
        for each in called
        if isinstance(each, dict)
    )


def verify_receipt(kept_answer: bytes, keys: ExchangeKeys) -> Checkpoint:
    """Return the signed checkpoint that proves, offline, that a kept answer's entry is in the ledger.

    Needs no network and no clock. Raises an IntegrityFailure when the receipt proves nothing or something else,
    InvalidInput when the bytes are no answer with a receipt.
    """
    content = parse_json(kept_answer)
    if not isinstance(content, dict):
        raise InvalidInput("not an answer of the exchange")
    return _proven(content, keys)


def _proven(content: Mapping[str, Json], keys: ExchangeKeys) -> Checkpoint:
    receipt = content.get("receipt")
    if not isinstance(receipt, dict):
        raise InvalidInput("the answer carries no receipt")
    leaf_text, proof_text = receipt.get("entry"), receipt.get("proof")
    if not isinstance(leaf_text, str) or not isinstance(proof_text, str):
        raise InvalidInput("the answer's receipt is not whole")
    leaf, proof = leaf_text.encode("utf-8"), parse_proof(proof_text.encode("utf-8"))
    checkpoint = verify_proof(leaf, proof, keys.log_keys)
    entry = parse_json(leaf)
    named = (entry.get("id"), entry.get("position")) if isinstance(entry, dict) else None
    # A good receipt of an earlier entry beside another answer would be the exchange's word for what it never kept.
    if named != (content.get("id"), content.get("position")) or proof.index != content.get("position"):
        raise ReceiptOfAnother("the receipt is of another entry than the answer names")
    return checkpoint
