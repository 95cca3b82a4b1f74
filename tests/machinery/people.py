"""Invented children with NHS numbers from the range reserved for tests, a new one each time."""

import itertools
import secrets
from collections.abc import Mapping

from shared.canonical_json import Json

_GIVEN = ("Ellis", "Mina", "Jory", "Sorrel", "Dov", "Noor", "Lowell", "Luc", "Hal", "Ivo", "Kit")
_FAMILY = ("Marrow-Tate", "Okonjo-Reeve", "Fenwick-Adair", "Bexley-Nunn", "Harkaway", "Ellesmere-Shah", "Prentice-Ray")
_count = itertools.count(secrets.randbelow(100_000))


def nhs_number() -> str:
    """Return a valid NHS number beginning 999 that no test of this run has had."""
    while True:
        nine = f"999{next(_count) % 1_000_000:06d}"
        remainder = 11 - sum(int(digit) * weight for digit, weight in zip(nine, range(10, 1, -1), strict=True)) % 11
        if remainder != 10:
            return f"{nine}{remainder % 11}"


def child(**members: Json) -> dict[str, Json]:
    """Return a child's members: invented, traced, under 16, living in Darlington unless said otherwise."""
    number = nhs_number()
    made: dict[str, Json] = {
        "family_name": _FAMILY[int(number[-2]) % len(_FAMILY)],
        "given_names": f"{_GIVEN[int(number[-3]) % len(_GIVEN)]} {number[3:9]}",
        "date_of_birth": f"201{2 + int(number[-2]) % 8}-03-1{number[-3]}",
        "identifiers": [{"scheme": "nhs_number", "value": number, "traced": True}],
        "address": {"lines": ["1 Example Terrace"], "authority": "E06000005"},
    }
    made.update(members)
    return made


def share(who: Mapping[str, Json] | None = None, **members: Json) -> dict[str, Json]:
    """Return a whole share about a child."""
    made: dict[str, Json] = {
        "format": "safeguarding-exchange/share/v1",
        "practitioner": {"name": "Marian Oduya-Finch", "role": "designated safeguarding lead"},
        "child": who if who is not None else child(),
        "concern": {"level": "significant_harm", "seen_or_said": "A linear bruise on the left arm."},
        "rationale": "He is collected at 15:15 and may meet the same adult at home.",
        "consent": {"status": "not_sought", "no_consent_reason": "would_prejudice_protection"},
        "family_informed": {"informed": False, "reason_not_informed": "raises_risk"},
        "lawful_basis": {"article_6": "6(1)(c)", "condition": "sch1_para18"},
        "decided_at": "2026-11-24T10:50:00Z",
    }
    made.update(members)
    return made


def withholding(who: Mapping[str, Json] | None = None, **members: Json) -> dict[str, Json]:
    """Return a whole withholding that rests on a misconception."""
    made: dict[str, Json] = {
        "format": "safeguarding-exchange/withholding/v1",
        "practitioner": {"name": "Piers Haldane-Moss", "role": "receptionist"},
        "child": who if who is not None else child(),
        "reasons": ["gdpr"],
        "rationale": "I was told that data protection does not allow it.",
        "review_on": "2026-12-01",
    }
    made.update(members)
    return made


def whereabouts(who: Mapping[str, Json], authority: str, **members: Json) -> dict[str, Json]:
    """Return a report that a child now lives in an authority's area."""
    made: dict[str, Json] = {
        "format": "safeguarding-exchange/whereabouts/v1",
        "practitioner": {"name": "Anneke Brough", "role": "nursery manager"},
        "child": {**who, "address": None},
        "where": {"role": "living_at", "authority": authority},
        "permanence": "permanent",
        "how_known": "Registered with a new tenancy.",
    }
    made.update(members)
    return made


def housing_notice(who: Mapping[str, Json] | None = None, **members: Json) -> dict[str, Json]:
    """Return a whole notice that a child, placed by Westminster, is in temporary accommodation in Harlow; agreed to."""
    made: dict[str, Json] = {
        "format": "safeguarding-exchange/housing-notice/v1",
        "practitioner": {"name": "Tamsin Okafor-Lisle", "role": "housing officer"},
        "child": who if who is not None else child(address=None),
        "accommodation": {"lines": ["4 Example Court"], "authority": "E07000073"},
        "placed_by": "westminster-housing",
        "agreement": {"status": "given", "by": "parent", "on": "2026-11-20"},
        "tell": [{"kind": "gp", "agency": "linthorpe-surgery"}, {"kind": "school", "name": "Example Primary"}],
        "decided_at": "2026-11-24T10:50:00Z",
    }
    made.update(members)
    return made
