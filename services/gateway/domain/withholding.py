"""Planning a withholding: always recorded; when its reason is no reason, challenged and put to others (G10).

Nothing that is withheld works outside the agency that withholds it: its places route nobody's share and show no move,
so that nobody else can tell *withheld* from *nothing held*.
"""

from datetime import date, timedelta

from services.gateway.domain import judging
from services.gateway.domain.cases import case_of_withholding, law_facts
from services.gateway.domain.obligations import ObligationBook
from services.gateway.domain.planning import Circumstances, Plan, compare_with_similar
from services.gateway.domain.record import WithholdingRecord, is_about_somebody, is_somewhere, said
from services.gateway.domain.replying import read_reply
from services.gateway.domain.rules.case import Case
from services.gateway.domain.rules.indicators import KNOWN
from services.gateway.domain.rules.withheld import ADVICE_WITHIN, LONGEST_REVIEW, rests_on_a_misconception
from services.gateway.domain.sharing import NobodyAndNowhere
from shared.identifiers import agency_recipient
from shared.reference.rules import RecordKind
from shared.telling import SECOND_DECISION_QUEUE, deadline_for, on_the_same_day
from shared.vocabulary import AuthorityRole, EntryType, Urgency, WithholdReason

REVIEW_AFTER = timedelta(days=30)
"""When a withholding that names no day is reviewed."""

CHALLENGED = "withholding_challenged"
ESCALATED = "withheld_despite_harm"


def check_readable(record: WithholdingRecord) -> None:
    """Raise NobodyAndNowhere when a withholding is about nobody at all."""
    if not is_about_somebody(record.child) and not is_somewhere(record.child.address if record.child else None):
        raise NobodyAndNowhere(
            "the record does not say about whom information is withheld",
            remedy="Give anything you have: a name, a description, an identifier or an address.",
        )


def plan_withholding(record: WithholdingRecord, circumstances: Circumstances) -> Plan:
    """Return the record of a withholding, the challenge it meets, and who must look at it again. Never refuses."""
    plan = Plan(EntryType.WITHHOLDING_RECORDED, RecordKind.WITHHOLDING, ObligationBook(circumstances.now))
    case = case_of_withholding(record, circumstances, has_plan=_has_plan(record, circumstances))
    judgement = judging.judge(case, circumstances.rules_for(RecordKind.WITHHOLDING))
    plan.advice.extend(judgement.advice)
    plan.challenges.extend(judgement.challenges)
    reply = read_reply(record.reply_to_requester)
    due_on = review_due_on(case, today=circumstances.today).isoformat()
    plan.facts = {
        "reasons": list(case.reasons),
        "challenged": bool(plan.challenges),
        "challenges": list(plan.challenges),
        "indicators": [code for code in KNOWN if code in case.indicators],
        "review_on": case.review_on.isoformat() if case.review_on is not None else None,
        "review_due_on": due_on,
        "requested": case.requested,
        "replied_in_writing": case.replied,
        "replied_at": reply.at,
        "reply_means": reply.means,
        **law_facts(case),
    }
    if judgement.within is not None:
        escalate(plan, circumstances, case, within=judgement.within)
    plan.acted_on = {"challenged": bool(plan.challenges), "review_due_on": due_on}
    compare_with_similar(plan, circumstances)
    return plan


def escalate(plan: Plan, circumstances: Circumstances, case: Case, *, within: Urgency) -> None:
    """Put a withholding to the agency's safeguarding lead and, unless only a form is unfilled, to a second person.

    Within the hour for what brooks no delay, the same day for any other indicator of harm, else one working day.
    """
    deadline = deadline_for(within, now=circumstances.now, nation=circumstances.agency.nation)
    if within is Urgency.SAME_DAY:
        deadline = on_the_same_day(circumstances.now)
    recipients = [agency_recipient(circumstances.agency.agency)]
    if case.indicators or rests_on_a_misconception(case):
        recipients.append(SECOND_DECISION_QUEUE)
    for recipient in recipients:
        plan.book.owe(recipient, reason=CHALLENGED if plan.challenges else ESCALATED, urgency=within, deadline=deadline)


def review_due_on(case: Case, *, today: date) -> date:
    """Return on which day a withholding is to be reviewed: the day named, within bounds; else 30 days from now."""
    longest = ADVICE_WITHIN if WithholdReason.AWAITING_ADVICE.value in case.reasons else LONGEST_REVIEW
    named = case.review_on if case.review_on is not None else today + min(REVIEW_AFTER, longest)
    return min(named, today + longest)


def _has_plan(record: WithholdingRecord, circumstances: Circumstances) -> bool:
    """Return whether the record, or what others told of the child, says that an authority holds a plan for it."""
    named = record.child is not None and said(record.child.plan_held_by) is not None
    return named or any(fact.role == AuthorityRole.PLAN_HELD_BY for fact in circumstances.known.roles)
