"""Watching withholdings: which stand, when each is to be reviewed, and which later concern opens one again. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from shared.entries import Entry
from shared.identifiers import AgencyId, ChildRef, EntryId, Position
from shared.vocabulary import HOLDS_WHATEVER_IS_OBSERVED, EntryType, Level

_HARM = (Level.SIGNIFICANT_HARM.value, Level.IMMEDIATE_DANGER.value)
_TELLS_OF_HARM = frozenset({EntryType.SHARE_RECORDED, EntryType.WITHHOLDING_RECORDED, EntryType.RECORD_CORRECTED})


@dataclass(frozen=True, slots=True)
class Standing:
    """How a withholding stands, as one entry says. The highest position holds, in whatever order they come.

    ``ended``: it was taken back, or what was withheld was shared. ``reopens``: a later concern opens it again; what
    the law withholds because of a risk is not opened by that risk.
    """

    withholding: EntryId
    position: Position
    child: ChildRef | None
    agency: AgencyId | None
    review_due_on: date | None
    reopens: bool
    ended: bool


@dataclass(frozen=True, slots=True)
class StandingWithholding:
    """A withholding in force: what it is to be chased or opened again by."""

    withholding: EntryId
    child: ChildRef | None
    agency: AgencyId
    review_due_on: date


def standing_by(entry: Entry) -> Standing | None:
    """Return how a withholding stands by an entry; None when the entry says nothing of any.

    A retraction, or a share that names a cause, may speak of another record; that no withholding goes by its id does no
    harm.
    """
    behind = entry.causes[0] if entry.causes else None
    match entry.type:
        case EntryType.WITHHOLDING_RECORDED:
            behind, ended = entry.id, False
        case EntryType.WITHHOLDING_REVIEWED:
            ended = False
        case EntryType.RECORD_CORRECTED if "review_due_on" in entry.facts:
            ended = False
        case EntryType.RECORD_RETRACTED | EntryType.SHARE_RECORDED:
            ended = True
        case _:
            return None
    if behind is None:
        return None
    reasons = entry.facts.get("reasons")
    given = {each for each in reasons if isinstance(each, str)} if isinstance(reasons, list) else set()
    return Standing(
        withholding=behind,
        position=entry.position,
        child=entry.subjects[0].ref if entry.subjects else None,
        agency=entry.agency,
        review_due_on=_date(entry.facts.get("review_due_on")),
        reopens=HOLDS_WHATEVER_IS_OBSERVED.isdisjoint(given),
        ended=ended,
    )


def tells_of_harm(entry: Entry) -> bool:
    """Return whether an entry tells of harm to a child, by its level or by what was observed."""
    return entry.type in _TELLS_OF_HARM and _is_harm(entry.facts)


def _is_harm(facts: Mapping[str, object]) -> bool:
    return facts.get("level") in _HARM or bool(facts.get("indicators"))


def _date(text: object) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
