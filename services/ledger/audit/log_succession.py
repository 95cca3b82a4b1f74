"""Following a log's keys from its static files alone: there is one checkpoint, and whoever signed it is in the log."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.ledger.audit.findings import FindingKind, Report
from services.ledger.audit.kept_checkpoints import KeptCheckpoint, read_kept
from shared.entries import Entry
from shared.errors import ExchangeError
from shared.ledger.facts import read_facts
from shared.ledger.log_keys import LOG_KEY_TYPES, TrustedLogKeys
from shared.ledger.service_keys import RetiredLogKeyFacts
from shared.transparency.checkpoint import Checkpoint
from shared.transparency.tile_proofs import TileProver
from shared.transparency.tile_source import TileSource
from shared.vocabulary import EntryType


@dataclass(slots=True)
class LogSuccession:
    """Gathers what the entries say of the log's keys, and judges at the end who may have signed.

    The steps from key to key are the checkpoints that each ``log_key.retired`` carries, and those the auditor kept.
    """

    keys: TrustedLogKeys
    said: list[Entry] = field(default_factory=list)

    def take(self, entry: Entry) -> None:
        """Note what an entry says of keys."""
        if entry.type in LOG_KEY_TYPES:
            self.said.append(entry)

    async def judge(
        self, report: Report, note: bytes, *, of: Checkpoint, kept: Sequence[KeptCheckpoint], source: TileSource
    ) -> None:
        """Report it unless a key that the auditor trusts, or one that such keys led to, signed the checkpoint.

        The files must have been found to be those of that checkpoint. Raises what the source raises.
        """
        prover, said = TileProver(source, of), iter([*self.said])
        ahead = next(said, None)
        for step in sorted([*kept, *self._carried()], key=lambda each: each.said.size):
            while ahead is not None and ahead.position < step.said.size:
                self.keys.take(ahead)
                ahead = next(said, None)
            if await _is_of(prover, of, step):
                self._try(step.note)
        while ahead is not None:
            self.keys.take(ahead)
            ahead = next(said, None)
        try:
            self.keys.open(note)
            self.keys.proven()
        except ExchangeError as error:
            self.keys.vouched = False
            detail = error.detail
        else:
            detail = "it is signed by a key that the log names and for which no key that you trust has vouched"
        if not self.keys.vouched:
            last = max(1, of.size) - 1
            report.find(FindingKind.BAD_SIGNATURE, f"the log's checkpoint: {detail}", at=0, to=last)

    def _try(self, note: bytes) -> None:
        try:
            self.keys.open(note)
        except ExchangeError:
            return
        self.keys.proven()

    def _carried(self) -> list[KeptCheckpoint]:
        carried = []
        for entry in self.said:
            if entry.type is EntryType.LOG_KEY_RETIRED:
                try:
                    note = read_facts(entry, RetiredLogKeyFacts).vouched_by
                    carried.extend(read_kept([note.encode("utf-8")] if note is not None else []))
                except ExchangeError:
                    continue
        return carried


async def _is_of(prover: TileProver, of: Checkpoint, step: KeptCheckpoint) -> bool:
    """Return whether a step's tree is the beginning of the log's; one that is not proves nothing of its keys."""
    if step.said.origin != of.origin or not 0 < step.said.size <= of.size:
        return False
    return await prover.root_at(step.said.size) == step.said.root
