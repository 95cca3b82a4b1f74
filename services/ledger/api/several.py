"""Several requests of one kind in one call, and what became of each."""

import msgspec

from shared.errors import InvalidInput
from shared.ledger.messages import MOST_IN_A_CALL, Failure, Outcome, Several
from shared.process.message_app import decode


def several(body: bytes) -> list[bytes]:
    """Return the requests of a call that carries several, unread. Raises InvalidInput when they are too many."""
    requests = decode(body, Several).requests
    if len(requests) > MOST_IN_A_CALL:
        raise InvalidInput(f"one call carries at most {MOST_IN_A_CALL} requests")
    return [bytes(each) for each in requests]


def outcome_of(reply: object) -> Outcome:
    """Return a reply, or the Failure that stands for one, as one of several outcomes."""
    if isinstance(reply, Failure):
        return Outcome(failure=reply)
    return Outcome(msgspec.msgpack.encode(reply))
