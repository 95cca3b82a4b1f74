"""Circumstances to judge a record in, without a ledger: an invented agency, nobody known, any moment."""

from datetime import UTC, datetime
from functools import cache

import msgspec

from services.gateway.domain.law import law_of_the_day
from services.gateway.domain.placing import Directories
from services.gateway.domain.planning import Circumstances
from services.gateway.domain.record import HousingNoticeRecord, ShareRecord, WhereaboutsRecord, WithholdingRecord
from shared.canonical_json import Json
from shared.identifiers import AgencyId, AuthorityCode
from shared.ledger.messages import ResolvedChild
from shared.ledger.registry import AgencyFacts
from shared.reference.authorities import load_register
from shared.reference.postcodes import load_postcodes
from shared.reference.rules import RuleBook, load_rules

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
NOBODY = ResolvedChild(None, 0, (), ())


def agency(**facts: str | None) -> AgencyFacts:
    """Return a school of Darlington, with its agreement and policy document, unless said otherwise."""
    said: dict[str, str | None] = {
        "agency": AgencyId("st-hilda-primary"),
        "name": "St Hilda's Primary, Darlington",
        "duty_class": "designated_education_childcare",
        "nation": "England",
        "home_authority": AuthorityCode("E06000005"),
        "agreement": "tees-protocol",
        "policy_document": "policy-2026",
        **facts,
    }
    return msgspec.convert(said, AgencyFacts)


@cache
def directories() -> Directories:
    """Return the reference data, read once."""
    register = load_register()
    return Directories(register, load_postcodes(register))


@cache
def rule_book() -> RuleBook:
    """Return the rules, read once."""
    return load_rules()


def circumstances(
    decided_at: str | None = "2026-11-24T10:50:00Z",
    *,
    of: AgencyFacts | None = None,
    now: datetime = NOW,
    known: ResolvedChild = NOBODY,
) -> Circumstances:
    """Return what a decision of that time is judged in."""
    return Circumstances(
        agency=of if of is not None else agency(),
        known=known,
        directories=directories(),
        now=now,
        law=law_of_the_day(decided_at, now=now),
        book=rule_book(),
        agencies=(AgencyId("linthorpe-surgery"), AgencyId("westminster-housing")),
    )


def as_share(record: dict[str, Json]) -> ShareRecord:
    """Return a share as the gateway decodes it."""
    return msgspec.convert(record, ShareRecord)


def as_withholding(record: dict[str, Json]) -> WithholdingRecord:
    """Return a withholding as the gateway decodes it."""
    return msgspec.convert(record, WithholdingRecord)


def as_whereabouts(record: dict[str, Json]) -> WhereaboutsRecord:
    """Return a report of whereabouts as the gateway decodes it."""
    return msgspec.convert(record, WhereaboutsRecord)


def as_housing_notice(record: dict[str, Json]) -> HousingNoticeRecord:
    """Return a housing notice as the gateway decodes it."""
    return msgspec.convert(record, HousingNoticeRecord)
