"""Callers of ledger processes that come and go: they repeat what was not answered, and keep every answer."""

import asyncio
import os
from dataclasses import dataclass, field

import msgspec

from shared.entries import Entry, Obligation
from shared.errors import Unavailable
from shared.identifiers import EntryId, Recipient, obligation_id
from shared.ledger.messages import Answer, Appended, AppendRequest, Idempotency
from shared.vocabulary import EntryType
from tests.machinery.lean_ledger import PATIENCE_S, LeanLedger, LedgerProcess


def request(key: str) -> AppendRequest:
    """Return a request that an operator may make, the same bytes for the same key."""
    facts = {
        "agency": f"agency-{key}",
        "name": "An Agency",
        "duty_class": "s11_body",
        "nation": "England",
        "home_authority": None,
        "acts_for": None,
        "agreement": None,
        "agreement_until": None,
        "policy_document": None,
        "policy_document_until": None,
    }
    return AppendRequest(
        entry_id=EntryId(os.urandom(16).hex()),
        type=EntryType.AGENCY_REGISTERED,
        idempotency=Idempotency("service:operator", key, key.encode()),
        answer=Answer(201, {}),
        facts=dict(facts),
    )


def owing(key: str) -> AppendRequest:
    """Return a request whose entry owes somebody notice."""
    made = request(key)
    owed = Obligation(
        id=obligation_id(made.entry_id, ordinal=0),
        recipient=Recipient("queue:unplaced"),
        reasons=("placed_by_a_person",),
        urgency="routine",
        due_at="2026-12-01T00:00:00.000000Z",
        calendar="clock_hours",
        clock_start="recorded",
    )
    return msgspec.structs.replace(made, obligations=(owed,))


@dataclass
class Clients:
    """Callers that repeat each request until it is answered, at whichever process answers, and keep every answer."""

    answers: dict[str, Appended] = field(default_factory=dict)
    contradicted: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)

    async def once(self, process: LedgerProcess, key: str) -> bool:
        """Ask once; false when there was no answer, or none that says what came of it."""
        async with process.client() as client:
            try:
                answer = await client.append(request(key))
            except Unavailable as refusal:
                self.refusals.append(refusal.detail)
                return False
        self._keep(key, answer)
        return True

    async def until_refused(self, process: LedgerProcess) -> str:
        """Ask for one thing after the other until one is refused, and return why."""
        for number in range(1_000):
            if not await self.once(process, f"until-refused-{number}"):
                self.unanswered.append(f"until-refused-{number}")
                return self.refusals[-1]
        raise AssertionError("everything was accepted")

    async def until_answered(self, processes: list[LedgerProcess], keys: list[str]) -> None:
        """Ask for every key, turning from process to process, until each has its answer."""
        for key in keys:
            turn = 0
            while not await self.once(processes[turn % len(processes)], key):
                turn += 1
                assert turn < PATIENCE_S / 0.05, "nobody answers"
                await asyncio.sleep(0.05)

    def _keep(self, key: str, answer: Appended) -> None:
        earlier = self.answers.setdefault(key, answer)
        if (earlier.position, earlier.status, earlier.answer) != (answer.position, answer.status, answer.answer):
            self.contradicted.append(key)

    async def check(self, ledger: LeanLedger, process: LedgerProcess) -> list[Entry]:
        """Hold the log against every answer that was ever given, and return its entries."""
        await self.until_answered([process], list(self.answers))
        assert not self.contradicted, "one request was answered in two ways"
        async with process.client("auditor") as client:
            entries = [entry async for entry in client.stream(after=-1)]
        assert [entry.position for entry in entries] == list(range(len(entries))), "there is a gap"
        recorded = {entry.facts.get("agency"): entry.position for entry in entries}
        assert len(recorded) == len(entries), "a repeated request was recorded twice"
        for key, answer in self.answers.items():
            assert recorded[f"agency-{key}"] == answer.position
        report = await ledger.audit()
        assert report.intact, report.findings
        return entries
