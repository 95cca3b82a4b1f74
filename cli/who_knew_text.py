"""What the ledger held about a child, in sentences for a reader who has never seen it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cli.recipient_names import Name
from shared.identifiers import Position
from shared.ledger.audit_messages import (
    ChangeKnown,
    DecisionKnown,
    LookKnown,
    MoveKnown,
    TellingKnown,
    Verification,
    WhoKnew,
)

_STATES = {
    "owed": "not yet delivered",
    "delivered": "delivered to its system, not yet signed for",
    "received": "received, signed for by its system",
    "owned": "owned by a named person there",
    "decided": "decided",
    "queued": "put in a human queue: no channel could carry it",
    "assigned": "taken by",
}
_OF_WORDS = ("corrected", "took back", "disputed", "recorded that consent was withdrawn for")
"""Changes that say something of what a record says, whose reader asks whether that is still there."""


def who_knew_text(known: WhoKnew, *, name_of: Name) -> Iterator[str]:
    """Yield the lines of a report, each fact with the time and position of the entry that says so."""
    if known.entries:
        yield _verified(known.verification)
    yield f"Child {known.child}, as at {known.as_at}: {known.entries} entries, numbered without a gap."
    if not known.entries:
        yield "By its index the ledger held nothing about this child then; `exchange audit verify` checks the index."
        return
    words = _Words(name_of, {each.position: each.compromised_from for each in known.suspects})
    yield from _section("Shared, withheld and reported", map(words.decision, known.decisions))
    yield from _section("Corrected, taken back, disputed and erased", map(words.change, known.changes))
    yield from _section("Told", (line for each in known.told for line in words.telling(each)))
    responsible = name_of(f"authority:{known.responsible}") if known.responsible else "nobody had signed for it"
    yield from _section("Responsible", [responsible])
    yield from _section("Looked at sealed content", map(words.look, known.looks))
    yield from _section("Moves flagged", map(words.move, known.moves))


def _verified(verification: Verification) -> str:
    if verification.verified:
        return f"Each entry told of is under the log's signed and published checkpoint of {verification.size} entries."
    which = ", ".join(str(position) for position in verification.unverified)
    what = f"entries {which} are under no published checkpoint yet" if which else "nothing is published"
    return f"NOT VERIFIED ({what}): run `exchange audit verify`."


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"\n{title}"
    for line in list(lines) or ["nothing"]:
        yield f"  {line}"


@dataclass(frozen=True, slots=True)
class _Words:
    """The sentences of one report. ``suspects`` says since when the key that signed an entry was in other hands."""

    name_of: Name
    suspects: Mapping[Position, str]

    def decision(self, decision: DecisionKnown) -> str:
        who = self._agency(decision.agency)
        said = []
        for name in ("level", "reasons", "challenges", "permanence"):
            value = decision.codes.get(name)
            if isinstance(value, list) and value:
                said.append(f"{name} {', '.join(str(each) for each in value)}")
            elif isinstance(value, str):
                said.append(f"{name} {value}")
        codes = f": {'; '.join(said)}" if said else ""
        gone = f"; what was written is erased (entry {decision.erased_at})" if decision.erased_at is not None else ""
        return f"{self._when(decision.time, decision.position)}: {who} {decision.kind}{codes}{gone}"

    def change(self, change: ChangeKnown) -> str:
        what = "everything recorded until then" if change.of is None else f"entry {change.of}"
        when, reason = self._when(change.time, change.position), change.codes.get("reason")
        why = f" ({reason})" if isinstance(reason, str) else ""
        if change.kind == "erased":
            written = what if change.of is None else f"what was written in {what}"
            approved = f", approved by {_listed(change.approved_by)}" if change.approved_by else ""
            done = f", carried out by {change.carried_out_by}" if change.carried_out_by else ""
            return f"{when}: {written} was erased{why}, proposed by {change.by}{approved}{done}"
        said = f"{when}: {self._agency(change.by)} {change.kind} {what}{why}"
        if change.of_erased_at is not None:
            return f"{said}, whose words have since been erased (entry {change.of_erased_at})"
        return f"{said}, whose words stay in the ledger as they were" if change.kind in _OF_WORDS else said

    def telling(self, telling: TellingKnown) -> Iterator[str]:
        yield (
            f"{self.name_of(telling.recipient)}, because of entry {telling.because_of} ({', '.join(telling.reasons)}), "
            f"due {telling.due_at}: {_standing(telling)}"
        )
        for step in telling.steps:
            owner = f" {step.owner}" if step.owner else ""
            yield f"    {self._when(step.time, step.position)}: {_STATES.get(step.state, step.state)}{owner}"

    def look(self, look: LookKnown) -> str:
        when, who = self._when(look.time, look.position), self.name_of(f"agency:{look.by}")
        whom = f" for {self.name_of(look.recipient)}" if look.recipient else ""
        if look.section == "none":
            return f"{when}: {who} looked, and opened nothing ({look.purpose})"
        what = "an entry" if look.of is None else f"entry {look.of[0]}"
        if look.of is not None and look.of[0] != look.of[1]:
            what = f"entries {look.of[0]} to {look.of[1]}"
        return f"{when}: {who} opened the {look.section} of {what}{whom} ({look.purpose})"

    def move(self, move: MoveKnown) -> str:
        origins = ", ".join(self.name_of(f"authority:{code}") for code in move.origins) or "nowhere known"
        to = self.name_of(f"authority:{move.to}")
        return f"{self._when(move.time, move.position)}: from {origins} to {to} ({move.role}, {move.permanence})"

    def _when(self, time: str, position: Position) -> str:
        since = self.suspects.get(position)
        suspect = f", SIGNED BY A KEY REPORTED COMPROMISED SINCE {since}" if since is not None else ""
        return f"{time} (entry {position}{suspect})"

    def _agency(self, agency: str | None) -> str:
        return self.name_of(f"agency:{agency}") if agency else "the exchange"


def _standing(telling: TellingKnown) -> str:
    """Return how far a notification has come. What stands in a human queue is delivered to nobody: it is taken."""
    in_queue = telling.recipient.startswith("queue:") or any(step.state == "queued" for step in telling.steps)
    if telling.state != "owed" or not in_queue:
        return _STATES.get(telling.state, telling.state)
    owner = next((step.owner for step in reversed(telling.steps) if step.state == "assigned"), None)
    return f"stands in the human queue, {f'taken by {owner}' if owner else 'taken by nobody yet'}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
