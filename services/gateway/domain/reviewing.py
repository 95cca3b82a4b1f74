"""Planning the review of a withholding: it is confirmed for a reason that is one, or the information is to be shared.

A review by somebody named, for a reason that is one, settles everything that was put to anybody because of the
withholding. A reason that is none is challenged again and settles nothing; a decision to share settles when the share
is there and names the withholding.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.gateway.domain import judging
from services.gateway.domain.amendment import WithholdingReviewRecord
from services.gateway.domain.cases import case_of_withholding, is_named, law_facts
from services.gateway.domain.obligations import ObligationBook
from services.gateway.domain.planning import Circumstances, Plan
from services.gateway.domain.record import Concern, WithholdingRecord, said
from services.gateway.domain.rules.case import UNKNOWN
from services.gateway.domain.rules.indicators import KNOWN
from services.gateway.domain.withholding import escalate, review_due_on
from shared.entries import Obligation
from shared.identifiers import AgencyId, EntryId, ObligationId, agency_recipient
from shared.reference.rules import RecordKind
from shared.telling import ESCALATION_QUEUE, SECOND_DECISION_QUEUE
from shared.vocabulary import EntryType, Urgency

CONFIRMED, TO_BE_SHARED = "confirmed", "to_be_shared"
DECISIONS = {"confirm": CONFIRMED, "share": TO_BE_SHARED}


@dataclass(frozen=True, slots=True)
class Withheld:
    """A withholding as its last correction or review left it: its reasons and indicators, and what is put to whom."""

    entry: EntryId
    agency: AgencyId
    reasons: tuple[str, ...]
    indicators: tuple[str, ...]
    owed: tuple[Obligation, ...]

    def settled(self) -> list[ObligationId]:
        """Return what a decision settles: what was put to the agency itself, a second decision-maker, or escalated."""
        return settled_by_a_decision(self.owed, self.agency)


def settled_by_a_decision(owed: Iterable[Obligation], agency: AgencyId) -> list[ObligationId]:
    """Return which obligations a decision about an agency's withholding settles."""
    theirs = (agency_recipient(agency), SECOND_DECISION_QUEUE, ESCALATION_QUEUE)
    return [each.id for each in owed if each.recipient in theirs]


def plan_review(record: WithholdingReviewRecord, circumstances: Circumstances, withheld: Withheld) -> Plan:
    """Return what a review records, what it settles, and the challenge it meets. Never refuses."""
    plan = Plan(EntryType.WITHHOLDING_REVIEWED, RecordKind.WITHHOLDING, ObligationBook(circumstances.now))
    decision = _decision(plan, record.decision)
    # What was observed stays so; what was never asked for in a review is not missing from it.
    as_if = WithholdingRecord(
        practitioner=record.practitioner,
        concern=Concern(indicators=(*withheld.indicators, *(record.concern.indicators if record.concern else ()))),
        reasons=record.reasons or withheld.reasons,
        rationale=record.rationale,
        review_on=record.review_on,
        decided_at=record.decided_at,
    )
    case = case_of_withholding(as_if, circumstances, has_plan=False)
    judgement = judging.judge(case, circumstances.rules_for(RecordKind.WITHHOLDING))
    due_on = review_due_on(case, today=circumstances.today).isoformat()
    plan.facts = {
        "decision": decision,
        "reasons": list(case.reasons),
        "indicators": [code for code in KNOWN if code in case.indicators],
        "review_on": case.review_on.isoformat() if case.review_on is not None else None,
        "review_due_on": due_on,
        "settles": [],
        **law_facts(case),
    }
    if decision == TO_BE_SHARED:
        plan.advice.append("share-still-to-come")
    else:
        # Of escalations nothing more is said: this is the decision that they asked for.
        plan.advice.extend(code for code in judgement.advice if code not in judgement.escalations)
        plan.challenges.extend(judgement.challenges)
        if plan.challenges:
            escalate(plan, circumstances, case, within=judgement.within or Urgency.ONE_WORKING_DAY)
    plan.facts |= {"challenged": bool(plan.challenges), "challenges": list(plan.challenges)}
    if decision == CONFIRMED and not plan.challenges and is_named(record.practitioner):
        plan.facts["settles"] = withheld.settled()
    plan.acted_on = {
        "decision": decision,
        "settled": bool(plan.facts["settles"]),
        "review_due_on": due_on,
        "record": withheld.entry,
    }
    plan.answers_as = "withholding_review"
    return plan


def known_codes(given: object) -> tuple[str, ...]:
    """Return the codes of a list in an entry's facts."""
    return tuple(each for each in given if isinstance(each, str)) if isinstance(given, Sequence) else ()


def _decision(plan: Plan, text: str | None) -> str | None:
    given = said(text)
    if given is None:
        plan.advice.append("review-decision-missing")
        return None
    decision = DECISIONS.get(given.lower())
    if decision is None:
        plan.advice.append("amendment-code-unknown")
        return UNKNOWN
    return decision
