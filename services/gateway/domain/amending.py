"""Planning an amendment: whoever was told is told of it, and a correction is routed anew, only ever adding recipients.

UK GDPR Art 19: every recipient to whom a record was disclosed hears of its correction. Nothing is rewritten.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from services.gateway.domain.amendment import (
    Amendment,
    ConsentWithdrawalRecord,
    DisputeRecord,
    RetractionRecord,
    ShareCorrectionRecord,
    WhereaboutsCorrectionRecord,
    WithholdingCorrectionRecord,
    WithholdingReviewRecord,
)
from services.gateway.domain.cases import is_named
from services.gateway.domain.law import TimeGiven
from services.gateway.domain.obligations import URGENCY_OF, ObligationBook, more_urgent
from services.gateway.domain.planning import Circumstances, Plan
from services.gateway.domain.record import (
    Child,
    Concern,
    Person,
    ShareRecord,
    WhereaboutsRecord,
    WithholdingRecord,
    is_somewhere,
    said,
)
from services.gateway.domain.reviewing import Withheld, plan_review
from services.gateway.domain.rules.case import UNKNOWN
from services.gateway.domain.sharing import NothingSaid, plan_share
from services.gateway.domain.whereabouts import plan_whereabouts
from services.gateway.domain.withholding import plan_withholding
from shared.errors import IntegrityFailure, NotPermitted
from shared.identifiers import AgencyId, AuthorityCode, EntryId, Recipient, agency_recipient
from shared.ledger.registry import AgencyFacts
from shared.reference.rules import RecordKind
from shared.telling import deadline_for
from shared.vocabulary import EntryType, Level, Urgency

RETRACTION_REASONS = {"wrong_child", "entered_in_error", "duplicate", "not_true"}
SPEAKERS = {"child", "parent_or_carer", "family_member", "agency"}
CONSENTERS = {"child", "parent_or_carer"}
_REASONS = {
    EntryType.RECORD_CORRECTED: "corrects_what_you_were_told",
    EntryType.RECORD_RETRACTED: "retracts_what_you_were_told",
    EntryType.RECORD_DISPUTED: "disputes_what_you_were_told",
    EntryType.CONSENT_WITHDRAWN: "consent_withdrawn_for_what_you_were_told",
}
_ANSWERS_AS = {
    EntryType.RECORD_CORRECTED: "correction",
    EntryType.RECORD_RETRACTED: "retraction",
    EntryType.RECORD_DISPUTED: "dispute",
    EntryType.CONSENT_WITHDRAWN: "consent_withdrawal",
}
YOUR_RECORD = "your_record"

Whole = TypeVar("Whole", ShareRecord, WithholdingRecord, WhereaboutsRecord)


class NotYourRecord(NotPermitted):
    """The record is another agency's, and this one was not told of it."""

    code = "not-your-record"


@dataclass(frozen=True, slots=True)
class Amended:
    """The record that an amendment is about: its kind, who made it, its level as acted on, and who was told of it.

    ``retracted`` says that it has been taken back already; ``withheld`` is what a review has to go by, when it is a
    withholding.
    """

    entry: EntryId
    kind: RecordKind
    agency: AgencyId | None
    level: Level | None
    told: tuple[Recipient, ...]
    withheld: Withheld | None = None
    retracted: bool = False


AmendmentPlanner = Callable[[Circumstances, Amended], Plan]
"""Works out a plan for an amendment; called again when what is known of the child has moved on."""


def check_may_amend(entry_type: EntryType, agency: AgencyFacts, amended: Amended) -> None:
    """Raise NotYourRecord unless an agency may say this of the record.

    Only who made it corrects it or takes it back. Whoever was told may pass on that it is disputed, or that consent for
    it was withdrawn: a child or a family says so to whom they meet.
    """
    if agency.agency == amended.agency:
        return
    was_told = agency.acts_for in amended.told or agency_recipient(agency.agency) in amended.told
    if was_told and entry_type in (EntryType.RECORD_DISPUTED, EntryType.CONSENT_WITHDRAWN):
        return
    raise NotYourRecord("the record is another agency's", remedy="Whoever was told of it can dispute it.")


