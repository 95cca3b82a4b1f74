"""What the ledger held about a child, in sentences for a reader who has never seen it."""

from collections.abc import Callable, Iterator

from shared.ledger.audit_messages import ChangeKnown, DecisionKnown, LookKnown, TellingKnown, Verification, WhoKnew

_STATES = {
    "owed": "not yet delivered",
    "delivered": "delivered to its system, not yet signed for",
    "received": "received, signed for by its system",
    "owned": "owned by a named person there",
    "decided": "decided",
    "queued": "put in a human queue: no channel could carry it",
    "assigned": "taken by",
}

Name = Callable[[str], str]
"""Gives an agency, authority or recipient its name."""


def who_knew_text(known: WhoKnew, *, name_of: Name) -> Iterator[str]:
    """Yield the lines of a report, each fact with the time and position of the entry that says so."""
    yield _verified(known.verification)
    yield f"Child {known.child}, as at {known.as_at}: {known.entries} entries, none left out."
    if not known.entries:
        yield "The ledger held nothing about this child at that moment."
        return
    yield from _section("Shared, withheld and reported", (_decision(each, name_of) for each in known.decisions))
    yield from _section(
        "Corrected, taken back, disputed and erased", (_change(each, name_of) for each in known.changes)
    )
    yield from _section("Told", (line for each in known.told for line in _telling(each, name_of)))
    responsible = name_of(f"authority:{known.responsible}") if known.responsible else "nobody had signed for it"
    yield from _section("Responsible", iter([responsible]))
    yield from _section("Looked at sealed content", (_look(each, name_of) for each in known.looks))
    yield from _section(
        "Moves flagged",
        (
            f"{move.time} (entry {move.position}): from "
            f"{', '.join(name_of(f'authority:{code}') for code in move.origins) or 'nowhere known'} to "
            f"{name_of(f'authority:{move.to}')} ({move.role}, {move.permanence})"
            for move in known.moves
        ),
    )


def _verified(verification: Verification) -> str:
    if verification.verified:
        return f"Each entry told of is under the log's signed and published checkpoint of {verification.size} entries."
    which = ", ".join(str(position) for position in verification.unverified)
    what = f"entries {which} are under no published checkpoint yet" if which else "nothing is published"
    return f"NOT VERIFIED ({what}): run `exchange audit verify`."


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    yield f"\n{title}"
    first = next(lines, None)
    yield f"  {first if first is not None else 'nothing'}"
    for line in lines:
        yield f"  {line}"


def _decision(decision: DecisionKnown, name_of: Name) -> str:
    who = name_of(f"agency:{decision.agency}") if decision.agency else "the exchange"
    said = []
    for name in ("level", "reasons", "challenges", "permanence"):
        value = decision.codes.get(name)
        if isinstance(value, list) and value:
            said.append(f"{name} {', '.join(str(each) for each in value)}")
        elif isinstance(value, str):
            said.append(f"{name} {value}")
    codes = f": {'; '.join(said)}" if said else ""
    return f"{decision.time} (entry {decision.position}): {who} {decision.kind}{codes}"


def _change(change: ChangeKnown, name_of: Name) -> str:
    what = "everything recorded until then" if change.of is None else f"entry {change.of}"
    when = f"{change.time} (entry {change.position})"
    if change.kind == "erased":
        written = what if change.of is None else f"what was written in {what}"
        return f"{when}: {written} was erased (proposed by {change.by})"
    who = name_of(f"agency:{change.by}") if change.by else "the exchange"
    return f"{when}: {who} {change.kind} {what}, whose words stay in the ledger as they were"


def _telling(telling: TellingKnown, name_of: Name) -> Iterator[str]:
    yield (
        f"{name_of(telling.recipient)}, because of entry {telling.because_of} ({', '.join(telling.reasons)}), "
        f"due {telling.due_at}: {_STATES.get(telling.state, telling.state)}"
    )
    for step in telling.steps:
        owner = f" {step.owner}" if step.owner else ""
        yield f"    {step.time} (entry {step.position}): {_STATES.get(step.state, step.state)}{owner}"


def _look(look: LookKnown, name_of: Name) -> str:
    who = name_of(f"agency:{look.by}")
    whom = f" for {name_of(look.recipient)}" if look.recipient else ""
    if look.section == "none":
        return f"{look.time} (entry {look.position}): {who} looked, and opened nothing ({look.purpose})"
    what = "an entry" if look.of is None else f"entry {look.of[0]}"
    if look.of is not None and look.of[0] != look.of[1]:
        what = f"entries {look.of[0]} to {look.of[1]}"
    return f"{look.time} (entry {look.position}): {who} opened the {look.section} of {what}{whom} ({look.purpose})"
