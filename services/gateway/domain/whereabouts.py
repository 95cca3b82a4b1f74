"""Planning a report of where a child is: it feeds the detection of moves and moves no responsibility (G14)."""

from services.gateway.domain import judging
from services.gateway.domain.cases import case_of_whereabouts, law_facts
from services.gateway.domain.identity import read_date
from services.gateway.domain.obligations import ObligationBook
from services.gateway.domain.placing import place
from services.gateway.domain.planning import (
    Circumstances,
    Plan,
    ask_a_person_to_place,
    compare_with_similar,
    note_placed,
    notify_of_private_fostering,
)
from services.gateway.domain.record import WhereaboutsRecord, is_about_somebody, is_somewhere, said
from services.gateway.domain.sharing import NobodyAndNowhere
from shared.reference.rules import RecordKind
from shared.vocabulary import AuthorityRole, EntryType

PERMANENCE = {"permanent", "temporary"}


def check_readable(record: WhereaboutsRecord) -> None:
    """Raise NobodyAndNowhere when a report is about nobody, or about nowhere."""
    if not is_about_somebody(record.child) or record.where is None or not is_somewhere(record.where.place()):
        raise NobodyAndNowhere(
            "a report of whereabouts needs a child and a place",
            remedy="Give anything you have of both: a name or identifier, and an address, postcode or authority.",
        )


def plan_whereabouts(record: WhereaboutsRecord, circumstances: Circumstances) -> Plan:
    """Return the record of where a child is. A place that nobody can place is put to a person."""
    plan = Plan(EntryType.WHEREABOUTS_REPORTED, RecordKind.WHEREABOUTS, ObligationBook(circumstances.now))
    case = case_of_whereabouts(record, circumstances)
    judgement = judging.judge(case, circumstances.rules_for(RecordKind.WHEREABOUTS))
    plan.advice.extend(judgement.advice)
    role = _role(plan, record)
    placed = place(
        record.where.place() if record.where else None,
        directories=circumstances.directories,
        on=circumstances.today,
    )
    note_placed(plan, placed, role)
    permanence = (said(record.permanence) or "").lower()
    since = read_date(record.since)
    plan.facts = {
        "role": role.value,
        "permanence": permanence if permanence in PERMANENCE else "not_known",
        "since": since.isoformat() if since is not None else None,
        **law_facts(case),
    }
    if judging.PRIVATE_FOSTERING in judgement.advice:
        notify_of_private_fostering(plan, circumstances)
    if placed.authority is None:
        ask_a_person_to_place(plan, circumstances)
    plan.acted_on = {"role": role.value}
    compare_with_similar(plan, circumstances)
    return plan


def _role(plan: Plan, record: WhereaboutsRecord) -> AuthorityRole:
    given = said(record.where.role) if record.where else None
    try:
        return AuthorityRole((given or AuthorityRole.LIVING_AT).lower())
    except ValueError:
        plan.advice.append("role-unknown")
        return AuthorityRole.LIVING_AT
