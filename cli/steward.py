"""What the operator does about keeping and erasing: holds, proposals, approvals, carrying out. Each act is an entry."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from cli import reach
from services.ledger.domain.stewarding import open_proposal
from shared.clock import Clock, SystemClock, rfc3339
from shared.entries import parse_entry
from shared.errors import Conflict, NotFound
from shared.fresh_ids import new_entry_id
from shared.identifiers import ChildRef, EntryId, KeyThumbprint, Position
from shared.ledger.approvers import ApproverKeyFacts, ApproverKeyRevokedFacts, Signed
from shared.ledger.client import LedgerClient
from shared.ledger.facts import write_facts
from shared.ledger.messages import Answer, AppendRequest, Idempotency, NamedChild, Section
from shared.ledger.stewardship import (
    SCOPE_CHILD,
    SCOPE_ENTRY,
    ApprovalFacts,
    ErasureFacts,
    ErasureProposedFacts,
    HoldFacts,
    HoldLiftedFacts,
    Proposal,
    ProposalWithdrawnFacts,
    RetentionDue,
    RetentionProposedFacts,
    Stewardship,
    Target,
)
from shared.signatures.keys import PublicKey
from shared.vocabulary import EntryType

SCOPE = "service:operator"

WINDOW = timedelta(days=35)
"""How long backups and old key-encryption keys may outlive an erasure (docs/operations.md)."""


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """What became of each target of a proposal: the erasing entry's position, or why it was not erased."""

    erased: Mapping[str, Position]
    refused: Mapping[str, Conflict]


