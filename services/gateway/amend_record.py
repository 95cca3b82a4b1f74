"""Amending a record: who was told of it and must hear, and into the ledger; again when the child's record moved."""

from dataclasses import dataclass

from services.gateway.admit_request import Admitted
from services.gateway.domain.amending import (
    Amended,
    NotYourRecord,
    applicable,
    check_may_amend,
    child_of,
    plan_amendment,
)
from services.gateway.domain.amendment import Amendment
from services.gateway.domain.identity import NamedBy, identifiers_of
from services.gateway.domain.reviewing import Withheld, known_codes
from services.gateway.ports import Ledger
from services.gateway.read_record import NO_RECORD
from services.gateway.record_decision import DecisionRecorder, Sent
from services.gateway.until_settled import until_settled
from shared.entries import Entry, parse_entry
from shared.entry_types import WITHHOLDING_TYPES
from shared.errors import InvalidInput, NotFound
from shared.identifiers import parse_entry_id
from shared.ledger.messages import Appended, NamedChild, ResolveChild, ResolvedChild
from shared.ledger.record_history import RecordHistory
from shared.reference.rules import RecordKind
from shared.vocabulary import EntryType, Level

_KINDS = {
    EntryType.SHARE_RECORDED: RecordKind.SHARE,
    EntryType.WITHHOLDING_RECORDED: RecordKind.WITHHOLDING,
    EntryType.WHEREABOUTS_REPORTED: RecordKind.WHEREABOUTS,
}


@dataclass(frozen=True, slots=True)
class Amending:
    """An amendment as it came: of what, its record, and the bytes that were signed.

    ``record_type`` is the kind of record that the path speaks of, ``type`` the kind of amendment.
    """

    record_id: str
    record_type: EntryType
    type: EntryType
    amendment: Amendment
    sent: Sent


class RecordAmender:
    """Plans amendments and appends them."""

    def __init__(self, *, ledger: Ledger, recorder: DecisionRecorder, in_production: bool) -> None:
        self._ledger = ledger
        self._recorder = recorder
        self._in_production = in_production

    async def amend(self, amending: Amending, admitted: Admitted) -> Appended:
        """Return the outcome once it is durable, with an obligation to everybody who was told (G1, UK GDPR Art 19).

        The ledger refuses it when anything was recorded about the child meanwhile, and who was told is asked for anew:
        so nobody is left out whom a person or a move added in between. Raises NotFound for what is no such record or
        has been erased, NotYourRecord, Unavailable, and what the ledger refuses.
        """
        named = identifiers_of(
            child_of(amending.amendment), agency=admitted.agency_id, in_production=self._in_production
        )
        return await until_settled(lambda: self._amend_as_it_stands(amending, admitted, named))

    async def _amend_as_it_stands(self, amending: Amending, admitted: Admitted, named: NamedBy) -> Appended:
        history, record = await self._history(amending)
        amended = _amended(record, history)
        _check_may_amend(amending, admitted, amended)
        known = await self._known(history, named)
        circumstances = self._recorder.circumstances(amending.amendment.decided_at, admitted, known=known)
        plan = plan_amendment(amending.amendment, circumstances, amended)
        child = None
        if history.child is not None:
            plan.advice.extend(applicable(named.advice, plan))
            child = NamedChild(history.child, history.version, named.identifiers, plan.role_facts)
        return await self._ledger.append(
            self._recorder.request(amending.sent, admitted, plan, child, circumstances, causes=(record.id,))
        )

    async def _history(self, amending: Amending) -> tuple[RecordHistory, Entry]:
        try:
            entry_id = parse_entry_id(amending.record_id)
        except InvalidInput as error:
            raise NotFound(NO_RECORD) from error
        try:
            history = await self._ledger.record_history(entry_id)
        except NotFound as error:
            raise NotFound(NO_RECORD) from error
        record = parse_entry(history.record.leaf)
        if record.id != entry_id or record.type is not amending.record_type:
            raise NotFound(NO_RECORD)
        return history, record

    async def _known(self, history: RecordHistory, named: NamedBy) -> ResolvedChild:
        """Return what is known of the record's child. Whom a corrected identifier points at besides is for a person."""
        similar = ()
        if named.identifiers:
            pointed = await self._ledger.resolve_child(ResolveChild(named.identifiers))
            others = (*((pointed.ref,) if pointed.ref is not None else ()), *pointed.similar)
            similar = tuple(ref for ref in others if ref != history.child)
        return ResolvedChild(history.child, history.version, history.roles, similar)


def _check_may_amend(amending: Amending, admitted: Admitted, amended: Amended) -> None:
    try:
        check_may_amend(amending.type, admitted.agency, amended)
    except NotYourRecord as error:
        if amended.kind is RecordKind.WITHHOLDING:
            # Another agency cannot tell what is withheld from what is not held.
            raise NotFound(NO_RECORD) from error
        raise


def _amended(record: Entry, history: RecordHistory) -> Amended:
    """Return the record as its last correction left it."""
    level: Level | None = None
    reasons: tuple[str, ...] = ()
    indicators: tuple[str, ...] = ()
    later = [parse_entry(each.leaf) for each in history.later]
    for entry in (record, *later):
        given = entry.facts.get("level")
        if given in {each.value for each in Level}:
            level = Level(str(given))
        if entry.type in WITHHOLDING_TYPES | {EntryType.RECORD_CORRECTED}:
            reasons = known_codes(entry.facts.get("reasons")) or reasons
            indicators = known_codes(entry.facts.get("indicators")) or indicators
    withheld = None
    if record.type is EntryType.WITHHOLDING_RECORDED and record.agency is not None:
        withheld = Withheld(record.id, record.agency, reasons, indicators, history.owed)
    retracted = any(entry.type is EntryType.RECORD_RETRACTED for entry in later)
    return Amended(record.id, _KINDS[record.type], record.agency, level, history.told, withheld, retracted)
