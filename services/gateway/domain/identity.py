"""By what a record names its child: what identifies, and what may only suggest a link for a person to decide (G14)."""

from dataclasses import dataclass
from datetime import date

from services.gateway.domain.record import Child, said
from services.gateway.domain.said import is_yes
from shared.identifiers import AgencyId
from shared.ledger.messages import ChildIdentifier
from shared.reference.nhs_number import read_nhs_number
from shared.reference.upn import is_upn


@dataclass(frozen=True, slots=True)
class NamedBy:
    """The identifiers of a record's child, and advice on them."""

    identifiers: tuple[ChildIdentifier, ...]
    advice: tuple[str, ...]


def identifiers_of(child: Child | None, *, agency: AgencyId, in_production: bool) -> NamedBy:
    """Return by what a child is named.

    Identifying: an NHS number that its sender says was traced *with* a date of birth, and the same agency's own local
    identifier. A number that merely passes its check digit, a name with a date of birth, or any other scheme may only
    suggest. Test numbers (999…) identify nobody in production.
    """
    if child is None:
        return NamedBy((), ())
    found: list[ChildIdentifier] = []
    advice: list[str] = []
    born = read_date(child.date_of_birth)
    if said(child.date_of_birth) is not None and born is None:
        advice.append("date-of-birth-unreadable")
    if said(child.expected_date_of_birth) is not None and read_date(child.expected_date_of_birth) is None:
        advice.append("expected-date-unreadable")
    has_nhs_number = False
    for identifier in child.identifiers:
        scheme, value = said(identifier.scheme), said(identifier.value)
        if value is None:
            continue
        if scheme is None:
            advice.append("identifier-scheme-missing")
            continue
        match scheme.lower().replace(" ", "_").replace("-", "_"):
            case "nhs_number":
                has_nhs_number = True
                found.extend(_nhs(value, is_yes(identifier.traced), born, in_production, advice))
            case "upn":
                if not is_upn(value):
                    advice.append("upn-invalid")
                found.append(ChildIdentifier("upn", value, identifying=False))
            case "local":
                found.append(ChildIdentifier(f"local:{agency}", value, identifying=True))
            case other:
                found.append(ChildIdentifier(other, value, identifying=False))
    if not has_nhs_number:
        advice.append("nhs-number-missing")
    family, given = said(child.family_name), said(child.given_names)
    if family is not None and given is not None and born is not None:
        name = " ".join(f"{given} {family}".casefold().split())
        found.append(ChildIdentifier("name+date_of_birth", f"{name}|{born.isoformat()}", identifying=False))
    return NamedBy(tuple(found), tuple(advice))


def read_date(text: str | None) -> date | None:
    """Return a date written as 2020-03-31, or None when nothing or something else is written."""
    try:
        return date.fromisoformat(said(text) or "")
    except ValueError:
        return None


def _nhs(value: str, traced: bool, born: date | None, in_production: bool, advice: list[str]) -> list[ChildIdentifier]:
    number = read_nhs_number(value)
    if not number.valid:
        advice.append("nhs-number-invalid")
        return []
    if number.test_number and in_production:
        advice.append("nhs-number-is-test")
        return []
    found = [ChildIdentifier("nhs_number", number.value, identifying=False)]
    if traced and born is not None:
        found.append(
            ChildIdentifier("nhs_number+date_of_birth", f"{number.value}|{born.isoformat()}", identifying=True)
        )
    else:
        advice.append("nhs-number-untraced")
    return found
