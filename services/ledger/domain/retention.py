"""Until when what is known about a child is kept: a pure function of what the entries say and a schedule.

The clear part of an entry holds no date of birth. Where a period runs from birth and nobody gave the date, it runs from
the latest day on which the child can have been born: nothing goes too early, and no run has to open what is sealed.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

from shared.clock import parse_rfc3339
from shared.entries import Entry
from shared.entry_types import LOOK_TYPES, STEWARDSHIP_TYPES
from shared.errors import InvalidInput
from shared.identifiers import ChildRef
from shared.reference.retention import RetentionClass, RetentionSchedule, StartEvent
from shared.reference.working_days import local_day
from shared.vocabulary import AuthorityRole, EntryType, Level

LONGEST_PREGNANCY = timedelta(days=300)
"""A child may be known before it is born."""

ADULT_AT = 18

_STATUS_OF_LEVEL = {
    Level.EARLY_HELP: "early_help",
    Level.CHILD_IN_NEED: "child_in_need",
    Level.SIGNIFICANT_HARM: "child_protection",
    Level.IMMEDIATE_DANGER: "child_protection",
}
_STATUS_OF_ROLE = {
    AuthorityRole.PLAN_HELD_BY.value: "child_protection",
    AuthorityRole.LOOKED_AFTER_BY.value: "looked_after",
    AuthorityRole.PLACED_IN.value: "looked_after",
}
_NATIONS = {"E": "England", "W": "Wales", "S": "Scotland", "N": "Northern Ireland"}


@dataclass(frozen=True, slots=True)
class RetentionCase:
    """What retention rests on. The dates of birth, death and adoption are None unless somebody who knows gave them."""

    child: ChildRef
    version: int
    statuses: frozenset[str]
    nations: frozenset[str]
    first_on: date
    last_on: date
    born_on: date | None = None
    died_on: date | None = None
    adopted_on: date | None = None


@dataclass(frozen=True, slots=True)
class Retention:
    """The class a child's record has reached, the day it is kept until, and the source of the rule that says so."""

    retention_class: str
    due_on: date
    source: str


def retention_of(case: RetentionCase, schedule: RetentionSchedule, *, as_at: date) -> Retention:
    """Return until when a case is kept, by the rules in force on ``as_at``.

    The highest status counts, and never shortens what a lower one asks for; of several nations the longest counts.
    Raises InvalidInput when the schedule has no rule for a status.
    """
    nations = case.nations or frozenset(rule.nation for rule in schedule.classes)
    due: list[tuple[date, RetentionClass]] = []
    reached: RetentionClass | None = None
    for nation in nations:
        rules = schedule.in_force(nation=nation, on=as_at)
        missing = case.statuses - rules.keys()
        if missing:
            raise InvalidInput("the retention schedule has no rule for " + ", ".join(sorted(missing)))
        top = max((rules[status] for status in case.statuses), key=lambda rule: rule.rank)
        reached = top if reached is None or top.rank > reached.rank else reached
        due.extend((_end(rule, case), rule) for rule in rules.values() if rule.rank <= top.rank)
    if reached is None:
        raise InvalidInput("the retention schedule names no nation")
    latest, rule = max(due, key=lambda each: (each[0], each[1].rank))
    return Retention(reached.name, latest, rule.source)


@dataclass(slots=True)
class RetentionCases:
    """The cases that entries add up to, taken in position order.

    ``erased`` children are no cases any more, though what was owed about them may still be carried on.
    """

    cases: dict[ChildRef, RetentionCase] = field(default_factory=dict)
    erased: set[ChildRef] = field(default_factory=set)

    def take(self, entry: Entry) -> None:
        """Add one entry."""
        on = local_day(parse_rfc3339(entry.time))
        for subject in entry.subjects:
            if entry.type is EntryType.ERASURE_RECORDED:
                self.cases.pop(subject.ref, None)
                self.erased.add(subject.ref)
            if subject.ref in self.erased:
                continue
            known = self.cases.get(subject.ref)
            statuses = {_status_of(entry)} | {
                _STATUS_OF_ROLE[fact.role] for fact in subject.roles if fact.role in _STATUS_OF_ROLE
            }
            nations = {_NATIONS.get(fact.authority[:1], "England") for fact in subject.roles}
            # Looking, holding and proposing are no work on the case: they do not keep it open.
            silent = entry.type in STEWARDSHIP_TYPES | LOOK_TYPES
            self.cases[subject.ref] = RetentionCase(
                child=subject.ref,
                version=subject.version,
                statuses=frozenset(statuses | (known.statuses if known else frozenset())),
                nations=frozenset(nations | (known.nations if known else frozenset())),
                first_on=known.first_on if known else on,
                last_on=known.last_on if known and silent else on,
            )


def _status_of(entry: Entry) -> str:
    level = entry.facts.get("level")
    if not isinstance(level, str):
        return "early_help"
    try:
        return _STATUS_OF_LEVEL[Level(level)]
    except ValueError:
        # An unknown level is taken for the most serious thing it could mean, here as in routing.
        return "child_protection"


def _end(rule: RetentionClass, case: RetentionCase) -> date:
    born = case.born_on or case.first_on + LONGEST_PREGNANCY
    if rule.years_from_death_under_18 is not None and _died_young(case):
        return _years_after(case.died_on or case.last_on, rule.years_from_death_under_18)
    match rule.starts:
        case StartEvent.BIRTH:
            return _years_after(born, rule.years)
        case StartEvent.ADOPTION_ORDER:
            return _years_after(case.adopted_on or case.last_on, rule.years)
        case StartEvent.CLOSURE:
            return _years_after(case.last_on, rule.years)


def _died_young(case: RetentionCase) -> bool:
    known = case.born_on, case.died_on
    return known[0] is not None and known[1] is not None and known[1] < _years_after(known[0], ADULT_AT)


def _years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        # The 29th of February: a period never ends before its day.
        return date(day.year + years, 3, 1)