def check_readable(record: Amendment) -> None:
    """Raise NothingSaid when a correction changes nothing, or a dispute says nothing."""
    match record:
        case ShareCorrectionRecord():
            empty = record.record is None and record.members is None
        case WithholdingCorrectionRecord() | WhereaboutsCorrectionRecord():
            empty = record.record is None
        case DisputeRecord():
            empty = said(record.statement) is None and said(record.disputed) is None
        case _:
            empty = False
    if empty:
        raise NothingSaid("the amendment does not say what is changed or disputed", remedy="See docs/api.md.")


def child_of(record: Amendment) -> Child | None:
    """Return the child as an amendment describes it; None when it does not."""
    match record:
        case ShareCorrectionRecord():
            whole = record.record or record.members
            return whole.child if whole is not None else None
        case WithholdingCorrectionRecord() | WhereaboutsCorrectionRecord():
            return record.record.child if record.record is not None else None
        case _:
            return None


def plan_amendment(record: Amendment, circumstances: Circumstances, amended: Amended) -> Plan:
    """Return what an amendment records and who is told of it. Never refuses."""
    match record:
        case ShareCorrectionRecord():
            plan = _plan_share_correction(record, circumstances, amended)
        case WithholdingCorrectionRecord() | WhereaboutsCorrectionRecord():
            plan = _plan_correction(record, circumstances, amended)
        case RetractionRecord():
            plan = _empty_plan(EntryType.RECORD_RETRACTED, circumstances, amended)
            plan.facts["reason"] = _code(plan, record.reason, RETRACTION_REASONS)
            plan.advice.append("retraction-record-stands")
        case DisputeRecord():
            plan = _empty_plan(EntryType.RECORD_DISPUTED, circumstances, amended)
            plan.facts["on_behalf_of"] = _code(plan, record.on_behalf_of, SPEAKERS)
        case WithholdingReviewRecord():
            # Told to nobody: whoever it was put to is who decides here.
            return plan_review(record, circumstances, _withheld(amended))
        case ConsentWithdrawalRecord():
            plan = _empty_plan(EntryType.CONSENT_WITHDRAWN, circumstances, amended)
            plan.facts["whose"] = _code(plan, record.whose, CONSENTERS)
            plan.advice.append("consent-withdrawn-share-stands")
    plan.answers_as = _ANSWERS_AS[plan.type]
    if amended.retracted:
        plan.advice.append("retracted-before")
    if not is_named(record.practitioner):
        plan.advice.append("practitioner-missing")
    if isinstance(record, DisputeRecord | ConsentWithdrawalRecord):
        explained = said(record.statement)
    else:
        explained = said(record.why)
    if explained is None:
        plan.advice.append("amendment-reason-missing")
    if circumstances.law.given is TimeGiven.UNREADABLE:
        plan.advice.append("time-unreadable")
    plan.facts |= {"decided_at": circumstances.law.decided_at, "law_as_at": circumstances.law.on.isoformat()}
    plan.acted_on = {**plan.acted_on, "record": amended.entry}
    _tell_all_who_were_told(plan, circumstances, amended)
    return plan


def _plan_share_correction(record: ShareCorrectionRecord, circumstances: Circumstances, amended: Amended) -> Plan:
    """Route a corrected share as a share of that level and place would be."""
    as_if, form = record.record, "record"
    if as_if is None:
        as_if, form = record.members or ShareRecord(), "members"
    concern = as_if.concern or Concern()
    before = amended.level or Level.IMMEDIATE_DANGER
    if said(concern.level) is None and concern.immediate_danger is not True:
        # What the correction leaves unsaid stays as it was.
        as_if = replace(as_if, concern=replace(concern, level=before.value))
    if form == "record" or _changes_who_is_told(as_if, level_said=concern != Concern()):
        plan = plan_share(_with_practitioner(as_if, record.practitioner), circumstances)
    else:
        plan = _empty_plan(EntryType.RECORD_CORRECTED, circumstances, amended)
        plan.facts = {"level": before.value}
    plan.type = EntryType.RECORD_CORRECTED
    plan.facts |= {"form": form, "level_before": before.value}
    plan.advice = applicable(plan.advice, plan)
    return plan


