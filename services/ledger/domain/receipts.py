"""The answer that a requester keeps: what the gateway said, completed with the proof that it is in the ledger."""

from collections.abc import Sequence

import orjson

from services.ledger.domain.plan import PlannedEntry
from shared.transparency.tlog_proof import format_proof


def answer_bytes(planned: PlannedEntry, *, path: Sequence[bytes], checkpoint: bytes) -> bytes:
    """Return the answer's JSON bytes, stored with the entry and given to every repeat of the request.

    ``receipt.entry`` is the leaf as text and ``receipt.proof`` a C2SP tlog-proof of it: together they prove,
    offline, that the entry is in the ledger.
    """
    entry = planned.entry
    return orjson.dumps(
        {
            **planned.prepared.request.answer.body,
            "id": entry.id,
            "position": entry.position,
            "recorded_at": entry.time,
            "child": {"ref": entry.subjects[0].ref} if entry.subjects else None,
            "receipt": {
                "entry": planned.leaf.decode("utf-8"),
                "proof": format_proof(entry.position, path=path, checkpoint=checkpoint).decode("utf-8"),
            },
        }
    )
