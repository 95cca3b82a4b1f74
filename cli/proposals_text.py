"""What is proposed to be erased, in words: who proposed it and when, who approved it, and what it still lacks."""

from collections.abc import Iterator
from datetime import datetime

from shared.clock import parse_rfc3339
from shared.ledger.stewardship import APPROVALS_NEEDED, SCOPE_CHILD, Proposal, Stewardship
from shared.vocabulary import EntryType

APPROVE = {EntryType.ERASURE_PROPOSED: "erasure approve", EntryType.RETENTION_PROPOSED: "retention approve"}
"""The command that approves each kind of proposal."""


def proposals_text(state: Stewardship, *, now: datetime) -> Iterator[str]:
    """Yield the lines of a list: first what is open, the oldest first, then what was withdrawn."""
    yield f"{len(state.proposals)} open, {len(state.erased)} erased, {len(state.withdrawn)} withdrawn"
    for proposal in state.proposals.values():
        yield from _open(proposal, state, now)
    for name, withdrawal in state.withdrawn.items():
        yield f"{name}  withdrawn {withdrawal.withdrawn_at} by {withdrawal.by}: {withdrawal.reason}"


def _open(proposal: Proposal, state: Stewardship, now: datetime) -> Iterator[str]:
    kind = "retention run" if proposal.type is EntryType.RETENTION_PROPOSED else "erasure"
    yield (
        f"{proposal.id}  {kind} proposed {proposal.proposed_at} by {proposal.by}, "
        f"{_age(now, since=parse_rfc3339(proposal.proposed_at))} ago"
    )
    yield f"  would erase: {would_erase(proposal)}"
    yield f"  ground {proposal.authority}, reason {proposal.reason}"
    signed = state.approvers.must_sign
    said = " (signed)" * signed
    yield f"  approved by: {', '.join(by + said for by in proposal.approved_by) or 'nobody'}"
    yield f"  missing: {_missing(proposal, signed=signed)}"
    held = [hold for target in proposal.left.values() for hold in state.holds_on(target.child)]
    if held:
        yield f"  held: nothing under {', '.join(held)} is erased before that hold is lifted"


def would_erase(proposal: Proposal) -> str:
    """Return in words what a proposal that is not carried out would still erase."""
    if len(proposal.left) > 1:
        return f"{len(proposal.left)} children"
    (target,) = proposal.left.values()
    if target.scope == SCOPE_CHILD:
        return f"all that is known of child {target.child}"
    return f"entry {target.entry}" + (f" about child {target.child}" if target.child is not None else "")


def _missing(proposal: Proposal, *, signed: bool) -> str:
    lacking = APPROVALS_NEEDED - len(proposal.approved_by)
    if lacking <= 0:
        return f"nothing. Next: exchange erasure carry-out {proposal.id} --by …"
    barred = " or ".join((proposal.by, *proposal.approved_by))
    return (
        f"{lacking} {'signed ' * signed}approval{'s' * (lacking != 1)}, not by {barred}. "
        f"Next: exchange {APPROVE[proposal.type]} {proposal.id} --by …" + " --signed …" * signed
    )


def _age(now: datetime, *, since: datetime) -> str:
    """Return how long ago in whole days, hours or minutes. A sandbox's clock may be ahead of this one: then 0."""
    minutes = max(0, int((now - since).total_seconds() // 60))
    count, unit = minutes, "minute"
    if minutes >= 24 * 60:
        count, unit = minutes // (24 * 60), "day"
    elif minutes >= 60:
        count, unit = minutes // 60, "hour"
    return f"{count} {unit}{'s' * (count != 1)}"
