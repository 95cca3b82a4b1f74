"""Making a case for the rules out of a record: its codes and dates, and what the entry's clear part may say of them."""

from datetime import date

from services.gateway.domain import judging
from services.gateway.domain.identity import read_date
from services.gateway.domain.planning import Circumstances
from services.gateway.domain.record import (
    CareArrangement,
    Child,
    Concern,
    Consent,
    HousingNoticeRecord,
    Person,
    ShareRecord,
    WhereaboutsRecord,
    WithholdingRecord,
    is_somewhere,
    said,
)
from services.gateway.domain.replying import read_reply
from services.gateway.domain.rules.basis import ARTICLE_6, CONDITIONS
from services.gateway.domain.rules.care import CareOfChild
from services.gateway.domain.rules.case import UNKNOWN, Case, ConsentAsGiven, LevelAsGiven, overall
from services.gateway.domain.rules.housing import AGREEMENT, MAY_AGREE
from services.gateway.domain.rules.indicators import indicators_of
from services.gateway.domain.rules.saying import REASONS_NOT_INFORMED
from services.gateway.domain.said import Answered, YesNo, answered, is_yes, may_be
from shared.reference.rules import RecordKind
from shared.vocabulary import ConsentStatus, Level, NoConsentReason, WithholdReason

_CONSENT = frozenset(each.value for each in ConsentStatus)
_NO_CONSENT = frozenset(each.value for each in NoConsentReason)
_REASONS = frozenset(each.value for each in WithholdReason)


def case_of_share(record: ShareRecord, circumstances: Circumstances) -> Case:
    """Return a share as the rules see it."""
    child, concern = record.child, record.concern
    consents = tuple(_consent(each) for each in record.consents())
    consent = overall(consents)
    informed, basis = record.family_informed, record.lawful_basis
    on = circumstances.law.on
    return Case(
        kind=RecordKind.SHARE,
        agency=circumstances.agency,
        law=circumstances.law,
        in_duty=_in_duty(RecordKind.SHARE, circumstances),
        practitioner_named=is_named(record.practitioner),
        format_known=_is_known(record.format, RecordKind.SHARE),
        rationale_given=said(record.rationale) is not None,
        observation_given=concern is not None and said(concern.seen_or_said) is not None,
        where_it_happened_given=is_somewhere(record.place) or (child is not None and is_somewhere(child.found_at)),
        possible_crime=concern is not None and may_be(concern.possible_crime),
        level=level_of(concern),
        consent=consent.status,
        no_consent_reason=consent.no_consent_reason,
        consents=consents,
        family_informed=_informed(informed.informed if informed else None),
        reason_not_informed=code_of(informed.reason_not_informed if informed else None, REASONS_NOT_INFORMED),
        article_6=code_of(basis.article_6 if basis else None, ARTICLE_6),
        condition=code_of(basis.condition if basis else None, CONDITIONS),
        indicators=frozenset(indicators_of(concern, born=_born(child), on=on)),
        care=care_of(child),
    )


def case_of_withholding(record: WithholdingRecord, circumstances: Circumstances, *, has_plan: bool) -> Case:
    """Return a withholding as the rules see it; ``has_plan``: the record or the ledger knows of an active plan."""
    on = circumstances.law.on
    indicators = indicators_of(record.concern, born=_born(record.child), on=on)
    given = [code_of(text, _REASONS) for text in record.reasons]
    reply = read_reply(record.reply_to_requester)
    return Case(
        kind=RecordKind.WITHHOLDING,
        agency=circumstances.agency,
        law=circumstances.law,
        in_duty=_in_duty(RecordKind.WITHHOLDING, circumstances),
        practitioner_named=is_named(record.practitioner),
        format_known=_is_known(record.format, RecordKind.WITHHOLDING),
        rationale_given=said(record.rationale) is not None,
        review_given=read_date(record.review_on) is not None,
        review_on=read_date(record.review_on),
        requested=record.requested_by is not None,
        replied=reply.in_writing,
        reply_complete=reply.complete,
        possible_crime=record.concern is not None and may_be(record.concern.possible_crime),
        reasons=tuple(dict.fromkeys(reason for reason in given if reason is not None)),
        indicators=frozenset((*indicators, "active_plan") if has_plan else indicators),
        care=care_of(record.child),
    )


