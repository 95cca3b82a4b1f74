"""What a ledger checks before it signs anything: that the log it finds goes on from what was signed before."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.ledger.ports import Guard, Head, StoredLog
from shared.errors import ExchangeError, IntegrityFailure
from shared.transparency.checkpoint import Checkpoint, open_checkpoint, read_unverified_checkpoint
from shared.transparency.signed_note import NoteVerifier


@dataclass(frozen=True, slots=True)
class Continuity:
    """Holds what the database says against the guard, the operator's word, and the log's own key.

    ``adopt_size`` and ``adopted`` are what a person vouches for where no guard is: an exact size, or a checkpoint that
    a witness or an auditor kept.
    """

    guard: Guard
    reader: StoredLog
    origin: str
    verifiers: Sequence[NoteVerifier]
    adopt_size: int | None
    adopted: Checkpoint | None

    async def check(self, head: Head | None, *, after: "Remembered") -> None:
        """Return when the log that ends at ``head`` may be signed from there.

        ``after`` must have been recalled before ``head`` was read: the guard then speaks of something older. Raises
        IntegrityFailure, saying why, when it may not be signed.
        """
        if head is not None:
            self._check_signed(head)
        size = head.size if head is not None else 0
        if self.adopted is not None:
            await self._check_extends(self.adopted, size, said_by="the checkpoint that was adopted")
        if after.checkpoint is not None:
            await self._check_extends(after.checkpoint, size, said_by="the guard")
        elif size and self.adopted is None and self.adopt_size != size:
            raise IntegrityFailure(
                f"the database holds {size} entries but there is no guard file that says what was signed",
                remedy=f"If this database is known to be the latest, say so once: LEDGER_ADOPT_SIZE={size}, or name a "
                "checkpoint that a witness kept: LEDGER_ADOPT_CHECKPOINT_FILE.",
            )

    async def check_published(self, head: Head | None, published: Checkpoint | None) -> None:
        """Return when the log that ends at ``head`` goes on from what was published. Raises IntegrityFailure if not."""
        if published is None:
            return
        size = head.size if head is not None else 0
        if size < published.size:
            raise IntegrityFailure(
                f"the database holds {size} entries but {published.size} were published: it is an old copy or was "
                "truncated",
                remedy="Restore the latest database. Signing from here would fork the log.",
            )
        stored = await self.reader.checkpoint_at(published.size)
        if stored is None or read_unverified_checkpoint(stored) != published:
            raise IntegrityFailure(
                f"the database's tree head of size {published.size} is not the one that was published",
                remedy="The history was changed, or these are another log's tiles. Keep both and call the auditor.",
            )

    def recall(self) -> "Remembered":
        """Return what the guard remembers. Raises IntegrityFailure when it is damaged or not this log's."""
        guarded = self.guard.recall()
        if guarded is None:
            return Remembered(None)
        try:
            # Who signed it does not matter here, and may be a key retired since: the guard is this ledger's own file.
            checkpoint = read_unverified_checkpoint(guarded.checkpoint)
        except ExchangeError as error:
            raise IntegrityFailure("the guard file holds no checkpoint") from error
        if checkpoint.origin != self.origin:
            raise IntegrityFailure("the guard file is another log's")
        return Remembered(checkpoint)

    def _check_signed(self, head: Head) -> None:
        """Refuse to go on from a head that is not what was signed: the next signature would cover a forgery."""
        try:
            signed = open_checkpoint(head.checkpoint, self.verifiers)
        except ExchangeError as error:
            raise IntegrityFailure(
                f"the database's tree head of size {head.size} is not signed by this log's key",
                remedy="Check the log's key and origin; else the history was changed: call the auditor.",
            ) from error
        if (signed.size, signed.root) != (head.size, head.frontier.root()) or head.frontier.size != head.size:
            raise IntegrityFailure(
                f"the database's tree head of size {head.size} is not the tree that was signed",
                remedy="The history was changed. Keep both copies and call the auditor.",
            )

    async def _check_extends(self, older: Checkpoint, size: int, *, said_by: str) -> None:
        if size < older.size:
            raise IntegrityFailure(
                f"the database holds {size} entries but {older.size} were signed, says {said_by}: "
                "it is an old copy or was truncated",
                remedy="Restore the latest database. Signing from here would fork the log.",
            )
        note = await self.reader.checkpoint_at(older.size)
        if older.size and (note is None or read_unverified_checkpoint(note) != older):
            raise IntegrityFailure(
                f"the database's tree head of size {older.size} is not the one that was signed, says {said_by}",
                remedy="The history was changed. Keep both copies and call the auditor.",
            )


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the guard remembered at one moment; None when there was no guard yet."""

    checkpoint: Checkpoint | None
