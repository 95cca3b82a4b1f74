"""``exchange hold``, ``exchange erasure``: what must be kept, and erasing with two people's approval."""

from typing import Annotated

import typer

from cli import reach
from cli.account import By
from cli.approving import show_proposal, sign_approval
from cli.proposals_text import APPROVE, proposals_text
from cli.steward import CarriedOut, open_steward
from shared.clock import SystemClock
from shared.errors import InvalidInput
from shared.identifiers import parse_child_ref, parse_entry_id
from shared.ledger.approvers import parse_signed
from shared.ledger.stewardship import APPROVALS_NEEDED, SCOPE_CHILD, Target
from shared.vocabulary import EntryType

hold_app = typer.Typer(help="Legal holds: what must not be erased.", no_args_is_help=True)
erasure_app = typer.Typer(help="Erasing: proposed by one, approved by two others.", no_args_is_help=True)

Ground = Annotated[str, typer.Option(help="The legal ground, a code such as uk_gdpr_art_17_1_b")]
Reason = Annotated[str, typer.Option(help="Why, a code such as consent_withdrawn")]
SignedLine = Annotated[
    str, typer.Option("--signed", help="The line that `erasure sign` printed; needed once approvers have keys")
]
Note = Annotated[str, typer.Option(help="Anything that names people: it is sealed")]


@hold_app.command("place")
def place_hold(
    child: Annotated[str, typer.Argument(help="The child's reference")],
    authority: Ground,
    reason: Reason,
    by: By,
    note: Note = "",
) -> None:
    """Forbid erasing anything about a child until the hold is lifted."""

    async def work() -> None:
        async with open_steward() as acting:
            hold = await acting.place_hold(
                parse_child_ref(child), authority=authority, reason=reason, by=by, note=note or None
            )
            typer.echo(f"hold {hold} is in force")

    reach.run(work())


@hold_app.command("lift")
def lift_hold(
    hold: Annotated[str, typer.Argument(help="The hold's id, from `hold list`")], reason: Reason, by: By
) -> None:
    """Lift a hold."""

    async def work() -> None:
        async with open_steward() as acting:
            await acting.lift_hold(parse_entry_id(hold), reason=reason, by=by)
            typer.echo(f"hold {hold} is lifted")

    reach.run(work())


@hold_app.command("list")
def list_holds() -> None:
    """List the holds in force."""

    async def work() -> None:
        async with open_steward() as acting:
            holds = (await acting.stewardship()).holds
        typer.echo(f"{len(holds)} in force")
        for name, hold in holds.items():
            typer.echo(f"{name}  child {hold.child}  {hold.authority}  {hold.reason}  by {hold.by}")

    reach.run(work())


@erasure_app.command("request")
def request_erasure(
    authority: Ground,
    reason: Reason,
    by: By,
    child: Annotated[str, typer.Option(help="The child's reference: erases all that is known of it")] = "",
    entry: Annotated[str, typer.Option(help="One entry's id: erases what is sealed in it")] = "",
    note: Note = "",
) -> None:
    """Propose to erase a child or one entry. Nothing is erased until two others approve and it is carried out."""
    if bool(child) == bool(entry):
        raise typer.BadParameter("give either --child or --entry")

    async def work() -> None:
        async with open_steward() as acting:
            target = (
                Target(SCOPE_CHILD, parse_child_ref(child))
                if child
                else await acting.target_of_entry(parse_entry_id(entry))
            )
            proposal = await acting.propose_erasure(
                target, authority=authority, reason=reason, by=by, note=note or None
            )
            typer.echo(f"{proposal} is proposed. Next: exchange erasure approve {proposal} --by …, by two others")

    reach.run(work())


def approve_as(kind: EntryType, proposal: str, *, by: str, signed: str) -> None:
    """Approve a proposal of that kind. Raises InvalidInput when it is of the other: who approves knows what it is."""
    signature = parse_signed(signed) if signed else None

    async def work() -> None:
        async with open_steward() as acting:
            open_now = (await acting.stewardship()).proposals.get(parse_entry_id(proposal))
            if open_now is not None and open_now.type is not kind:
                raise InvalidInput(
                    "that is a retention run" if kind is EntryType.ERASURE_PROPOSED else "that is no retention run",
                    remedy=f"Look at it: exchange erasure list. Then: exchange {APPROVE[open_now.type]} {proposal}",
                )
            await acting.approve(parse_entry_id(proposal), by=by, signed=signature)
            known = (await acting.stewardship()).proposals[parse_entry_id(proposal)]
            typer.echo(f"{len(known.approved_by)} of {APPROVALS_NEEDED} have approved {proposal}")
            if known.is_approved:
                typer.echo(f"Next: exchange erasure carry-out {proposal} --by …")

    reach.run(work())


erasure_app.command("show")(show_proposal)
erasure_app.command("sign")(sign_approval)


@erasure_app.command("approve")
def approve(
    proposal: Annotated[str, typer.Argument(help="The id that the proposal was given")], by: By, signed: SignedLine = ""
) -> None:
    """Approve a proposal, as somebody who neither proposed nor approved it."""
    approve_as(EntryType.ERASURE_PROPOSED, proposal, by=by, signed=signed)


@erasure_app.command("withdraw")
def withdraw(
    proposal: Annotated[str, typer.Argument(help="The id of a proposal or a retention run")],
    reason: Annotated[str, typer.Option(help="Why, a code such as asked_in_error")],
    by: By,
    note: Note = "",
) -> None:
    """Take back a proposal or a retention run that is not carried out yet. Anybody may; it can be proposed again."""

    async def work() -> None:
        async with open_steward() as acting:
            await acting.withdraw(parse_entry_id(proposal), reason=reason, by=by, note=note or None)
            typer.echo(f"{proposal} is withdrawn: nothing more is erased by it")

    reach.run(work())


@erasure_app.command("list")
def list_proposals() -> None:
    """List what is proposed and not yet carried out, with what each still lacks, and what was withdrawn."""

    async def work() -> None:
        async with open_steward() as acting:
            state = await acting.stewardship()
        for line in proposals_text(state, now=SystemClock().now()):
            typer.echo(line)

    reach.run(work())


@erasure_app.command("carry-out")
def carry_out(proposal: Annotated[str, typer.Argument(help="The id of a proposal or a retention run")], by: By) -> None:
    """Erase what an approved proposal or run names. Exits 1 when something was left because a hold protects it."""

    async def work() -> CarriedOut:
        async with open_steward() as acting:
            return await acting.carry_out(parse_entry_id(proposal), by=by)

    done = reach.run(work())
    for name, position in done.erased.items():
        typer.echo(f"{name} is erased (entry {position})")
    for name, refusal in done.refused.items():
        remedy = f". {refusal.remedy}" if refusal.remedy else ""
        typer.echo(f"{name} is NOT erased: {refusal.detail}{remedy}")
    raise typer.Exit(1 if done.refused else 0)
