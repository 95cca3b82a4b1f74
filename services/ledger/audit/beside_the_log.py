"""Checking what is stored beside the log: answers, sealed sections, children's index, obligations and steps."""

from collections.abc import AsyncIterator, Callable, Mapping
from hashlib import sha256
from typing import Generic, TypeVar

import orjson

from services.ledger.audit.erasures import Erasures
from services.ledger.audit.findings import DestroyedKey, FindingKind, Lost, Report
from services.ledger.audit.stored_log import (
    StoredAnswerRow,
    StoredChildEntry,
    StoredLog,
    StoredRow,
    StoredSection,
    StoredStep,
)
from services.ledger.domain.ladder import steps_of
from services.ledger.domain.receipts import whole_answer
from shared.entries import Entry
from shared.errors import ExchangeError
from shared.transparency.checkpoint import Checkpoint
from shared.transparency.merkle import leaf_hash, verify_inclusion
from shared.transparency.tlog_proof import parse_proof
from shared.vocabulary import EntryType

Item = TypeVar("Item")


class AtPosition(Generic[Item]):
    """A stream in position order, taken position by position."""

    def __init__(self, items: AsyncIterator[Item], position: Callable[[Item], int]) -> None:
        self._items = items
        self._position = position
        self._ahead: Item | None = None
        self.skipped: list[int] = []

    async def take(self, position: int) -> list[Item]:
        """Return the items at a position; whatever lies before it belongs to no entry."""
        taken: list[Item] = []
        while True:
            if self._ahead is None:
                self._ahead = await anext(self._items, None)
            if self._ahead is None or self._position(self._ahead) > position:
                return taken
            if self._position(self._ahead) == position:
                taken.append(self._ahead)
            else:
                self.skipped.append(self._position(self._ahead))
            self._ahead = None

    async def rest(self) -> list[int]:
        """Return the positions of all that was never taken."""
        left = [*self.skipped]
        if self._ahead is not None:
            left.append(self._position(self._ahead))
        left.extend([self._position(item) async for item in self._items])
        return left


