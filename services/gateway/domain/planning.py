"""A plan: everything that recording one decision will do, worked out before anything is done."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from services.gateway.domain import judging
from services.gateway.domain.law import LawOfTheDay
from services.gateway.domain.obligations import ObligationBook
from services.gateway.domain.placing import Directories, Placed, advice_on
from services.gateway.domain.record import Child, said
from shared.entries import RoleFact
from shared.identifiers import AgencyId, AuthorityCode, Recipient, authority_recipient
from shared.ledger.messages import ResolvedChild
from shared.ledger.registry import AgencyFacts
from shared.reference.rules import RecordKind, Rule, RuleBook
from shared.reference.working_days import local_day
from shared.telling import IDENTITY_QUEUE, ROUTING_QUEUE, deadline_for, within_the_hour
from shared.vocabulary import NOBODY_CAN_PLACE_IT, AuthorityRole, EntryType, Urgency


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a decision is judged in: who decided, what is known of the child, the moment, its law, reference data."""

    agency: AgencyFacts
    known: ResolvedChild
    directories: Directories
    now: datetime
    law: LawOfTheDay
    book: RuleBook
    agencies: Collection[AgencyId] = ()

    @property
    def today(self) -> date:
        """The day on which it is decided, where the law's day begins."""
        return local_day(self.now)

    def rules_for(self, kind: RecordKind) -> Mapping[str, Rule]:
        """Return the rules by which a decision of that kind is judged."""
        return judging.rules_for(self.book, kind=kind, agency=self.agency, on=self.law.on)


@dataclass(slots=True)
class Plan:
    """What will be recorded and who will be told.

    ``kind`` is by which rules it is judged; an amendment is judged as what it amends, and ``answers_as`` itself.
    """

    type: EntryType
    kind: RecordKind
    book: ObligationBook
    facts: dict[str, object] = field(default_factory=dict)
    roles: dict[tuple[str, AuthorityCode], None] = field(default_factory=dict)
    advice: list[str] = field(default_factory=list)
    challenges: list[str] = field(default_factory=list)
    acted_on: dict[str, object] = field(default_factory=dict)
    answers_as: str = ""

    def note_role(self, role: AuthorityRole, authority: AuthorityCode | None) -> None:
        """Record that an authority stands in a role to the child, as this decision says."""
        if authority is not None:
            self.roles[(role.value, authority)] = None

    @property
    def role_facts(self) -> tuple[RoleFact, ...]:
        """The roles, in the order they were noted."""
        return tuple(RoleFact(role, authority) for role, authority in self.roles)


Planner = Callable[[Circumstances], Plan]
"""Works out a plan for a record; called again when what is known of the child has moved on."""


def tell_authority(
    plan: Plan, circumstances: Circumstances, authority: AuthorityCode, *, reason: str, urgency: Urgency
) -> None:
    """Owe children's social care of an authority notice, on its own nation's calendar."""
    nation = circumstances.directories.register.nation_of(authority)
    plan.book.owe(
        authority_recipient(authority),
        reason=reason,
        urgency=urgency,
        deadline=deadline_for(urgency, now=circumstances.now, nation=nation),
    )


def tell_queue(plan: Plan, circumstances: Circumstances, queue: Recipient, *, reason: str, urgency: Urgency) -> None:
    """Owe a human queue a decision: within the hour when it is immediate."""
    deadline = deadline_for(urgency, now=circumstances.now, nation=circumstances.agency.nation)
    plan.book.owe(queue, reason=reason, urgency=urgency, deadline=deadline)


def ask_a_person_to_place(plan: Plan, circumstances: Circumstances) -> None:
    """Put the question *who must be told* to a person at once, and tell the sender's own authority meanwhile."""
    plan.book.owe(
        ROUTING_QUEUE,
        reason=NOBODY_CAN_PLACE_IT,
        urgency=Urgency.IMMEDIATE,
        deadline=within_the_hour(circumstances.now),
    )
    home = circumstances.agency.home_authority
    if home is None:
        return
    resolution = circumstances.directories.register.resolve(home, on=circumstances.today)
    if resolution.single is not None:
        tell_authority(plan, circumstances, resolution.single, reason="sender_area_meanwhile", urgency=Urgency.SAME_DAY)
        plan.advice.append("sender-area-meanwhile")


def compare_with_similar(plan: Plan, circumstances: Circumstances) -> None:
    """Have a person compare a child with others that something points at. Children are never merged here (G14)."""
    if circumstances.known.similar:
        plan.advice.append("possible-same-child")
        tell_queue(plan, circumstances, IDENTITY_QUEUE, reason="possible_same_child", urgency=Urgency.ROUTINE)


def notify_of_private_fostering(plan: Plan, circumstances: Circumstances) -> None:
    """Notify the authority where the child lives of private fostering (Children Act 1989 s.67)."""
    for role, authority in tuple(plan.roles):
        if role == AuthorityRole.LIVING_AT:
            tell_authority(plan, circumstances, authority, reason="private_fostering", urgency=Urgency.ONE_WORKING_DAY)


def note_placed(plan: Plan, placed: Placed, role: AuthorityRole) -> None:
    """Record where a place is and what there is to say of it."""
    plan.advice.extend(placed.advice)
    plan.note_role(role, placed.authority)


def holders(plan: Plan, circumstances: Circumstances, child: Child | None) -> tuple[AuthorityCode, ...]:
    """Return the authorities that hold a plan for the child or look after it, as the record or the ledger says."""
    found: dict[AuthorityCode, None] = {}
    for role, text in (
        (AuthorityRole.PLAN_HELD_BY, child.plan_held_by if child else None),
        (AuthorityRole.LOOKED_AFTER_BY, child.looked_after_by if child else None),
    ):
        named = said(text)
        if named is not None:
            resolution = circumstances.directories.register.resolve(named, on=circumstances.today)
            plan.advice.extend(advice_on(resolution))
            plan.note_role(role, resolution.single)
            if resolution.single is not None:
                found[resolution.single] = None
    for fact in circumstances.known.roles:
        if fact.role in (AuthorityRole.PLAN_HELD_BY, AuthorityRole.LOOKED_AFTER_BY):
            resolution = circumstances.directories.register.resolve(fact.authority, on=circumstances.today)
            if resolution.single is not None:
                found[resolution.single] = None
    return tuple(found)
