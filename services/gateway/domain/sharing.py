"""Planning a share: the level decides who must be told, whatever recipients the sender names."""

from services.gateway.domain import judging
from services.gateway.domain.cases import case_of_share, law_facts, level_of
from services.gateway.domain.obligations import MOST_URGENT_FIRST, URGENCY_OF, ObligationBook
from services.gateway.domain.placing import NOWHERE, Placed, advice_on, place
from services.gateway.domain.planning import (
    Circumstances,
    Plan,
    ask_a_person_to_place,
    compare_with_similar,
    holders,
    note_placed,
    notify_of_private_fostering,
    tell_authority,
    tell_queue,
)
from services.gateway.domain.record import ShareRecord, is_about_somebody, is_somewhere, said
from services.gateway.domain.referral import incident_of, what_a_referral_lacks
from services.gateway.domain.rules.case import Case, LevelAsGiven
from services.gateway.domain.said import may_be
from shared.errors import InvalidInput
from shared.identifiers import Recipient
from shared.reference.rules import RecordKind
from shared.telling import POLICE_QUEUE, ROUTING_QUEUE, deadline_for
from shared.vocabulary import ADDRESS_NOT_PLACED, AuthorityRole, EntryType, Level, Urgency


class NobodyAndNowhere(InvalidInput):
    """The record names neither a child nor a place."""

    code = "nobody-and-nowhere"


class NothingSaid(InvalidInput):
    """The record says nothing of any concern."""

    code = "nothing-said"


def check_readable(record: ShareRecord) -> None:
    """Raise NobodyAndNowhere or NothingSaid when there is nothing that anybody could act on."""
    child = record.child
    places = (record.place, child.address if child else None, child.found_at if child else None)
    if not is_about_somebody(child) and not any(is_somewhere(where) for where in places):
        raise NobodyAndNowhere(
            "the record names neither a child nor a place",
            remedy="Give anything you have: a name, a description, an identifier, an address or a place.",
        )
    concern = record.concern
    texts = (record.rationale, concern.seen_or_said if concern else None, concern.opinion if concern else None)
    has_level = concern is not None and (said(concern.level) is not None or may_be(concern.immediate_danger))
    if not has_level and all(said(text) is None for text in texts):
        raise NothingSaid(
            "the record says nothing of any concern", remedy="Give a level, or what was seen or said, or a rationale."
        )


def plan_share(record: ShareRecord, circumstances: Circumstances) -> Plan:
    """Return who must be told of a share and why, and what the sender should know. Never refuses."""
    plan = Plan(EntryType.SHARE_RECORDED, RecordKind.SHARE, ObligationBook(circumstances.now))
    case = case_of_share(record, circumstances)
    level = level_of(record.concern)
    plan.advice.extend(what_a_referral_lacks(record, level, now=circumstances.now))
    judgement = judging.judge(case, circumstances.rules_for(RecordKind.SHARE))
    plan.advice.extend(judgement.advice)
    urgency = min(URGENCY_OF[level.acted_on], judgement.within or Urgency.ROUTINE, key=MOST_URGENT_FIRST.index)
    plan.acted_on = {"level": level.acted_on.value, "urgency": urgency.value}
    plan.facts = _facts(plan, record, case, level=level)
    _route(plan, record, circumstances, level=level.acted_on, urgency=urgency)
    if judging.PRIVATE_FOSTERING in judgement.advice:
        notify_of_private_fostering(plan, circumstances)
    if level.given != "known":
        tell_queue(plan, circumstances, ROUTING_QUEUE, reason="level_needs_a_person", urgency=Urgency.IMMEDIATE)
    compare_with_similar(plan, circumstances)
    return plan


def _facts(plan: Plan, record: ShareRecord, case: Case, *, level: LevelAsGiven) -> dict[str, object]:
    concern = record.concern
    observed_at, observed_advice = judging.read_moment(concern.observed_at if concern else None)
    verbal_at, verbal_advice = judging.read_moment(record.verbal_at)
    plan.advice.extend((*observed_advice, *verbal_advice))
    return {
        "level": level.acted_on.value,
        "level_as_given": level.given,
        "observed_at": observed_at,
        "verbal_at": verbal_at,
        "incident": incident_of(record),
        "attachments": len(record.attachments),
        "recipients_as_given": len(record.recipients),
        "consent": case.consent,
        "consents": _consents(case),
        "no_consent_reason": case.no_consent_reason,
        "family_informed": case.family_informed,
        "reason_not_informed": case.reason_not_informed,
        "article_6": case.article_6,
        "condition": case.condition,
        "indicators": sorted(case.indicators),
        **law_facts(case),
    }