class BesideTheLog:
    """Holds every row that is stored beside an entry against the entry itself.

    ``heads`` holds the checkpoint that covers the entry checked now, by its bytes, if its signature was verified.
    """

    def __init__(
        self,
        stored: StoredLog,
        report: Report,
        *,
        heads: Mapping[bytes, Checkpoint],
        erasures: Erasures,
        destroyed: Mapping[str, DestroyedKey],
        start: int = 0,
    ) -> None:
        self._report = report
        self._heads = heads
        self._erasures = erasures
        self._destroyed = destroyed
        self._answers: AtPosition[StoredAnswerRow] = AtPosition(stored.answers(start=start), lambda row: row.position)
        self._sections: AtPosition[StoredSection] = AtPosition(stored.sections(start=start), lambda row: row.position)
        self._children: AtPosition[StoredChildEntry] = AtPosition(
            stored.child_entries(start=start), lambda row: row.position
        )
        self._obligations: AtPosition[tuple[int, str, str]] = AtPosition(
            stored.obligations(start=start), lambda row: row[0]
        )
        self._steps: AtPosition[StoredStep] = AtPosition(stored.steps(start=start), lambda row: row.position)

    async def check(self, row: StoredRow, entry: Entry) -> None:
        """Check all that is stored beside one entry."""
        await self._check_sections(row, entry)
        await self._check_answer(row, entry)
        await self._check_children(row, entry)
        await self._check_obligations(row, entry)

    async def check_left_over(self) -> None:
        """Report what is stored beside positions where there is no entry."""
        for kind, stream in (
            (FindingKind.SECTION_FOREIGN, self._sections),
            (FindingKind.ANSWER_MISMATCH, self._answers),
            (FindingKind.CHILD_HISTORY_BROKEN, self._children),
            (FindingKind.OBLIGATION_MISMATCH, self._obligations),
            (FindingKind.OBLIGATION_MISMATCH, self._steps),
        ):
            for position in await stream.rest():
                self._report.find(kind, f"something is stored beside entry {position}, which is not there", at=position)

    async def _check_sections(self, row: StoredRow, entry: Entry) -> None:
        found = {section.name: section for section in await self._sections.take(row.position)}
        erased_whole, erased = self._erasures.covers_whole(entry), self._erasures.covers(entry)
        for name, commitment in entry.commitments.items():
            section = found.pop(name, None)
            self._report.sections += 1
            if section is None and erased:
                self._report.erased += 1
            elif section is None:
                self._find(FindingKind.SECTION_MISSING, row, f"lacks its sealed {name}, and no erasure says why")
            elif sha256(section.content).hexdigest() != commitment.ciphertext_sha256:
                self._find(FindingKind.SECTION_EDITED, row, f"has a sealed {name} that is not what it committed to")
            elif not self._erasures.is_key_of(section.data_key_id, entry):
                self._find(FindingKind.SECTION_FOREIGN, row, f"has a sealed {name} that is put under another's key")
            elif erased_whole or self._erasures.covers_key(section.data_key_id, entry):
                self._find(
                    FindingKind.ERASED_IN_NAME_ONLY, row, f"still has its sealed {name}, which an erasure says is gone"
                )
            elif section.kek_id is None:
                self._find(FindingKind.SECTION_MISSING, row, f"has a {name} whose key is gone, and no erasure says why")
            elif section.kek_id in self._destroyed:
                self._lost(self._destroyed[section.kek_id])
        for name in found:
            self._find(FindingKind.SECTION_FOREIGN, row, f"has a sealed {name} that it never committed to")

    def _lost(self, key: DestroyedKey) -> None:
        lost = next((each for each in self._report.lost if each.key == key), None)
        if lost is None:
            lost = Lost(key)
            self._report.lost.append(lost)
        lost.sections += 1

    async def _check_answer(self, row: StoredRow, entry: Entry) -> None:
        erased = self._erasures.covers_whole(entry)
        answers = await self._answers.take(row.position)
        # Only the record of a conflicting attempt has none: its idempotency key belongs to another entry.
        if not answers and entry.type is not EntryType.REQUEST_CONFLICTED:
            self._find(FindingKind.ANSWER_MISSING, row, "lacks the answer that was given for it")
        for answer in answers:
            self._report.answers += 1
            if answer.has_fingerprint and erased:
                self._find(
                    FindingKind.ERASED_IN_NAME_ONLY, row, "still has what its request could be guessed by after erasure"
                )
            if not answer.has_fingerprint and not erased:
                self._find(FindingKind.ANSWER_MISMATCH, row, "has an answer to any request, and no erasure says why")
            if not self._proves(answer, row):
                self._find(FindingKind.ANSWER_MISMATCH, row, "has a stored answer whose receipt does not prove it")

    def _proves(self, answer: StoredAnswerRow, row: StoredRow) -> bool:
        if answer.leaf is None or answer.checkpoint is None:
            return False
        try:
            # The answer as its requester got it: what is left out of the stored form must complete it to a proof.
            body = whole_answer(answer.body, leaf=answer.leaf, checkpoint=answer.checkpoint)
            receipt = orjson.loads(body)["receipt"]
            proof = parse_proof(receipt["proof"].encode("utf-8"))
            if receipt["entry"].encode("utf-8") != row.leaf or proof.index != row.position:
                return False
            head = self._heads.get(proof.checkpoint)
            if head is None:
                return False
            verify_inclusion(
                leaf_hash(row.leaf),
                position=row.position,
                size=head.size,
                path=proof.path,
                root=head.root,
            )
        except (ExchangeError, orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            return False
        return True

    async def _check_children(self, row: StoredRow, entry: Entry) -> None:
        said = {
            (subject.ref, subject.version, tuple(f"{fact.role}:{fact.authority}" for fact in subject.roles))
            for subject in entry.subjects
        }
        indexed = {(each.ref, each.version, each.roles) for each in await self._children.take(row.position)}
        if said != indexed:
            self._find(FindingKind.CHILD_HISTORY_BROKEN, row, "is indexed under other children than it names")

    async def _check_obligations(self, row: StoredRow, entry: Entry) -> None:
        owed = {(obligation.id, obligation.recipient) for obligation in entry.obligations}
        if owed != {(each[1], each[2]) for each in await self._obligations.take(row.position)}:
            self._find(FindingKind.OBLIGATION_MISMATCH, row, "owes other notices than are stored beside it")
        climbed = {
            StoredStep(row.position, step.obligation, step.state, step.owner, entry.time) for step in steps_of(entry)
        }
        if climbed != set(await self._steps.take(row.position)):
            self._find(FindingKind.OBLIGATION_MISMATCH, row, "moved an obligation otherwise than is stored beside it")

    def _find(self, kind: FindingKind, row: StoredRow, what: str) -> None:
        self._report.find(kind, f"entry {row.position} {what}", at=row.position)
