"""The rules as dated data: what each says, on whose authority, from when to when, for whom, and how it answers.

A lawyer reviews ``data/rules.csv``; what makes a rule speak is a function of the same id, in the gateway's domain. No
answer is a refusal: a safeguarding concern is never turned away by a rule.
"""

import csv
import importlib.resources
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from shared.errors import InvalidInput, NotFound
from shared.vocabulary import DutyClass, RuleAnswer, Urgency

COLUMNS = [
    "id",
    "effective_from",
    "effective_until",
    "nations",
    "duty_classes",
    "kinds",
    "answer",
    "within",
    "text",
    "source",
    "revised",
]
ANY = "any"
NATIONS = ("England", "Wales", "Scotland", "Northern Ireland")


class RecordKind(StrEnum):
    """What kind of decision a rule is about."""

    SHARE = "share"
    WITHHOLDING = "withholding"
    WHEREABOUTS = "whereabouts"
    HOUSING_NOTICE = "housing_notice"


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose law a decision is judged by: the nation and the duty class of the agency that decided."""

    nation: str
    duty_class: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of a rule. In force on every day from ``effective_from`` to ``effective_until``, both included.

    No ``effective_from``: for as long as the exchange has worked that way. ``within`` is how fast a challenge or an
    escalation must be answered. ``revised`` is the day on which the row, or the function of its id, was last changed.
    """

    id: str
    effective_from: date | None
    effective_until: date | None
    nations: frozenset[str]
    duty_classes: frozenset[str]
    kinds: frozenset[str]
    answer: RuleAnswer
    within: Urgency | None
    text: str
    source: str
    revised: date

    def in_force(self, on: date) -> bool:
        """Return whether the rule is in force on a day."""
        begun = self.effective_from is None or self.effective_from <= on
        return begun and (self.effective_until is None or on <= self.effective_until)

    def holds_for(self, sender: Sender) -> bool:
        """Return whether the rule is for agencies of that nation and duty class."""
        return bool({ANY, sender.nation} & self.nations) and bool({ANY, sender.duty_class} & self.duty_classes)


@dataclass(frozen=True, slots=True, eq=False)
class RuleBook:
    """All rules, in the order of their file. ``id`` names the day of the last revision and the very bytes."""

    id: str
    rules: tuple[Rule, ...]

    def in_force(self, *, kind: RecordKind, sender: Sender, on: date) -> Mapping[str, Rule]:
        """Return, by id, what holds for such a decision of such an agency on a day."""
        return _in_force(self, kind, sender, on)

    def versions(self, rule_id: str) -> tuple[Rule, ...]:
        """Return every version of a rule, the oldest first. Raises NotFound."""
        found = [rule for rule in self.rules if rule.id == rule_id]
        if not found:
            raise NotFound("there is no rule of that id", remedy="See: exchange rules list")
        return tuple(sorted(found, key=lambda rule: rule.effective_from or date.min))


def load_rules(path: Path | None = None) -> RuleBook:
    """Return the rules in a CSV file, or those that come with the exchange. Raises InvalidInput."""
    if path is None:
        data = importlib.resources.files("shared.reference").joinpath("data").joinpath("rules.csv").read_bytes()
    else:
        data = path.read_bytes()
    rows = csv.DictReader(io.StringIO(data.decode("utf-8", "replace"), newline=""))
    if rows.fieldnames != COLUMNS:
        raise InvalidInput("a file of rules has the columns " + ", ".join(COLUMNS))
    rules = tuple(_rule(row, line) for line, row in enumerate(rows, start=2))
    if not rules:
        raise InvalidInput("the file of rules has none")
    revised = max(rule.revised for rule in rules)
    return RuleBook(f"rules/{revised.isoformat()}/{sha256(data).hexdigest()[:16]}", rules)


@lru_cache(maxsize=512)
def _in_force(book: RuleBook, kind: RecordKind, sender: Sender, on: date) -> Mapping[str, Rule]:
    return {
        rule.id: rule
        for rule in book.rules
        if {ANY, kind.value} & rule.kinds and rule.holds_for(sender) and rule.in_force(on)
    }


def _rule(row: dict[str, str], line: int) -> Rule:
    try:
        if not row["id"] or not row["text"] or not row["source"]:
            raise ValueError("blank")
        return Rule(
            id=row["id"],
            effective_from=date.fromisoformat(row["effective_from"]) if row["effective_from"] else None,
            effective_until=date.fromisoformat(row["effective_until"]) if row["effective_until"] else None,
            nations=_among(row["nations"], NATIONS),
            duty_classes=_among(row["duty_classes"], tuple(DutyClass)),
            kinds=_among(row["kinds"], tuple(RecordKind)),
            answer=RuleAnswer(row["answer"]),
            within=Urgency(row["within"]) if row["within"] else None,
            text=row["text"],
            source=row["source"],
            revised=date.fromisoformat(row["revised"]),
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidInput(f"line {line} of the file of rules cannot be read") from error


def _among(text: str, known: tuple[str, ...]) -> frozenset[str]:
    named = frozenset(text.split("; "))
    if named != {ANY} and not named <= set(known):
        raise ValueError("not one of the list")
    return named