class Steward:
    """Acts through the operator's door. The ledger, not this, refuses what a hold or a missing approval forbids."""

    def __init__(self, ledger: LedgerClient, *, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def stewardship(self) -> Stewardship:
        """Return the holds in force, the open proposals, and what has been erased."""
        return await self._ledger.stewardship()

    async def place_hold(
        self, child: ChildRef, *, authority: str, reason: str, by: str, note: str | None = None
    ) -> EntryId:
        """Forbid erasing anything about a child until the hold is lifted; returns the hold's id."""
        facts = HoldFacts(child=child, authority=authority, reason=reason, by=by)
        return await self._record(EntryType.HOLD_PLACED, facts, child=child, note=note)

    async def lift_hold(self, hold: EntryId, *, reason: str, by: str) -> EntryId:
        """Lift a hold. Others on the same child stay in force."""
        held = (await self.stewardship()).holds.get(hold)
        if held is None:
            raise NotFound("no hold of that id is in force", remedy="See: exchange hold list")
        facts = HoldLiftedFacts(hold=hold, reason=reason, by=by)
        return await self._record(EntryType.HOLD_LIFTED, facts, child=held.child, causes=(hold,))

    async def propose_erasure(
        self, target: Target, *, authority: str, reason: str, by: str, note: str | None = None
    ) -> EntryId:
        """Propose to erase a child or an entry; returns the proposal's id. Nothing is erased by it.

        Raises NotFound for a child about which the ledger never held anything.
        """
        child = target.child if target.scope == SCOPE_CHILD else None
        if child is not None and not await self._ledger.knows_child(child):
            # Two people would approve it, and only then would there be nobody to erase.
            raise NotFound(
                "there is no child of that reference",
                remedy="Take it from the record: exchange audit replay shows each entry's children.",
            )
        facts = ErasureProposedFacts(target=target, authority=authority, reason=reason, by=by)
        return await self._record(EntryType.ERASURE_PROPOSED, facts, note=note)

    async def propose_run(self, due: Sequence[RetentionDue], *, schedule: str, as_at: str, by: str) -> EntryId:
        """Propose to erase children whose retention period has ended; returns the run's id."""
        facts = RetentionProposedFacts(schedule=schedule, as_at=as_at, due=tuple(due), by=by)
        return await self._record(EntryType.RETENTION_PROPOSED, facts)

    async def proposing_entry(self, proposal: EntryId) -> bytes:
        """Return the entry that proposes, as it stands in the ledger: what an approver signs. It is still open."""
        await self._proposal(proposal)
        return (await self._ledger.entry_status(proposal)).leaf

    async def approve(self, proposal: EntryId, *, by: str, signed: Signed | None = None) -> EntryId:
        """Approve a proposal or a run, as an account that neither proposed nor approved it.

        ``signed`` is the approver's signature, needed once any approver's key is registered.
        """
        is_run = (await self._proposal(proposal)).type is EntryType.RETENTION_PROPOSED
        kind = EntryType.RETENTION_APPROVED if is_run else EntryType.ERASURE_APPROVED
        return await self._record(kind, ApprovalFacts(proposal=proposal, by=by, signed=signed), causes=(proposal,))

    async def add_approver(self, account: str, key: PublicKey, *, vouchers: Sequence[Signed], by: str) -> EntryId:
        """Let an account sign approvals by a key, for which approvers vouch who were there before."""
        facts = ApproverKeyFacts(
            account=account, thumbprint=key.thumbprint, jwk=key.jwk(), by=by, vouchers=tuple(vouchers)
        )
        return await self._record(EntryType.APPROVER_KEY_ADDED, facts)

    async def recover_approver(self, account: str, key: PublicKey, *, by: str) -> EntryId:
        """Let an account sign by a key that the ledger's own settings name, where too few are left to vouch."""
        facts = ApproverKeyFacts(account=account, thumbprint=key.thumbprint, jwk=key.jwk(), by=by, recovered=True)
        return await self._record(EntryType.APPROVER_KEY_ADDED, facts)

    async def revoke_approver(self, thumbprint: str, *, reason: str, by: str) -> EntryId:
        """Have a key approve and vouch no more."""
        facts = ApproverKeyRevokedFacts(thumbprint=KeyThumbprint(thumbprint), reason=reason, by=by)
        return await self._record(EntryType.APPROVER_KEY_REVOKED, facts)

    async def withdraw(self, proposal: EntryId, *, reason: str, by: str, note: str | None = None) -> EntryId:
        """Take a proposal or a run back: nothing more is erased by it. What it has erased already stays so."""
        is_run = (await self._proposal(proposal)).type is EntryType.RETENTION_PROPOSED
        kind = EntryType.RETENTION_WITHDRAWN if is_run else EntryType.ERASURE_WITHDRAWN
        facts = ProposalWithdrawnFacts(proposal=proposal, reason=reason, by=by)
        return await self._record(kind, facts, causes=(proposal,), note=note)

    async def carry_out(self, proposal: EntryId, *, by: str) -> CarriedOut:
        """Erase what a proposal names, one entry and one transaction for each target; ``by`` may be anybody.

        What a hold protects or has moved on since is left and named; whatever else is refused is raised.
        """
        known = await self._proposal(proposal)
        erased: dict[str, Position] = {}
        refused: dict[str, Conflict] = {}
        for name, target in known.left.items():
            try:
                erased[name] = await self._erase(known, target, by=by)
            except Conflict as error:
                refused[name] = error
        return CarriedOut(erased, refused)

    async def target_of_entry(self, entry: EntryId) -> Target:
        """Return one entry as a target, with whom it is about. Raises NotFound."""
        try:
            found = parse_entry((await self._ledger.entry_status(entry)).leaf)
        except NotFound as error:
            raise NotFound(error.detail, remedy="Take its id from the record: exchange audit replay.") from error
        under = found.facts.get("sealed_under")
        child = found.subjects[0].ref if found.subjects else None
        if child is None and isinstance(under, str) and under != entry:
            child = ChildRef(under)
        return Target(SCOPE_ENTRY, child, entry)

    async def _erase(self, proposal: Proposal, target: Target, *, by: str) -> Position:
        facts = ErasureFacts(
            target=target,
            authority=proposal.authority,
            reason=proposal.reason,
            proposal=proposal.id,
            proposed_by=proposal.by,
            approved_by=proposal.approved_by,
            complete_by=rfc3339(self._clock.now() + WINDOW),
            carried_out_by=by,
        )
        request = self._request(
            EntryType.ERASURE_RECORDED,
            facts,
            child=target.child if target.scope == SCOPE_CHILD else None,
            causes=(proposal.id,),
        )
        return (await self._ledger.append(request)).position

    async def _proposal(self, name: EntryId) -> Proposal:
        return open_proposal(name, await self.stewardship())

    async def _record(
        self,
        entry_type: EntryType,
        facts: msgspec.Struct,
        *,
        child: ChildRef | None = None,
        causes: tuple[EntryId, ...] = (),
        note: str | None = None,
    ) -> EntryId:
        request = self._request(entry_type, facts, child=child, causes=causes, note=note)
        await self._ledger.append(request)
        return request.entry_id

    def _request(
        self,
        entry_type: EntryType,
        facts: msgspec.Struct,
        *,
        child: ChildRef | None = None,
        causes: tuple[EntryId, ...] = (),
        note: str | None = None,
    ) -> AppendRequest:
        entry_id = new_entry_id()
        return AppendRequest(
            entry_id=entry_id,
            type=entry_type,
            idempotency=Idempotency(SCOPE, entry_id, entry_id.encode("ascii")),
            answer=Answer(201, {}),
            child=NamedChild(child, None) if child is not None else None,
            facts=write_facts(facts),
            causes=causes,
            sections=(Section("note", note.encode("utf-8")),) if note else (),
        )


@asynccontextmanager
async def open_steward() -> AsyncIterator[Steward]:
    """Give a steward that comes in by the operator's door of the exchange that is reached."""
    async with reach.ledger("operator") as client:
        yield Steward(client, clock=SystemClock())
