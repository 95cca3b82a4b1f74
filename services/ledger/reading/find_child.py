"""Finding a child by its identifiers: nobody learns of one in whose case they have no part, not even that it is there.

What is done is the same whether nobody is known by an identifier or nobody to this reader: the same look-ups, the same
record of the search, and an answer that leaves on the same beat.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from services.ledger.as_recorded import check_recorded
from services.ledger.domain.plan import IdentifierToken
from services.ledger.ports import HashedEntry
from services.ledger.reading.chronology import view_of
from services.ledger.reading.part_in_case import NowNamed, case_of
from services.ledger.reading.prove_reader import ReaderProver
from services.ledger.reading.record_look import Look, LookRecorder
from shared.entries import parse_entry
from shared.identifiers import ChildRef
from shared.ledger.messages import ChildIdentifier
from shared.ledger.reading_messages import ChildFound, FindChild
from shared.vocabulary import EntryType

BEAT_S = 0.1
"""Answers leave at whole multiples of this since they were asked for: a long case takes a little longer to judge."""


class BlindIndex(Protocol):
    """Where children are looked up by keyed hashes, and their entries read."""

    async def identified_by(self, tokens: tuple[bytes, ...]) -> ChildRef | None:
        """Return the child whom one of these tokens identifies, in one query whether or not there is one."""
        ...

    async def hashed_child_entries(self, ref: ChildRef) -> Sequence[HashedEntry]:
        """Return every entry about a child, with the hash that stands beside each, in order."""
        ...


class Beat(Protocol):
    """Holds answers back until the next beat."""

    def started(self) -> float:
        """Return now, on a clock that only goes forward, in seconds."""
        ...

    async def next(self, started: float) -> None:
        """Return at the next whole multiple of BEAT_S since a start."""
        ...


class ChildFinder:
    """Finds children for agencies."""

    def __init__(
        self,
        *,
        index: BlindIndex,
        tokens: Callable[[tuple[ChildIdentifier, ...]], tuple[IdentifierToken, ...]],
        prover: ReaderProver,
        recorder: LookRecorder,
        now_named: Callable[[], NowNamed],
        random: Callable[[int], bytes],
        beat: Beat,
    ) -> None:
        self._index = index
        self._tokens = tokens
        self._prover = prover
        self._recorder = recorder
        self._now_named = now_named
        self._random = random
        self._beat = beat

    async def find(self, asked: FindChild) -> ChildFound:
        """Return the child that an identifier names, if the reader has a part in its case; recorded before that.

        Only what identifies is looked up: never a number that was not traced, nor a name. Raises LedgerDamaged, to
        nobody who has no part, when an entry of the case is not what was recorded.
        """
        started = self._beat.started()
        try:
            return await self._find(asked)
        finally:
            await self._beat.next(started)

    async def _find(self, asked: FindChild) -> ChildFound:
        reader = await self._prover.prove(asked.signed)
        identifying = tuple(each.token for each in self._tokens(asked.identifiers) if each.identifying)
        known = await self._index.identified_by(identifying)
        # Where nobody is known, a reference of nobody is looked up all the same.
        ref = known or ChildRef(self._random(16).hex())
        stored = await self._index.hashed_child_entries(ref)
        entries = [parse_entry(each.leaf) for each in stored]
        found = view_of(case_of(ref, entries), reader, now_named=self._now_named()).has_part
        if found:
            check_recorded(stored)
        await self._recorder.record(
            Look(
                EntryType.CHILD_SEARCHED,
                ref if found else None,
                (),
                # Somebody who searches for children that are not theirs is seen by auditors, and by nobody else.
                {"caller": "reader", "purpose": "search", "section": "none", "found": found, "known_as": known},
                asked.signed,
            )
        )
        return ChildFound(ref if found else None)


class LoopBeat:
    """Implements Beat on the running event loop."""

    def __init__(self, *, now: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._now = now
        self._sleep = sleep

    def started(self) -> float:
        """Return now, on a clock that only goes forward, in seconds."""
        return self._now()

    async def next(self, started: float) -> None:
        """Return at the next whole multiple of BEAT_S since a start."""
        passed = self._now() - started
        await self._sleep(BEAT_S - passed % BEAT_S)
