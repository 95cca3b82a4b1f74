"""What a multi-agency referral form asks of a share besides the law: noticed and said, and never a reason to refuse."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from services.gateway.domain.identity import read_date
from services.gateway.domain.record import Child, Person, RelatedPerson, ShareRecord, said
from services.gateway.domain.rules.case import LevelAsGiven
from services.gateway.domain.said import Answered, YesNo, answered
from shared.clock import parse_rfc3339
from shared.errors import InvalidInput
from shared.vocabulary import Level

WRITTEN_WITHIN = timedelta(hours=48)
"""The longest that the areas' procedures give for confirming a verbal referral in writing; many ask for 24 hours."""

_SHA256 = re.compile(r"[0-9A-Fa-f]{64}\Z")
_SIBLINGS = frozenset({"sibling", "brother", "sister", "half_sibling", "half_brother", "half_sister", "twin"})
_MOTHERS = frozenset({"mother", "birth_mother"})
_FORM_ASKS_WHAT_WAS_TRIED = (Level.EARLY_HELP, Level.CHILD_IN_NEED)


def what_a_referral_lacks(record: ShareRecord, level: LevelAsGiven, *, now: datetime) -> tuple[str, ...]:
    """Return the codes of what a share leaves unsaid, or says so that it cannot be used."""
    return tuple(dict.fromkeys((*_on_danger(record, level), *_on_speaking(record, now=now), *_on_people(record))))


def incident_of(record: ShareRecord) -> str | None:
    """Return the reference that links the shares about siblings, for the entry's clear part; None for no random one.

    Only a UUID is taken: anything else might say whose family it is.
    """
    try:
        return UUID(said(record.incident_ref) or "").hex
    except ValueError:
        return None


def _on_danger(record: ShareRecord, level: LevelAsGiven) -> Iterator[str]:
    concern = record.concern
    danger = answered(concern.immediate_danger if concern else None)
    if danger is Answered.NOT_ASKED and level.acted_on is not Level.IMMEDIATE_DANGER:
        yield "danger-missing"
    if level.acted_on is Level.IMMEDIATE_DANGER and said(record.verbal_at) is None:
        yield "danger-call-first"
    if Answered.UNKNOWN in map(answered, _questions(record)):
        yield "answer-unknown"
    if level.acted_on in _FORM_ASKS_WHAT_WAS_TRIED:
        if said(concern.support_tried if concern else None) is None:
            yield "support-tried-missing"
        if said(concern.desired_outcome if concern else None) is None:
            yield "desired-outcome-missing"
    if any(said(each.why) is None for each in (concern.keep_from if concern else ())):
        yield "keep-from-reason-missing"


def _on_speaking(record: ShareRecord, *, now: datetime) -> Iterator[str]:
    spoken_at, spoken_to = said(record.verbal_at), said(record.verbal_to)
    if spoken_at is not None and spoken_to is None:
        yield "verbal-to-missing"
    if spoken_to is not None and spoken_at is None:
        yield "verbal-at-missing"
    if spoken_at is not None and _is_late(spoken_at, now=now):
        yield "verbal-written-late"
    if not _can_be_reached(record.practitioner):
        yield "practitioner-contact-missing"
    if any(said(each.whom) is None or said(each.what_they_said) is None for each in record.advice_sought):
        yield "advice-incomplete"
    if any(not _SHA256.match(said(each.sha256) or "") for each in record.attachments):
        yield "attachment-hash-missing"


def _on_people(record: ShareRecord) -> Iterator[str]:
    child = record.child or Child()
    around = (*child.carers, *child.household)
    if len(record.consents()) > 1 and any(said(each.whose) is None for each in record.consents()):
        yield "consent-whose-missing"
    if said(record.incident_ref) is not None and incident_of(record) is None:
        yield "incident-ref-not-random"
    if said(record.incident_ref) is None and any(_is(each, _SIBLINGS) for each in around):
        yield "siblings-separately"
    unborn = read_date(child.expected_date_of_birth) is not None and said(child.date_of_birth) is None
    if unborn and not any(_is(each, _MOTHERS) for each in around):
        yield "unborn-mother-missing"


def _questions(record: ShareRecord) -> Iterator[YesNo]:
    """Give every question of yes or no that a share answers."""
    child, concern = record.child, record.concern
    if concern is not None:
        yield from (concern.immediate_danger, concern.possible_crime, concern.early_help)
        yield concern.source_wishes_anonymity
    if record.family_informed is not None:
        yield record.family_informed.informed
    if child is None:
        return
    yield from (child.interpreter, child.disabled)
    yield from (each.traced for each in child.identifiers)
    if child.care_arrangement is not None:
        yield child.care_arrangement.emergency
    for person in (*child.carers, *child.household):
        yield from (person.parental_responsibility, person.lives_with_child)
        yield from (each.traced for each in person.identifiers)


def _can_be_reached(practitioner: Person | None) -> bool:
    contact = practitioner.contact if practitioner is not None else None
    return contact is not None and (said(contact.telephone) is not None or said(contact.email) is not None)


def _is_late(spoken_at: str, *, now: datetime) -> bool:
    try:
        return now - parse_rfc3339(spoken_at) > WRITTEN_WITHIN
    except (InvalidInput, OverflowError):
        return False


def _is(person: RelatedPerson, relationships: frozenset[str]) -> bool:
    return (said(person.relationship) or "").lower().replace(" ", "_").replace("-", "_") in relationships
