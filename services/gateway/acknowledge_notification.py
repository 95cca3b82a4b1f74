"""Acknowledging a notification: the authority's signed word that it arrived, who owns it, or what was decided."""

from collections.abc import Callable

from services.gateway.admit_request import Admitted
from services.gateway.domain import judging
from services.gateway.domain.law import law_of_the_day
from services.gateway.domain.record import AcknowledgementRecord, said
from services.gateway.ports import Ledger
from services.gateway.record_decision import Sent, idempotency
from shared.clock import Clock
from shared.entries import Obligation, parse_entry
from shared.entry_types import WITHHOLDING_TYPES
from shared.errors import InvalidInput, NotFound, NotPermitted
from shared.identifiers import EntryId, agency_recipient, parse_obligation_id
from shared.ledger.messages import Answer, Appended, AppendRequest, NamedChild, ObligationState, Section
from shared.ledger.progress import progress_owed
from shared.ledger.registry_copy import RegistryCopy
from shared.reference.rules import RecordKind, RuleBook
from shared.vocabulary import EntryType, LadderState

TYPES = {
    LadderState.RECEIVED.value: EntryType.NOTIFICATION_RECEIVED,
    LadderState.OWNED.value: EntryType.NOTIFICATION_OWNED,
    LadderState.DECIDED.value: EntryType.NOTIFICATION_DECIDED,
}
OUTCOMES = {
    "immediate_protection",
    "section_47_enquiry",
    "section_17_assessment",
    "early_help",
    "specialist_assessment",
    "no_further_action",
    "passed_on",
}
OTHER = "other"
"""What is recorded of an outcome that is none of these. It stays sealed as it came."""


class NotYourNotification(NotPermitted):
    """The notification is for somebody else."""

    code = "not-your-notification"


class StateMissing(InvalidInput):
    """The acknowledgement does not say what it acknowledges."""

    code = "acknowledgement-state-missing"


class OwnerMissing(InvalidInput):
    """A notification is owned by a named person or by nobody."""

    code = "acknowledgement-owner-missing"


class ReviewNeeded(InvalidInput):
    """A withholding is decided on by a review or a share, which say what was decided and why."""

    code = "review-needed"


def check_readable(record: AcknowledgementRecord) -> None:
    """Raise StateMissing when it does not say what it acknowledges, OwnerMissing when a person is to be named."""
    entry_type = TYPES.get(_state(record))
    if entry_type is None:
        raise StateMissing(
            "the acknowledgement does not say received, owned or decided", remedy="Give state as one of the three."
        )
    if entry_type is not EntryType.NOTIFICATION_RECEIVED and (
        record.person is None or said(record.person.name) is None
    ):
        raise OwnerMissing("the acknowledgement names no person", remedy="Give person.name and person.role.")


class NotificationAcknowledger:
    """Records acknowledgements."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        registry: RegistryCopy,
        book: RuleBook,
        clock: Clock,
        new_entry_id: Callable[[], EntryId],
    ) -> None:
        self._ledger = ledger
        self._registry = registry
        self._book = book
        self._clock = clock
        self._new_entry_id = new_entry_id

    async def acknowledge(
        self, notification: str, record: AcknowledgementRecord, admitted: Admitted, *, sent: Sent
    ) -> Appended:
        """Return the outcome once it is durable. The person's name stays sealed; responsibility does not move (G14).

        The record has passed ``check_readable``. Raises NotYourNotification unless the agency acts for the recipient,
        NotFound, ReviewNeeded.
        """
        state = _state(record)
        entry_type = TYPES[state]
        owed = await self._owed(notification, admitted)
        if owed.entry_type in WITHHOLDING_TYPES and entry_type is EntryType.NOTIFICATION_DECIDED:
            raise ReviewNeeded(
                "what is decided about a withholding is said by a review of it, or by the share",
                remedy="Post a review below the withholding's own path, or the share that names it.",
            )
        facts: dict[str, object] = {
            "obligation": owed.obligation.id,
            "recipient": owed.obligation.recipient,
            "state": state,
            "by": "acknowledgement",
        }
        answer: dict[str, object] = {"kind": "acknowledgement", "notification": notification, "state": state}
        noticed: tuple[str, ...] = ()
        if entry_type is EntryType.NOTIFICATION_DECIDED:
            outcome = (said(record.outcome) or OTHER).lower()
            facts["outcome"] = answer["outcome"] = outcome if outcome in OUTCOMES else OTHER
            noticed = ("outcome-unknown",) if outcome not in OUTCOMES | {OTHER} else ()
        advice = self._advice(noticed, admitted, misspelt=sent.misspelt)
        answer |= {"result": "accepted_with_advice" if advice else "accepted", "advice": advice}
        entry_id = self._new_entry_id()
        return await self._ledger.append(
            AppendRequest(
                entry_id=entry_id,
                type=entry_type,
                idempotency=idempotency(admitted, key=sent.idempotency_key, target=sent.target, body=sent.body),
                answer=Answer(201, answer),
                agency=admitted.agency_id,
                key=admitted.key,
                nonce=admitted.nonce,
                child=NamedChild(owed.child, None) if owed.child is not None else None,
                facts=facts,
                obligations=await self._news(entry_id, state, owed),
                causes=(owed.entry_id,),
                registry=admitted.registry,
                sections=(Section("body", sent.body), Section("signature", admitted.evidence)),
            )
        )

    async def _news(self, entry_id: EntryId, state: str, owed: ObligationState) -> tuple[Obligation, ...]:
        """Return what is owed to whoever recorded what the notification told of: their system hears how far it is."""
        told_by = parse_entry((await self._ledger.entry_status(owed.entry_id)).leaf)
        return progress_owed(
            entry_id,
            state,
            of=told_by.type,
            by=told_by.agency,
            recipient=owed.obligation.recipient,
            registry=self._registry.current,
            now=self._clock.now(),
        )

    def _advice(
        self, noticed: tuple[str, ...], admitted: Admitted, *, misspelt: tuple[str, ...]
    ) -> list[dict[str, object]]:
        on = law_of_the_day(None, now=self._clock.now()).on
        rules = judging.rules_for(self._book, kind=RecordKind.SHARE, agency=admitted.agency, on=on)
        return judging.spelled_out(noticed, rules, misspelt=misspelt)

    async def _owed(self, notification: str, admitted: Admitted) -> ObligationState:
        try:
            obligation = parse_obligation_id(notification)
        except InvalidInput as error:
            raise NotFound("there is no notification of that id") from error
        owed = await self._ledger.obligation(obligation)
        mine = (admitted.agency.acts_for, agency_recipient(admitted.agency_id))
        if owed.obligation.recipient not in mine:
            if owed.entry_type in WITHHOLDING_TYPES:
                # Another agency cannot tell what is withheld from what is not held.
                raise NotFound("there is no notification of that id")
            raise NotYourNotification(
                "the notification is for another recipient", remedy="Acknowledge with the key of whom it was sent to."
            )
        return owed


def _state(record: AcknowledgementRecord) -> str:
    return (said(record.state) or "").lower()
