"""An answer with a receipt of a log of one entry."""

import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.exchange_keys import ExchangeKeys
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint, sign_checkpoint
from shared.transparency.merkle import leaf_hash
from shared.transparency.signed_note import NoteSigner
from shared.transparency.tlog_proof import format_proof

ORIGIN = "exchange.example/log"
LOG = NoteSigner(ORIGIN, Ed25519PrivateKey.generate())
KEYS = ExchangeKeys({}, (LOG.verifier(),))
ENTRY_ID = "0123456789abcdef0123456789abcdef"


def kept_answer(*, entry_id: str = ENTRY_ID, position: int = 0, signer: NoteSigner = LOG) -> bytes:
    """Return an answer that names an entry, with the receipt of ENTRY_ID at position 0."""
    entry = json.dumps({"id": ENTRY_ID, "position": 0})
    checkpoint = sign_checkpoint(Checkpoint(ORIGIN, TreeSize(1), leaf_hash(entry.encode())), [signer])
    receipt = {"entry": entry, "proof": format_proof(0, path=(), checkpoint=checkpoint).decode()}
    return json.dumps({"id": entry_id, "position": position, "receipt": receipt}).encode()
