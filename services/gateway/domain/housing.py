"""Planning a housing notice: it rests on agreement, tells no children's social care, and is no safeguarding share.

Housing Act 1996 s.213AA: once per application, within 14 days, to the general practice, health visiting and school.
What is refused here says nothing of any concern: a share about the same child goes its own way, whatever was agreed.
"""

from services.gateway.domain import judging
from services.gateway.domain.cases import case_of_housing_notice, law_facts
from services.gateway.domain.identity import read_date
from services.gateway.domain.obligations import ObligationBook
from services.gateway.domain.placing import place
from services.gateway.domain.planning import Circumstances, Plan, compare_with_similar
from services.gateway.domain.record import HousingNoticeRecord, HousingRecipient, is_about_somebody, said
from services.gateway.domain.rules.case import Case
from services.gateway.domain.rules.housing import DAYS, may_tell
from services.gateway.domain.sharing import NobodyAndNowhere
from shared.identifiers import AgencyId, Recipient, agency_recipient
from shared.reference.rules import RecordKind
from shared.reference.working_days import due_after_calendar_days
from shared.telling import CLOCK_START, HOUSING_QUEUE
from shared.vocabulary import WITHOUT_DETAIL, EntryType, Urgency

KINDS = {"gp", "health_visiting", "school"}


def check_readable(record: HousingNoticeRecord) -> None:
    """Raise NobodyAndNowhere when a notice is about nobody."""
    if not is_about_somebody(record.child):
        raise NobodyAndNowhere(
            "the notice does not say which child it is about",
            remedy="Give anything you have: a name, a description or an identifier.",
        )


def plan_housing_notice(record: HousingNoticeRecord, circumstances: Circumstances) -> Plan:
    """Return the record of a notice and whom it tells: those named, if it was agreed; never children's social care."""
    plan = Plan(EntryType.HOUSING_NOTICE_RECORDED, RecordKind.HOUSING_NOTICE, ObligationBook(circumstances.now))
    case = case_of_housing_notice(record, circumstances)
    plan.advice.extend(judging.judge(case, circumstances.rules_for(RecordKind.HOUSING_NOTICE)).advice)
    # Where the accommodation lies is told in outline; what cannot be placed needs nobody to place it.
    placed = place(record.accommodation, directories=circumstances.directories, on=circumstances.today)
    told = may_tell(case)
    plan.facts = {
        "agreed": case.agreed,
        "agreed_by": case.agreed_by,
        "recipients_as_given": len(record.tell),
        "area": placed.authority,
        **law_facts(case),
    }
    plan.acted_on = {"agreed": told, "area": placed.authority}
    if told:
        _tell_those_named(plan, record, circumstances, case)
    _tell_who_placed(plan, record, circumstances)
    compare_with_similar(plan, circumstances)
    return plan


def _tell_those_named(plan: Plan, record: HousingNoticeRecord, circumstances: Circumstances, case: Case) -> None:
    today = circumstances.today
    agreed_on = read_date(record.agreement.on) if record.agreement is not None else None
    usable = agreed_on is not None and agreed_on <= max(today, case.law.on)
    start = agreed_on if agreed_on is not None and usable else today
    for each in record.tell or (HousingRecipient(),):
        kind = (said(each.kind) or "").lower()
        plan.book.owe(
            _recipient(each.agency, circumstances) or HOUSING_QUEUE,
            reason=f"housing_notice_{kind}" if kind in KINDS else "housing_notice",
            urgency=Urgency.ROUTINE,
            deadline=due_after_calendar_days(start, days=DAYS),
            clock_start="agreed" if usable else CLOCK_START,
        )


def _tell_who_placed(plan: Plan, record: HousingNoticeRecord, circumstances: Circumstances) -> None:
    """Let the placing authority see that the child moved, and into which area: never into which accommodation."""
    named = said(record.placed_by)
    if named is None or named == circumstances.agency.agency:
        return
    plan.book.owe(
        _recipient(named, circumstances) or HOUSING_QUEUE,
        reason=WITHOUT_DETAIL,
        urgency=Urgency.ROUTINE,
        deadline=due_after_calendar_days(circumstances.today, days=DAYS),
    )


def _recipient(agency: str | None, circumstances: Circumstances) -> Recipient | None:
    named = said(agency)
    if named is None or named not in circumstances.agencies:
        return None
    return agency_recipient(AgencyId(named))
