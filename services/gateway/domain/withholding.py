"""Planning a withholding: always recorded; when its reason is no reason, challenged (G10)."""

from services.gateway.domain import judging
from services.gateway.domain.identity import read_date
from services.gateway.domain.obligations import SECOND_DECISION_QUEUE, ObligationBook, deadline_for
from services.gateway.domain.placing import place
from services.gateway.domain.planning import (
    Circumstances,
    Plan,
    advise_on_practitioner,
    compare_with_similar,
    holders,
    note_placed,
    tell_queue,
)
from services.gateway.domain.record import WithholdingRecord, is_about_somebody, is_somewhere, said
from services.gateway.domain.sharing import NobodyAndNowhere
from shared.identifiers import agency_recipient
from shared.reference.working_days import due_after_hours
from shared.vocabulary import AuthorityRole, EntryType, Level, Urgency, WithholdReason

FORMAT = "safeguarding-exchange/withholding/v1"

MISCONCEPTIONS = {
    WithholdReason.GDPR: "challenge-gdpr",
    WithholdReason.NO_CONSENT: "challenge-no-consent",
    WithholdReason.NOT_MY_ROLE: "challenge-not-my-role",
    WithholdReason.SOMEONE_ELSE_WILL: "challenge-someone-else-will",
}
"""Reasons that are none, and the challenge that corrects each."""

SAME_DAY_HOURS = 4
_KNOWN_INDICATORS = {"injury", "non_mobile_infant", "under_13_sexual_activity", "active_plan", "significant_harm"}


def check_readable(record: WithholdingRecord) -> None:
    """Raise NobodyAndNowhere when a withholding is about nobody at all."""
    if not is_about_somebody(record.child) and not is_somewhere(record.child.address if record.child else None):
        raise NobodyAndNowhere(
            "the record does not say about whom information is withheld",
            remedy="Give anything you have: a name, a description, an identifier or an address.",
        )


def plan_withholding(record: WithholdingRecord, circumstances: Circumstances) -> Plan:
    """Return the record of a withholding and the challenge it meets, if any. Never refuses."""
    plan = Plan(EntryType.WITHHOLDING_RECORDED, "withholding", ObligationBook(circumstances.now))
    advise_on_practitioner(plan, record.practitioner)
    if said(record.format) not in (None, FORMAT):
        plan.advice.append("format-unknown")
    reasons = _reasons(plan, record)
    indicators = _indicators(record)
    review_on = read_date(record.review_on)
    if review_on is None:
        plan.advice.append("review-date-missing")
    decided_at, decided_advice = judging.read_moment(record.decided_at)
    plan.advice.extend(decided_advice)
    living = place(
        record.child.address if record.child else None,
        directories=circumstances.directories,
        on=circumstances.now.date(),
    )
    note_placed(plan, living, AuthorityRole.LIVING_AT)
    holds = holders(plan, circumstances, record.child)
    if holds and "active_plan" not in indicators:
        indicators = (*indicators, "active_plan")
    plan.facts = {
        "reasons": list(reasons),
        "challenged": bool(plan.challenges),
        "challenges": list(plan.challenges),
        "indicators": list(indicators),
        "review_on": review_on.isoformat() if review_on is not None else None,
        "requested": record.requested_by is not None,
        "decided_at": decided_at,
    }
    if plan.challenges:
        _escalate(plan, circumstances, indicators)
    plan.acted_on = {"challenged": bool(plan.challenges)}
    compare_with_similar(plan, circumstances)
    return plan


def _reasons(plan: Plan, record: WithholdingRecord) -> tuple[str, ...]:
    """Return the reasons as codes, adding a challenge for each that is none."""
    reasons: list[str] = []
    for text in record.reasons:
        given = said(text)
        if given is None:
            continue
        try:
            reason = WithholdReason(given.lower())
        except ValueError:
            reasons.append(judging.UNKNOWN)
            plan.challenges.append("challenge-reason-unknown")
            continue
        reasons.append(reason.value)
        if reason in MISCONCEPTIONS:
            plan.challenges.append(MISCONCEPTIONS[reason])
    if not reasons:
        plan.challenges.append("challenge-reason-missing")
    if said(record.rationale) is None:
        plan.challenges.append("challenge-rationale-missing")
    return tuple(dict.fromkeys(reasons))


def _indicators(record: WithholdingRecord) -> tuple[str, ...]:
    concern = record.concern
    if concern is None:
        return ()
    given = [text.lower() for text in concern.indicators if text.lower() in _KNOWN_INDICATORS]
    level = (said(concern.level) or "").lower()
    if level in (Level.SIGNIFICANT_HARM, Level.IMMEDIATE_DANGER) or concern.immediate_danger is True:
        given.append("significant_harm")
    return tuple(dict.fromkeys(given))


def _escalate(plan: Plan, circumstances: Circumstances, indicators: tuple[str, ...]) -> None:
    """Challenge the agency's safeguarding lead, as fast as what was observed demands.

    Within the hour, and to a second decision-maker, for an injury to a non-mobile infant, sexual activity under 13 or
    an active plan; the same day for any indicator of significant harm; else within a working day.
    """
    within_the_hour = (
        {"injury", "non_mobile_infant"} <= set(indicators)
        or "under_13_sexual_activity" in indicators
        or "active_plan" in indicators
    )
    if within_the_hour:
        urgency, deadline = Urgency.IMMEDIATE, due_after_hours(circumstances.now, hours=1)
        plan.advice.append("second-decision-maker")
        tell_queue(
            plan, circumstances, SECOND_DECISION_QUEUE, reason="withholding_challenged", urgency=Urgency.IMMEDIATE
        )
    elif indicators:
        urgency, deadline = Urgency.SAME_DAY, due_after_hours(circumstances.now, hours=SAME_DAY_HOURS)
    else:
        urgency = Urgency.ONE_WORKING_DAY
        deadline = deadline_for(urgency, now=circumstances.now, nation=circumstances.agency.nation)
    plan.book.owe(
        agency_recipient(circumstances.agency.agency),
        reason="withholding_challenged",
        urgency=urgency,
        deadline=deadline,
    )
