"""Having no witnesses: the checkpoint is published with the log's own signature alone."""

from collections.abc import AsyncGenerator, Sequence

from services.ledger.ports import ConsistencyProver
from shared.transparency.checkpoint import Checkpoint
from shared.transparency.signed_note import NoteSignature


class NoWitnesses:
    """Implements Witnesses by asking nobody."""

    async def cosign(
        self, _checkpoint: Checkpoint, _note: bytes, *, prove: ConsistencyProver, held: Sequence[NoteSignature] = ()
    ) -> AsyncGenerator[tuple[NoteSignature, ...], None]:
        """Yield no cosignature, once."""
        del prove, held
        yield ()