def applicable(advice: Iterable[str], plan: Plan) -> list[str]:
    """Return the advice that holds for an amendment: nothing is missing from one that says only what changes."""
    return [code for code in advice if not (plan.facts.get("form") == "members" and code.endswith("-missing"))]


def _withheld(amended: Amended) -> Withheld:
    if amended.withheld is None:
        raise IntegrityFailure("a review came to what is no withholding")
    return amended.withheld


def _empty_plan(entry_type: EntryType, circumstances: Circumstances, amended: Amended) -> Plan:
    return Plan(entry_type, amended.kind, ObligationBook(circumstances.now))


def _with_practitioner(record: Whole, practitioner: Person | None) -> Whole:
    """Return a corrected record as decided by who corrects it, unless it names somebody itself."""
    return record if record.practitioner is not None else replace(record, practitioner=practitioner)


def _changes_who_is_told(members: ShareRecord, *, level_said: bool) -> bool:
    child = members.child
    places = (members.place, *((child.address, child.found_at, child.school) if child is not None else ()))
    held = (child.plan_held_by, child.looked_after_by) if child is not None else ()
    return level_said or bool(members.recipients) or any(map(is_somewhere, places)) or any(map(said, held))


def _plan_correction(
    record: WithholdingCorrectionRecord | WhereaboutsCorrectionRecord, circumstances: Circumstances, amended: Amended
) -> Plan:
    """Judge a corrected withholding or report as a new one would be: a reason that is none is challenged again."""
    match record:
        case WithholdingCorrectionRecord(record=corrected) if corrected is not None:
            plan = plan_withholding(_with_practitioner(corrected, record.practitioner), circumstances)
        case WhereaboutsCorrectionRecord(record=corrected) if corrected is not None:
            plan = plan_whereabouts(_with_practitioner(corrected, record.practitioner), circumstances)
        case _:
            plan = _empty_plan(EntryType.RECORD_CORRECTED, circumstances, amended)
    plan.type = EntryType.RECORD_CORRECTED
    plan.facts["form"] = "record"
    return plan


def _tell_all_who_were_told(plan: Plan, circumstances: Circumstances, amended: Amended) -> None:
    """Owe everybody who was told, or will still be told, notice of the amendment; and whose record it is.

    Within one working day, or as fast as a level that is now higher demands. Who amends knows of it, though it was told
    of a dispute or of silence before; but what it withholds was put to its safeguarding lead, who does not.
    """
    own = agency_recipient(circumstances.agency.agency)
    urgency = Urgency.ONE_WORKING_DAY
    level = plan.facts.get("level")
    if isinstance(level, str) and amended.level is not None and level != amended.level.value:
        urgency = more_urgent(urgency, URGENCY_OF[Level(level)])
    for recipient in amended.told:
        if recipient == own and amended.kind is not RecordKind.WITHHOLDING:
            continue
        _owe(plan, circumstances, recipient, reason=_REASONS[plan.type], urgency=urgency)
    if amended.agency is not None and amended.agency != circumstances.agency.agency:
        _owe(plan, circumstances, agency_recipient(amended.agency), reason=YOUR_RECORD, urgency=urgency)


def _owe(plan: Plan, circumstances: Circumstances, recipient: Recipient, *, reason: str, urgency: Urgency) -> None:
    kind, _, name = recipient.partition(":")
    nation = circumstances.agency.nation
    if kind == "authority":
        nation = circumstances.directories.register.nation_of(AuthorityCode(name))
    deadline = deadline_for(urgency, now=circumstances.now, nation=nation)
    plan.book.owe(recipient, reason=reason, urgency=urgency, deadline=deadline)


def _code(plan: Plan, text: str | None, known: Collection[str]) -> str | None:
    """Return a code of the list, *unknown* for another (kept sealed as it came), None for none."""
    given = said(text)
    if given is None:
        return None
    if given.lower() in known:
        return given.lower()
    plan.advice.append("amendment-code-unknown")
    return UNKNOWN
