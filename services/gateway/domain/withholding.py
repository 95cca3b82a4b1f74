"""Planning a withholding: always recorded; when its reason is no reason, challenged (G10)."""

from services.gateway.domain import judging
from services.gateway.domain.cases import case_of_withholding, law_facts
from services.gateway.domain.identity import read_date
from services.gateway.domain.obligations import SECOND_DECISION_QUEUE, ObligationBook, deadline_for
from services.gateway.domain.placing import place
from services.gateway.domain.planning import (
    Circumstances,
    Plan,
    compare_with_similar,
    holders,
    note_placed,
    tell_queue,
)
from services.gateway.domain.record import WithholdingRecord, is_about_somebody, is_somewhere
from services.gateway.domain.rules.indicators import KNOWN
from services.gateway.domain.sharing import NobodyAndNowhere
from shared.identifiers import agency_recipient
from shared.reference.rules import RecordKind
from shared.reference.working_days import due_after_hours
from shared.vocabulary import AuthorityRole, EntryType, Urgency

SAME_DAY_HOURS = 4


def check_readable(record: WithholdingRecord) -> None:
    """Raise NobodyAndNowhere when a withholding is about nobody at all."""
    if not is_about_somebody(record.child) and not is_somewhere(record.child.address if record.child else None):
        raise NobodyAndNowhere(
            "the record does not say about whom information is withheld",
            remedy="Give anything you have: a name, a description, an identifier or an address.",
        )


def plan_withholding(record: WithholdingRecord, circumstances: Circumstances) -> Plan:
    """Return the record of a withholding and the challenge it meets, if any. Never refuses."""
    plan = Plan(EntryType.WITHHOLDING_RECORDED, RecordKind.WITHHOLDING, ObligationBook(circumstances.now))
    living = place(
        record.child.address if record.child else None,
        directories=circumstances.directories,
        on=circumstances.now.date(),
    )
    note_placed(plan, living, AuthorityRole.LIVING_AT)
    has_plan = bool(holders(plan, circumstances, record.child))
    case = case_of_withholding(record, circumstances, has_plan=has_plan)
    judgement = judging.judge(case, circumstances.rules_for(RecordKind.WITHHOLDING))
    plan.advice.extend(judgement.advice)
    plan.challenges.extend(judgement.challenges)
    review_on = read_date(record.review_on)
    plan.facts = {
        "reasons": list(case.reasons),
        "challenged": bool(plan.challenges),
        "challenges": list(plan.challenges),
        "indicators": [code for code in KNOWN if code in case.indicators],
        "review_on": review_on.isoformat() if review_on is not None else None,
        "requested": record.requested_by is not None,
        **law_facts(case),
    }
    if plan.challenges:
        _escalate(plan, circumstances, within=judgement.within or Urgency.ONE_WORKING_DAY)
    plan.acted_on = {"challenged": bool(plan.challenges)}
    compare_with_similar(plan, circumstances)
    return plan


def _escalate(plan: Plan, circumstances: Circumstances, *, within: Urgency) -> None:
    """Challenge the agency's safeguarding lead, as fast as the rules say; within the hour, a second person decides."""
    deadline = deadline_for(within, now=circumstances.now, nation=circumstances.agency.nation)
    if within is Urgency.IMMEDIATE:
        tell_queue(plan, circumstances, SECOND_DECISION_QUEUE, reason="withholding_challenged", urgency=within)
    elif within is Urgency.SAME_DAY:
        deadline = due_after_hours(circumstances.now, hours=SAME_DAY_HOURS)
    plan.book.owe(
        agency_recipient(circumstances.agency.agency),
        reason="withholding_challenged",
        urgency=within,
        deadline=deadline,
    )