def case_of_whereabouts(record: WhereaboutsRecord, circumstances: Circumstances) -> Case:
    """Return a report of whereabouts as the rules see it."""
    return Case(
        kind=RecordKind.WHEREABOUTS,
        agency=circumstances.agency,
        law=circumstances.law,
        in_duty=_in_duty(RecordKind.WHEREABOUTS, circumstances),
        practitioner_named=is_named(record.practitioner),
        format_known=_is_known(record.format, RecordKind.WHEREABOUTS),
        care=care_of(record.child),
    )


def case_of_housing_notice(record: HousingNoticeRecord, circumstances: Circumstances) -> Case:
    """Return a housing notice as the rules see it."""
    agreement = record.agreement
    return Case(
        kind=RecordKind.HOUSING_NOTICE,
        agency=circumstances.agency,
        law=circumstances.law,
        in_duty=_in_duty(RecordKind.HOUSING_NOTICE, circumstances),
        practitioner_named=is_named(record.practitioner),
        format_known=_is_known(record.format, RecordKind.HOUSING_NOTICE),
        care=care_of(record.child),
        agreed=code_of(agreement.status if agreement else None, AGREEMENT),
        agreed_by=code_of(agreement.by if agreement else None, MAY_AGREE),
        recipients_named=bool(record.tell),
        placed_by_named=said(record.placed_by) is not None,
    )


def law_facts(case: Case) -> dict[str, object]:
    """Return how a decision was judged, for the entry: by which day's law, whether that is the decision's own day."""
    return {
        "decided_at": case.law.decided_at,
        "law_as_at": case.law.on.isoformat(),
        "law_of": "decision" if case.law.is_of_the_decision else "today",
        "regime": judging.regime(case),
    }


def level_of(concern: Concern | None) -> LevelAsGiven:
    """Return the level to act on: an unknown or missing one is taken for the most urgent."""
    given = said(concern.level) if concern is not None else None
    if given is None:
        return LevelAsGiven(Level.IMMEDIATE_DANGER, "missing")
    try:
        level = Level(given.lower())
    except ValueError:
        return LevelAsGiven(Level.IMMEDIATE_DANGER, UNKNOWN)
    if concern is not None and may_be(concern.immediate_danger):
        level = Level.IMMEDIATE_DANGER
    return LevelAsGiven(level)


def care_of(child: Child | None) -> CareOfChild | None:
    """Return who cares for a child, as the record says it: what the ledger knows is not told by a rule."""
    if child is None:
        return None
    arrangement = child.care_arrangement or CareArrangement()
    carer = said(arrangement.carer)
    return CareOfChild(
        born=_born(child),
        disabled=is_yes(child.disabled),
        looked_after=said(child.looked_after_by) is not None,
        carer=carer.lower() if carer is not None else None,
        since=read_date(arrangement.since),
        until=read_date(arrangement.until),
        days=_days(arrangement.days),
        emergency=is_yes(arrangement.emergency),
    )


def is_named(practitioner: Person | None) -> bool:
    """Return whether a record says who decided, and in which role."""
    return practitioner is not None and said(practitioner.name) is not None and said(practitioner.role) is not None


def code_of(text: str | None, known: frozenset[str]) -> str | None:
    """Return a code of a list, ``unknown`` for what is none of it, None for nothing."""
    given = said(text)
    if given is None:
        return None
    return given if given in known else given.lower() if given.lower() in known else UNKNOWN


def _consent(consent: Consent) -> ConsentAsGiven:
    return ConsentAsGiven(code_of(consent.status, _CONSENT), code_of(consent.no_consent_reason, _NO_CONSENT))


def _is_known(record_format: str | None, kind: RecordKind) -> bool:
    return said(record_format) in (None, f"safeguarding-exchange/{kind.value.replace('_', '-')}/v1")


def _born(child: Child | None) -> date | None:
    return read_date(child.date_of_birth) if child is not None else None


def _in_duty(kind: RecordKind, circumstances: Circumstances) -> bool:
    return judging.in_duty(circumstances.rules_for(kind))


def _informed(informed: YesNo) -> str:
    match answered(informed):
        case Answered.YES | Answered.NO as known:
            return known.value
        case _:
            return "not_known"


def _days(days: int | str | None) -> int | None:
    if isinstance(days, int):
        return days
    text = said(days) or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
