"""What the operator says of an agency, checked and turned into the facts that go on record."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date

import msgspec

from shared.errors import InvalidInput
from shared.identifiers import AuthorityCode, parse_agency_id, parse_recipient
from shared.ledger.registry import AgencyFacts
from shared.reference.authorities import AuthorityRegister
from shared.vocabulary import AgencyRole, DutyClass


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms an agency takes part: from when to when its papers hold, how often it may ask, where it is called.

    Days are ISO dates. Nothing said is nothing on record, but for the rate limit, which is then the gateway's own.
    """

    agreement_from: str | None = None
    agreement_until: str | None = None
    policy_document_from: str | None = None
    policy_document_until: str | None = None
    policy_document_review: str | None = None
    requests_per_minute: int | None = None
    telephone: str | None = None
    out_of_hours_telephone: str | None = None

    def said(self) -> dict[str, str | int]:
        """Return what is said, by the names that the facts have."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def agency_facts(said: Mapping[str, object], *, register: AuthorityRegister, on: date) -> AgencyFacts:
    """Return the facts of a registration, its home authority taken to the code in force on a day.

    Raises InvalidInput, saying which, when the id, duty class, home authority, ``acts_for`` or a role is not one. The
    ledger judges dates and numbers.
    """
    duty_class, home, acts_for = said.get("duty_class"), said.get("home_authority"), said.get("acts_for")
    if duty_class not in {each.value for each in DutyClass}:
        raise InvalidInput(
            f"{duty_class!r} is no duty class", remedy="Use one of: " + ", ".join(each.value for each in DutyClass)
        )
    code = authority_code(str(home), register=register, on=on) if home is not None else None
    checked: dict[str, object] = {
        **said,
        "agency": parse_agency_id(str(said.get("agency"))),
        "home_authority": code,
        "nation": register.nation_of(code) if code is not None else "England",
        "acts_for": parse_recipient(str(acts_for)) if acts_for is not None else None,
    }
    try:
        facts = msgspec.convert(checked, AgencyFacts)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"that is no registration of an agency: {error}") from error
    _check_roles(facts.roles)
    return facts


def authority_code(text: str, *, register: AuthorityRegister, on: date) -> AuthorityCode:
    """Return the authority that a code or a name is on a day. Raises InvalidInput when it is none, or several."""
    resolution = register.resolve(text, on=on)
    if resolution.single is None:
        raise InvalidInput(
            f"{text!r} is no authority with children's-services responsibility ({resolution.kind})",
            remedy="Give its GSS code, such as E06000005, or its exact name.",
        )
    return resolution.single


def _check_roles(roles: Sequence[str]) -> None:
    known = [role.value for role in AgencyRole]
    unknown = next((role for role in roles if role not in known), None)
    if unknown is not None:
        raise InvalidInput(f"{unknown!r} is no role", remedy="Use: " + ", ".join(known))
