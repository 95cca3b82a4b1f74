"""``exchange erasure show`` and ``sign``: what is proposed, word for word, and an approver's signature."""

from pathlib import Path
from typing import Annotated

import typer

from cli import reach
from cli.account import By
from cli.proposals_text import APPROVE, would_erase
from cli.steward import open_steward
from client.files import private_key
from shared.entries import parse_entry
from shared.errors import InvalidInput
from shared.identifiers import parse_account, parse_entry_id
from shared.ledger.approvers import approval_text, sign_text
from shared.ledger.stewardship import Proposal, Stewardship


def show_proposal(proposal: Annotated[str, typer.Argument(help="The id of a proposal or a retention run")]) -> None:
    """Print the entry that proposes, as it stands in the ledger: what an approver reads and signs."""

    async def work() -> bytes:
        async with open_steward() as acting:
            return await acting.proposing_entry(parse_entry_id(proposal))

    typer.echo(reach.run(work()).decode("utf-8"))


def sign_approval(
    file: Annotated[Path, typer.Argument(help="What `exchange erasure show` printed, in a file")],
    by: By,
    key: Annotated[Path, typer.Option("--key", help="Your own private key, PKCS#8 PEM, registered as an approver's")],
) -> None:
    """Sign, as an approver, what a file proposes, and print the line for `approve --signed`. Needs no exchange."""
    proposal = _proposal_in(file.read_bytes().strip())
    account, signer = parse_account(by), private_key(key)
    typer.echo(
        f"{account} approves what {proposal.by} proposed on {proposal.proposed_at}: to erase {would_erase(proposal)}; "
        f"ground {proposal.authority}, reason {proposal.reason}",
        err=True,
    )
    text = approval_text(proposal.id, entry_hash=proposal.entry_hash, by=account)
    typer.echo(sign_text(text, key=signer).text())


def _proposal_in(leaf: bytes) -> Proposal:
    entry = parse_entry(leaf)
    if entry.type not in APPROVE:
        raise InvalidInput("that entry proposes nothing", remedy="Give what `exchange erasure show` printed.")
    return Stewardship().with_entry(entry).proposals[entry.id]
