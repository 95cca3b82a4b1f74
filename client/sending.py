"""One record from a file to the exchange, and the answer with its proof into another."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from client.answer import Answer
from client.exchange_client import ExchangeClient
from client.exchange_keys import ExchangeKeys
from client.files import private_key, record_bytes, write_new
from shared.errors import InvalidInput

PATHS = {
    "share": "/v1/shares",
    "withhold": "/v1/withholdings",
    "whereabouts": "/v1/whereabouts",
    "housing-notice": "/v1/housing-notices",
}
"""Which command posts where."""


@dataclass(frozen=True, slots=True)
class Sending:
    """One record on its way: by which command, where to, signed by whom, and what for.

    Without an ``idempotency_key`` a new one is made. ``keep`` is a new file for the whole answer. Without ``keys``
    those that the exchange publishes are trusted.
    """

    command: str
    path: str
    record: Path
    key: Path
    idempotency_key: str | None = None
    keep: Path | None = None
    keys: ExchangeKeys | None = None


async def send(sending: Sending, *, url: Callable[[], str], say: Callable[[str], None]) -> Answer:
    """Send a record; return once its answer and its receipt were verified, and kept if that was asked for.

    Says the idempotency key before it sends: that is what to repeat should this be cut short. Raises an ExchangeError.
    """
    body = record_bytes(sending.record, command=sending.command)
    signer = private_key(sending.key)
    if sending.idempotency_key is not None and not sending.idempotency_key:
        raise InvalidInput(
            "the idempotency key is empty", remedy="Leave the option out, or give the key of the record."
        )
    chosen = sending.idempotency_key or secrets.token_hex(16)
    if sending.keep is not None:
        # Taken before anything is sent: an answer that cannot be kept is evidence lost.
        write_new(sending.keep, b"", mode=0o600)
    say(f"Idempotency-Key: {chosen}")
    async with ExchangeClient(url(), key=signer, keys=sending.keys) as client:
        try:
            answer = await client.post_bytes(sending.path, body, idempotency_key=chosen)
        except BaseException:
            if sending.keep is not None:
                sending.keep.unlink(missing_ok=True)
            raise
        if sending.keep is not None:
            # Before its receipt is looked at: a signed answer whose receipt proves nothing is evidence as well.
            sending.keep.write_bytes(answer.body)
        proven = answer.receipt_checkpoint(await client.keys()).size
    say(readable(answer))
    say(f"Receipt: verified offline against the signed checkpoint of {proven} entries.")
    return answer


def readable(answer: Answer) -> str:
    """Return what an answer says, without its receipt, as text to read."""
    said = {name: value for name, value in answer.content.items() if name != "receipt"}
    return orjson.dumps(said, option=orjson.OPT_INDENT_2).decode()
