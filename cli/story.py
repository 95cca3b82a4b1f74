"""The story that shows the main job done: played through the real interfaces, each party with its own key."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from cli.audit import audit_ledger
from cli.parties import DARLINGTON, DURHAM, NURSERY, PRACTICE, SCHOOL, Parties, Party, PushedEvent
from client.exchange_client import Answer, ExchangeClient, ExchangeKeys
from deploy.local.exchange import LocalExchange
from services.ledger.adapters.tile_files import TileFiles
from services.ledger.audit.replay import replay_state
from shared.canonical_json import Json
from shared.errors import ExchangeError
from shared.identifiers import is_queue
from shared.ledger.client import LedgerClient
from shared.ledger.messages import OwedQuery
from shared.notifier import NotificationQuery, NotificationView, NotifierClient
from shared.process.address import UnixAddress
from shared.process.remote import Remote
from shared.reference.authorities import load_register
from shared.transparency.checkpoint import Checkpoint

PATIENCE_S = 30.0

Say = Callable[[str], None]
Found = TypeVar("Found")

ELLIS: Mapping[str, Json] = {
    "family_name": "Marrow-Tate",
    "given_names": "Ellis",
    "date_of_birth": "2020-03-31",
    "identifiers": [{"scheme": "nhs_number", "value": "999 007 3104", "traced": True}],
    "address": {"lines": ["1 Example Terrace"], "postcode": "DL1 5QT", "authority": "E06000005"},
}
LOWELL: Mapping[str, Json] = {
    "family_name": "Prentice-Ray",
    "given_names": "Lowell",
    "date_of_birth": "2026-08-20",
    "identifiers": [{"scheme": "nhs_number", "value": "999 007 4224", "traced": True}],
}
SHARE: Mapping[str, Json] = {
    "format": "safeguarding-exchange/share/v1",
    "practitioner": {
        "name": "Marian Oduya-Finch",
        "role": "designated safeguarding lead",
        "contact": {"telephone": "01632 960011"},
    },
    "child": ELLIS,
    "concern": {
        "level": "significant_harm",
        "seen_or_said": "Linear bruise on the left arm; said that a visitor to the house hit him with a belt.",
        "observed_at": "2026-11-24T10:40:00Z",
    },
    "rationale": "He is collected at 15:15 and may meet the same adult at home.",
    "consent": {"status": "not_sought", "no_consent_reason": "would_prejudice_protection", "whose": "parents"},
    "family_informed": {"informed": False, "reason_not_informed": "raises_risk"},
    "lawful_basis": {"article_6": "6(1)(c)", "condition": "sch1_para18"},
    "decided_at": "2026-11-24T10:50:00Z",
}
WITHHOLDING: Mapping[str, Json] = {
    "format": "safeguarding-exchange/withholding/v1",
    "practitioner": {"name": "Piers Haldane-Moss", "role": "receptionist"},
    "child": LOWELL,
    "concern": {"indicators": ["injury", "non_mobile_infant"]},
    "reasons": ["gdpr"],
    "rationale": "I was told that data protection does not allow it.",
    "review_on": "2026-12-01",
}
WHEREABOUTS: Mapping[str, Json] = {
    "format": "safeguarding-exchange/whereabouts/v1",
    "practitioner": {"name": "Anneke Brough", "role": "nursery manager"},
    "child": {**ELLIS, "address": None},
    "where": {"role": "living_at", "postcode": "DH1 5UL", "authority": "E06000047"},
    "permanence": "permanent",
    "since": "2026-11-20",
    "how_known": "Registered by his grandmother, with a new tenancy.",
}
ACKNOWLEDGEMENT: Mapping[str, Json] = {
    "format": "safeguarding-exchange/acknowledgement/v1",
    "state": "owned",
    "person": {"name": "Rosalind Achterberg", "role": "duty social worker"},
}


class StoryFailed(ExchangeError):
    """Something did not happen that should have."""

    code = "story-failed"


@dataclass(slots=True)
class Story:
    """Plays the story once and checks every step of it."""

    exchange: LocalExchange
    parties: Parties
    say: Say
    keys: ExchangeKeys = field(init=False)

    async def play(self) -> None:
        """Play it. Raises StoryFailed, or what a step failed with."""
        async with self.parties.client(SCHOOL) as client:
            self.keys = await client.keys()
        shared = await self._school_shares()
        await self._darlington_owns(shared)
        await self._practice_withholds()
        await self._nursery_reports(shared)
        await self._check_roads()
        await self._auditor_replays()

    async def _school_shares(self) -> Answer:
        self._heading(1, f"{SCHOOL.name} shares a significant-harm concern, without consent, and says why")
        async with self.parties.client(SCHOOL, self.keys) as client:
            answer = await client.share(SHARE, idempotency_key="story-share-1")
            self._show(answer)
            again = await client.share(SHARE, idempotency_key="story-share-1")
            _expect(again.body == answer.body, "sent again, the same request got another answer")
            self.say("    sent again with the same key: the very same answer, nothing recorded twice")
        return answer

    async def _darlington_owns(self, shared: Answer) -> None:
        self._heading(2, f"{DARLINGTON.name} gets the push, and a named person owns it")
        event = await self._pushed(DARLINGTON, lambda event: event.data.position == shared.content["position"])
        notification = event.id
        self.say(f"    pushed and signed for: {event.type}, with what the school wrote")
        async with self.parties.client(DARLINGTON, self.keys) as client:
            owned = await client.acknowledge(notification, ACKNOWLEDGEMENT, idempotency_key="story-owned-1")
            self.say(f"    owned by a named person: entry {owned.content['position']}, receipt {self._proof(owned)}")
        async with self.parties.client(SCHOOL, self.keys) as client:
            for told in await self._status(client, shared):
                self.say(f"    the school reads back: {told['name']}: {told['state']}")

    async def _practice_withholds(self) -> None:
        self._heading(3, f"{PRACTICE.name} withholds 'because of GDPR' and is challenged")
        async with self.parties.client(PRACTICE, self.keys) as client:
            answer = await client.withhold(WITHHOLDING, idempotency_key="story-withholding-1")
        self._show(answer)
        challenges = answer.content["challenges"]
        _expect(isinstance(challenges, list) and len(challenges) > 0, "the withholding was not challenged")
        await self._pushed(PRACTICE, lambda event: event.data.position == answer.content["position"])
        self.say("    the challenge reached the practice's safeguarding lead")

    async def _nursery_reports(self, shared: Answer) -> None:
        self._heading(4, f"{NURSERY.name} reports that the child lives there now")
        async with self.parties.client(NURSERY, self.keys) as client:
            answer = await client.report_whereabouts(WHEREABOUTS, idempotency_key="story-whereabouts-1")
        self._show(answer)
        _expect(answer.content["child"] == shared.content["child"], "the nursery's child was not found to be the same")
        for party in (DURHAM, DARLINGTON):
            event = await self._pushed(party, lambda event: event.type.endswith("child.move_suspected.v1"))
            facts = msgspec.convert(event.data.entry["facts"], dict[str, object])
            left, to = facts["from"], facts["to"]
            _expect(isinstance(left, list) and isinstance(to, str), "the flag does not say from where to where")
            names = " and ".join(map(self._name, left)) if isinstance(left, list) else ""
            self.say(f"    move flagged to {party.name}: from {names} to {self._name(to)}")

    async def _check_roads(self) -> None:
        self._heading(5, "By which road each notification came")
        client = NotifierClient(Remote(UnixAddress(self.exchange.sockets / "notifier-operator.sock"), timeout_s=10))
        try:
            seen = await client.notifications(NotificationQuery())
        finally:
            await client.close()
        for each in seen:
            self.say(f"    {each.recipient:<28} {each.entry_type:<24} {each.state:<9} {_road(each)}")
        _expect(
            all(each.came_by == "kafka" for each in seen), "a notification came by reconciling instead of through Kafka"
        )

    async def _auditor_replays(self) -> None:
        self._heading(6, "The auditor replays and verifies the ledger")
        client = self.exchange.ledger_client("auditor")
        try:
            await _patiently(lambda: self._all_signed_for(client))
            shown = [entry async for entry in client.stream(after=-1)]
            state = await replay_state(client.stream(after=-1))
            owed = await client.owed(OwedQuery())
        finally:
            await client.close()
        for entry in shown:
            about = f" about {entry.subjects[0].ref[:8]}" if entry.subjects else ""
            self.say(f"    {entry.position:>4}  {entry.time[:19]}Z  {entry.type.value}{about}")
        for case in state.cases.values():
            self.say(
                f"    child {case.child[:8]}: shares {case.shares}, withholdings {case.withholdings}, "
                f"moves {[move[0] for move in case.moves]}, responsible {case.responsible or 'nobody yet'}"
            )
        _expect(
            any(case.responsible == "E06000005" and case.moves for case in state.cases.values()),
            "responsibility should have stayed with Darlington until somebody else accepts it",
        )
        _expect(set(state.owed()) == {each.obligation.id for each in owed.obligations}, "replay and ledger differ")
        for told in state.owed().values():
            self.say(f"    still owed, in sight: {told.recipient} because of entry {told.because_of}")
        report = await audit_ledger(self.exchange)
        _expect(report.intact, f"the ledger does not verify: {report.findings}")
        self.say(
            f"    verified: {report.size} entries, {report.heads} signed checkpoints, {report.sections} sealed "
            f"sections, root {report.root[:16]}…"
        )
        await self._show_published()

    async def _show_published(self) -> None:
        """Say where outsiders find the signed checkpoint with its tiles, once it covers the story."""
        files = TileFiles(self.exchange.layout.tiles)
        client = self.exchange.ledger_client("auditor")
        try:
            size = (await client.tree_head()).size
        finally:
            await client.close()

        async def published() -> Checkpoint | None:
            found = files.published()
            return found if found is not None and found.size >= size else None

        checkpoint = await _patiently(published)
        if checkpoint is None:
            raise StoryFailed(f"the ledger's {size} entries were not published within {PATIENCE_S:.0f} s")
        self.say(
            f"    published for outside verifiers: the signed checkpoint of {checkpoint.size} entries, with tiles and "
            f"entries, in {self.exchange.layout.tiles}"
        )

    async def _all_signed_for(self, client: LedgerClient) -> bool | None:
        """Say when nothing but what waits for people is owed, so that the replay shows the story at its end."""
        owed = (await client.owed(OwedQuery())).obligations
        return True if all(is_queue(each.obligation.recipient) for each in owed) else None

    def _show(self, answer: Answer) -> None:
        self.say(f"    {answer.status}: entry {answer.content['position']}, receipt {self._proof(answer)}")
        for told in _objects(answer.content["told"]):
            self.say(f"    told: {told['name']} ({', '.join(map(str, _list(told['reasons'])))}) by {told['due_at']}")
        for kind in ("advice", "challenges"):
            for each in _objects(answer.content[kind]):
                self.say(f"    {kind}: {each['message']} [{each['source']}]")

    def _proof(self, answer: Answer) -> str:
        checkpoint = answer.receipt_checkpoint(self.keys)
        return f"verified offline against the signed checkpoint of {checkpoint.size} entries"

    async def _pushed(self, party: Party, wanted: Callable[[PushedEvent], bool]) -> PushedEvent:
        async def look() -> PushedEvent | None:
            return next((event for event in await self.parties.pushed_to(party) if wanted(event)), None)

        found = await _patiently(look)
        if found is None:
            raise StoryFailed(f"{party.name} got no such push within {PATIENCE_S:.0f} s")
        return found

    async def _status(self, client: ExchangeClient, shared: Answer) -> list[Mapping[str, Json]]:
        async def look() -> list[Mapping[str, Json]] | None:
            status = await client.read_share(str(shared.content["id"]))
            told = _objects(status.content["notifications"])
            return told if any(each["state"] == "owned" for each in told) else None

        return await _patiently(look) or []

    def _name(self, code: object) -> str:
        return f"{load_register().name_of(str(code))} ({code})"

    def _heading(self, number: int, text: str) -> None:
        self.say(f"\n{number}. {text}")


async def _patiently(look: Callable[[], Awaitable[Found | None]]) -> Found | None:
    """Look until there is something to see, for half a minute at most."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while asyncio.get_running_loop().time() < deadline:
        found = await look()
        if found is not None:
            return found
        await asyncio.sleep(0.1)
    return None


def _expect(held: object, failure: str) -> None:
    if not held:
        raise StoryFailed(failure)


def _road(each: NotificationView) -> str:
    if each.came_by != "kafka":
        return f"by {each.came_by}"
    return f"by Kafka: topic {each.topic}, partition {each.partition}, offset {each.offset}"


def _objects(value: Json) -> list[Mapping[str, Json]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _list(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else ()
