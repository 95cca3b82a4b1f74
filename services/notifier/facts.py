"""Facts that go back to the ledger as entries: idempotent by cause and rule, so that repeating one does no harm."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from services.notifier.domain.moves import RULE, Move
from services.notifier.domain.notification import Notification
from shared.clock import rfc3339
from shared.entries import Obligation
from shared.entry_types import WITHHOLDING_TYPES
from shared.errors import InvalidInput
from shared.identifiers import (
    ChildRef,
    EntryId,
    Recipient,
    agency_recipient,
    authority_recipient,
    is_queue,
)
from shared.ledger.messages import Answer, AppendRequest, Idempotency, NamedChild, Section
from shared.ledger.progress import PROGRESS_TYPES, progress_owed
from shared.ledger.registry import Registry
from shared.reference.authorities import AuthorityRegister
from shared.telling import ESCALATION_QUEUE, deadline_for, owed, within_the_hour
from shared.vocabulary import EntryType, Urgency

SCOPE = "service:notifier"

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AppendRequest)


@dataclass(frozen=True, slots=True)
class Fact:
    """An entry to append, once: ``key`` is its idempotency key in the ledger and here."""

    key: str
    request: AppendRequest

    def to_text(self) -> str:
        """Return the request as stored until the ledger has it. Facts hold codes and references only."""
        return _encoder.encode(self.request).decode("utf-8")


def request_from_text(text: str) -> AppendRequest:
    """Return the request that ``to_text`` wrote."""
    return _decoder.decode(text)


class FactMaker:
    """Makes facts. Ids are random and fixed when a fact is made, so that a retry says the very same."""

    def __init__(self, *, register: AuthorityRegister, new_entry_id: Callable[[], EntryId]) -> None:
        self._register = register
        self._new_entry_id = new_entry_id

    def move(self, shown_by: EntryId, move: Move, *, child: ChildRef, now: datetime) -> Fact:
        """Return the fact that a child seems to have moved, owed to every authority concerned.

        What one entry shows may look otherwise once an earlier one has come: with others to tell, it is said again.
        """
        entry_id = self._new_entry_id()
        obligations = []
        for ordinal, authority in enumerate(move.told):
            nation = self._register.nation_of(authority)
            obligations.append(
                owed(
                    entry_id,
                    authority_recipient(authority),
                    reasons=(_move_reason(move, ordinal),),
                    urgency=Urgency.SAME_DAY,
                    deadline=deadline_for(Urgency.SAME_DAY, now=now, nation=nation),
                    ordinal=ordinal,
                )
            )
        return self._fact(
            EntryType.CHILD_MOVE_SUSPECTED,
            key=f"{EntryType.CHILD_MOVE_SUSPECTED}:{shown_by}:{RULE}:{'-'.join(move.told)}",
            entry_id=entry_id,
            child=child,
            facts={
                "from": list(move.from_authorities),
                "to": move.to_authority,
                "role": move.role,
                "permanence": move.permanence,
                "rule": RULE,
            },
            causes=(shown_by,),
            obligations=tuple(obligations),
        )

    def carried(
        self,
        notification: Notification,
        *,
        state: str,
        endpoint: str,
        evidence: bytes | None,
        registry: Registry,
        now: datetime,
    ) -> Fact:
        """Return the fact that a notification was delivered or received by push; the latter is news for its sender."""
        entry_type, entry_id = EntryType(f"notification.{state}"), self._new_entry_id()
        news: tuple[Obligation, ...] = ()
        if entry_type in PROGRESS_TYPES:
            news = progress_owed(
                entry_id,
                state,
                of=EntryType(notification.entry_type),
                by=notification.agency,
                recipient=notification.recipient,
                registry=registry,
                now=now,
            )
        return self._about(
            entry_type,
            notification,
            {"state": state, "endpoint": endpoint, "attempt": notification.attempts, "by": "push"},
            entry_id=entry_id,
            obligations=news,
            sections=(Section("signature", evidence),) if evidence is not None else (),
        )

    def queued(self, notification: Notification, *, reason: str) -> Fact:
        """Return the fact that a notification cannot be carried, and why: it stands in the human queue.

        For each reason it is the same until an attempt was made, and another after that.
        """
        return self._about(
            EntryType.NOTIFICATION_QUEUED,
            notification,
            {"state": "queued", "reason": reason},
            occasion=f"{notification.attempts}:{reason}",
        )

    def overdue(self, notification: Notification, *, now: datetime) -> Fact:
        """Return the fact that a deadline passed and nobody owns the concern.

        It is told to people at the exchange, to whoever should have taken it, who is chased by it, and to the referrer.
        What was put to somebody because of a withholding wants a decision: for that it says that nobody has decided.
        What stands in a queue of the exchange's own is late by the exchange, and by no authority: it says that.
        """
        entry_id = self._new_entry_id()
        recipients = [ESCALATION_QUEUE]
        if not is_queue(notification.recipient):
            recipients.append(notification.recipient)
        if notification.agency is not None and agency_recipient(notification.agency) not in recipients:
            recipients.append(agency_recipient(notification.agency))
        return self._about(
            EntryType.NOTIFICATION_OVERDUE,
            notification,
            {"state": "overdue", "due_at": rfc3339(notification.due_at)},
            entry_id=entry_id,
            obligations=_owed_in_an_hour(
                entry_id,
                recipients,
                reason=_why_overdue(notification),
                urgency=Urgency.IMMEDIATE,
                clock_start="deadline_passed",
                now=now,
            ),
        )

    def unanswered(self, notification: Notification, *, now: datetime) -> Fact:
        """Return the fact that nobody took a concern up within the time for an answer: its sender hears that.

        The deadline is still to come, so that nobody is chased yet: it is for the sender to ring, or to say more.
        Raises InvalidInput for what no agency waits to hear of.
        """
        if notification.agency is None or notification.answer_due_at is None:
            raise InvalidInput("no agency waits to hear of this notification")
        entry_id = self._new_entry_id()
        return self._about(
            EntryType.NOTIFICATION_OVERDUE,
            notification,
            {"state": "unanswered", "due_at": rfc3339(notification.answer_due_at)},
            occasion="unanswered",
            entry_id=entry_id,
            obligations=_owed_in_an_hour(
                entry_id,
                [agency_recipient(notification.agency)],
                reason="nobody_has_answered",
                urgency=Urgency.SAME_DAY,
                clock_start="answer_was_due",
                now=now,
            ),
        )

    def _about(
        self,
        entry_type: EntryType,
        notification: Notification,
        facts: dict[str, object],
        *,
        occasion: str | None = None,
        sections: Sequence[Section] = (),
        entry_id: EntryId | None = None,
        obligations: tuple[Obligation, ...] = (),
    ) -> Fact:
        return self._fact(
            entry_type,
            key=":".join(filter(None, (entry_type, notification.obligation, occasion))),
            entry_id=entry_id or self._new_entry_id(),
            child=notification.child,
            facts={"obligation": notification.obligation, "recipient": notification.recipient, **facts},
            causes=(notification.entry,),
            obligations=obligations,
            sections=tuple(sections),
        )

    def _fact(
        self,
        entry_type: EntryType,
        *,
        key: str,
        entry_id: EntryId,
        child: ChildRef | None,
        facts: dict[str, object],
        causes: tuple[EntryId, ...],
        obligations: tuple[Obligation, ...] = (),
        sections: tuple[Section, ...] = (),
    ) -> Fact:
        request = AppendRequest(
            entry_id=entry_id,
            type=entry_type,
            idempotency=Idempotency(SCOPE, key, key.encode("ascii")),
            answer=Answer(201, {}),
            child=NamedChild(child, None) if child is not None else None,
            facts=facts,
            obligations=obligations,
            causes=causes,
            sections=sections,
        )
        return Fact(key, request)


def _move_reason(move: Move, ordinal: int) -> str:
    if ordinal == 0:
        return "child_now_in_area"
    return "child_left_area" if move.told[ordinal] in move.from_authorities else "holds_plan_or_looks_after"


def _why_overdue(notification: Notification) -> str:
    if notification.entry_type in WITHHOLDING_TYPES:
        return "nobody_has_decided"
    return "nobody_at_the_exchange_owns_it" if is_queue(notification.recipient) else "nobody_owns_it"


def _owed_in_an_hour(
    entry_id: EntryId,
    recipients: Sequence[Recipient],
    *,
    reason: str,
    urgency: Urgency,
    clock_start: str,
    now: datetime,
) -> tuple[Obligation, ...]:
    """Return an obligation for each recipient to be told of silence, within the hour."""
    return tuple(
        owed(
            entry_id,
            recipient,
            reasons=(reason,),
            urgency=urgency,
            deadline=within_the_hour(now),
            ordinal=ordinal,
            clock_start=clock_start,
        )
        for ordinal, recipient in enumerate(recipients)
    )
