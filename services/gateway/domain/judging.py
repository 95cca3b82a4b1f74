"""Judging a case by the rules in force: advice, challenges, and how fast somebody else must look. Nothing refuses."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.gateway.domain.misspelt import MISSPELT
from services.gateway.domain.obligations import MOST_URGENT_FIRST
from services.gateway.domain.record import said
from services.gateway.domain.rules.case import Case
from services.gateway.domain.rules.predicates import DUTIES, PREDICATES
from shared.clock import parse_rfc3339, rfc3339
from shared.errors import InvalidInput
from shared.ledger.registry import AgencyFacts
from shared.reference.rules import RecordKind, Rule, RuleBook, Sender
from shared.vocabulary import RuleAnswer, Urgency

PRIVATE_FOSTERING = "private-fostering"
"""The rule that makes the authority where the child lives be notified."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The rules that speak in a case, by their ids, in the order of their file.

    ``within`` is the most urgent time that a challenge or an escalation among them demands, or None.
    """

    advice: tuple[str, ...]
    challenges: tuple[str, ...]
    escalations: tuple[str, ...]
    within: Urgency | None


def rules_for(book: RuleBook, *, kind: RecordKind, agency: AgencyFacts, on: date) -> Mapping[str, Rule]:
    """Return the rules by which a decision of an agency is judged: of its nation and duty class, on that day."""
    return book.in_force(kind=kind, sender=Sender(agency.nation, agency.duty_class), on=on)


def in_duty(rules: Mapping[str, Rule]) -> bool:
    """Return whether a general duty to share is among the rules in force for a sender."""
    return any(duty in rules for duty in DUTIES)


def regime(case: Case) -> str:
    """Return under which regime the sender decided: ``duty`` or ``permissive``. Both allow sharing."""
    return "duty" if case.in_duty else "permissive"


def judge(case: Case, rules: Mapping[str, Rule]) -> Judgement:
    """Return which of the rules in force speak. An escalation is said as advice, besides what it makes happen."""
    spoken = [rule for rule in rules.values() if PREDICATES[rule.id](case)]
    times = [rule.within for rule in spoken if rule.within is not None]
    return Judgement(
        advice=tuple(rule.id for rule in spoken if rule.answer is not RuleAnswer.CHALLENGE),
        challenges=tuple(rule.id for rule in spoken if rule.answer is RuleAnswer.CHALLENGE),
        escalations=tuple(rule.id for rule in spoken if rule.answer is RuleAnswer.ESCALATE),
        within=min(times, key=MOST_URGENT_FIRST.index, default=None),
    )


def spelled_out(
    codes: Iterable[str], rules: Mapping[str, Rule], *, misspelt: Sequence[str] = ()
) -> list[dict[str, object]]:
    """Return rules as an answer carries them, each once, in the order given, in the words in force that day.

    Members that were ``misspelt`` are a rule of their own, first of all: what was meant by them was not judged.
    """
    # What was noticed counts only where a rule in force says so. A code of no rule is a defect that a test looks for.
    said = [_as_said(rules[code]) for code in dict.fromkeys(codes) if code in rules]
    if misspelt and MISSPELT in rules:
        said.insert(0, {**_as_said(rules[MISSPELT]), "members": list(misspelt)})
    return said


def _as_said(rule: Rule) -> dict[str, object]:
    return {"code": rule.id, "message": rule.text, "source": rule.source}


def read_moment(text: str | None) -> tuple[str | None, tuple[str, ...]]:
    """Return a time as the ledger writes it, or None; with advice when something unreadable was given."""
    given = said(text)
    if given is None:
        return None, ()
    try:
        return rfc3339(parse_rfc3339(given)), ()
    except (InvalidInput, OverflowError):
        return None, ("time-unreadable",)
