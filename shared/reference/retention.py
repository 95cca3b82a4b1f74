"""The retention schedule: how long what is known about a child is kept, by the highest status the child reached.

There is no national rule for every record: a controller has its own schedule, in the same columns (UK GDPR Art 5(1)(e);
Data Protection Act 2018 Sch 1 para 39(b) asks for one in the appropriate policy document).
"""

import csv
import importlib.resources
import io
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from shared.errors import InvalidInput

COLUMNS = ["class", "rank", "nation", "starts", "years", "years_from_death_under_18", "effective_from", "source"]
ANY_NATION = "any"


class StartEvent(StrEnum):
    """What a retention period is reckoned from."""

    BIRTH = "birth"
    CLOSURE = "closure"
    ADOPTION_ORDER = "adoption_order"


@dataclass(frozen=True, slots=True)
class RetentionClass:
    """One rule: how long, from what, in which nation, from which day on it holds, and who says so."""

    name: str
    rank: int
    nation: str
    starts: StartEvent
    years: int
    years_from_death_under_18: int | None
    effective_from: date
    source: str


@dataclass(frozen=True, slots=True)
class RetentionSchedule:
    """All rules of one controller; ``id`` names the very bytes they were read from."""

    id: str
    classes: tuple[RetentionClass, ...]

    def in_force(self, *, nation: str, on: date) -> dict[str, RetentionClass]:
        """Return the rule of each class for a nation on a day: the nation's own, else that of any."""
        chosen: dict[str, RetentionClass] = {}
        for rule in sorted(self.classes, key=lambda each: (each.nation != ANY_NATION, each.effective_from)):
            if rule.effective_from <= on and rule.nation in (ANY_NATION, nation):
                chosen[rule.name] = rule
        return chosen


def load_schedule(path: Path | None = None) -> RetentionSchedule:
    """Return the schedule in a CSV file, or the one that comes with the exchange. Raises InvalidInput."""
    if path is None:
        data = importlib.resources.files("shared.reference").joinpath("data").joinpath("retention.csv").read_bytes()
    else:
        data = path.read_bytes()
    rows = csv.DictReader(io.StringIO(data.decode("utf-8", "replace"), newline=""))
    if rows.fieldnames != COLUMNS:
        raise InvalidInput("a retention schedule has the columns " + ", ".join(COLUMNS))
    classes = tuple(_rule(row, line) for line, row in enumerate(rows, start=2))
    if not classes:
        raise InvalidInput("the retention schedule has no rules")
    return RetentionSchedule(f"sha256:{sha256(data).hexdigest()}", classes)


def _rule(row: dict[str, str], line: int) -> RetentionClass:
    try:
        death = row["years_from_death_under_18"]
        return RetentionClass(
            name=row["class"],
            rank=int(row["rank"]),
            nation=row["nation"],
            starts=StartEvent(row["starts"]),
            years=int(row["years"]),
            years_from_death_under_18=int(death) if death else None,
            effective_from=date.fromisoformat(row["effective_from"]),
            source=row["source"],
        )
    except (ValueError, TypeError) as error:
        raise InvalidInput(f"line {line} of the retention schedule cannot be read") from error