def _consents(case: Case) -> list[dict[str, str | None]]:
    """Return each kind of consent once: an entry's clear part must not grow with what is sent."""
    return [{"status": each.status, "reason": each.no_consent_reason} for each in dict.fromkeys(case.consents)]


def _route(plan: Plan, record: ShareRecord, circumstances: Circumstances, *, level: Level, urgency: Urgency) -> None:
    child, directories, on = record.child, circumstances.directories, circumstances.today
    living = place(child.address if child else None, directories=directories, on=on)
    found = place(child.found_at if child else None, directories=directories, on=on)
    context = place(record.place, directories=directories, on=on)
    school = place(child.school if child else None, directories=directories, on=on)
    note_placed(plan, found, AuthorityRole.FOUND_AT)
    note_placed(plan, living, AuthorityRole.LIVING_AT)
    note_placed(plan, context, AuthorityRole.CONTEXT_LOCATION)
    note_placed(plan, school, AuthorityRole.EDUCATION)
    holding = holders(plan, circumstances, child)
    _tell_named(plan, record, circumstances, urgency=urgency)
    if level is Level.EARLY_HELP and urgency is Urgency.ROUTINE and plan.book.told_authorities:
        return
    # The authority where the child is found acts first; it and the one where the child lives are both told.
    for placed, reason in ((found, "found_in_area"), (living, "lives_in_area"), (context, "place_in_area")):
        if placed.authority is not None:
            tell_authority(plan, circumstances, placed.authority, reason=reason, urgency=urgency)
    for authority in holding:
        tell_authority(plan, circumstances, authority, reason="holds_plan_or_looks_after", urgency=urgency)
    if not any(placed.authority for placed in (found, living, context)):
        _tell_where_known(plan, circumstances, urgency=urgency)
        unplaced = found.given or living.given or context.given
        if not plan.book.told_authorities:
            if not unplaced:
                plan.advice.append("nowhere-given")
            ask_a_person_to_place(plan, circumstances)
        elif unplaced:
            tell_queue(plan, circumstances, ROUTING_QUEUE, reason=ADDRESS_NOT_PLACED, urgency=Urgency.ROUTINE)
    _tell_police(plan, record, circumstances, level=level, placed=(found, living, context))


def _tell_named(plan: Plan, record: ShareRecord, circumstances: Circumstances, *, urgency: Urgency) -> None:
    """Tell whom the sender named, taken to the authority in force; an unknown name goes to a person."""
    for text in record.recipients:
        named = said(text)
        if named is None:
            continue
        resolution = circumstances.directories.register.resolve(named, on=circumstances.today)
        plan.advice.extend(advice_on(resolution))
        if resolution.single is not None:
            tell_authority(plan, circumstances, resolution.single, reason="named_by_sender", urgency=urgency)
        else:
            tell_queue(plan, circumstances, ROUTING_QUEUE, reason="recipient_not_known", urgency=urgency)


def _tell_where_known(plan: Plan, circumstances: Circumstances, *, urgency: Urgency) -> None:
    """Where the record says nothing of where the child is, tell the authority where the ledger knows it to live."""
    for fact in circumstances.known.roles:
        if fact.role in (AuthorityRole.LIVING_AT, AuthorityRole.FOUND_AT):
            resolution = circumstances.directories.register.resolve(fact.authority, on=circumstances.today)
            if resolution.single is not None:
                tell_authority(plan, circumstances, resolution.single, reason="known_in_area", urgency=urgency)


def _tell_police(
    plan: Plan, record: ShareRecord, circumstances: Circumstances, *, level: Level, placed: tuple[Placed, ...]
) -> None:
    """Immediate danger and a possible crime are for the police as well."""
    crime = record.concern is not None and may_be(record.concern.possible_crime)
    if level is not Level.IMMEDIATE_DANGER and not crime:
        return
    reason = "immediate_danger" if level is Level.IMMEDIATE_DANGER else "possible_crime"
    where = next((each for each in placed if each.police is not None), NOWHERE)
    force = where.police
    if force is None:
        told = plan.book.told_authorities
        force = circumstances.directories.register.police_of(told[0]) if told else None
    deadline = deadline_for(Urgency.IMMEDIATE, now=circumstances.now, nation=circumstances.agency.nation)
    recipient = Recipient(f"police:{force}") if force is not None else POLICE_QUEUE
    plan.book.owe(recipient, reason=reason, urgency=Urgency.IMMEDIATE, deadline=deadline)
