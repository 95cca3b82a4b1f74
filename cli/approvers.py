"""``exchange approver``: whose keys sign approvals of erasures, registered once and vouched for by each other."""

from pathlib import Path
from typing import Annotated

import typer

from cli import reach
from cli.account import By
from cli.agency_keys import MAY_BEGIN_WITH_A_HYPHEN
from cli.as_operator import KeyFile, read_public_key
from cli.steward import open_steward
from client.files import private_key
from shared.identifiers import parse_account
from shared.ledger.approvers import ApproverKey, parse_signed, sign_text, vouching_text

approver_app = typer.Typer(help="Who signs approvals of erasures, and by which key.", no_args_is_help=True)

Account = Annotated[str, typer.Argument(help="The account that approves by this key, never a name")]
OwnKey = Annotated[Path, typer.Option("--with", help="Your own private key, PKCS#8 PEM, registered as an approver's")]


@approver_app.command("add")
def add_approver(
    account: Account,
    key: KeyFile,
    by: By,
    vouched: Annotated[
        list[str] | None, typer.Option(help="The line that `approver vouch` printed for another approver; repeatable")
    ] = None,
) -> None:
    """Let an account sign approvals by a key. From the first key on, every approval must be signed.

    Two approvers vouch for each further key, or the one there is. The key stays with its owner: give its .jwk file.
    """

    async def work() -> None:
        vouchers = [parse_signed(each) for each in vouched or []]
        public = read_public_key(key)
        async with open_steward() as acting:
            await acting.add_approver(parse_account(account), public, vouchers=vouchers, by=by)
            typer.echo(f"{account} approves by the key {public.thumbprint} from now on")

    reach.run(work())


@approver_app.command("vouch")
def vouch(account: Account, key: KeyFile, own: OwnKey) -> None:
    """Sign, as an approver, that a key is an account's, and print the line for `approver add --vouched`.

    Needs no exchange: do it where your key is, and only once you have the new key from its owner's own hands.
    """
    text = vouching_text(parse_account(account), read_public_key(key).thumbprint)
    typer.echo(sign_text(text, key=private_key(own)).text())


@approver_app.command("list")
def list_approvers() -> None:
    """List the keys that sign approvals, or did, with who vouched for each."""

    async def work() -> None:
        async with open_steward() as acting:
            approvers = (await acting.stewardship()).approvers
        signed = "are signed" if approvers.must_sign else "are not signed: no key was registered yet"
        typer.echo(f"{len(approvers.accounts())} approvers have a key; approvals {signed}")
        for thumbprint, key in approvers.keys.items():
            typer.echo(f"{thumbprint}  {key.account}  {_standing(key)}")

    reach.run(work())


@approver_app.command("revoke", context_settings=MAY_BEGIN_WITH_A_HYPHEN)
def revoke_approver(
    thumbprint: Annotated[str, typer.Argument(help="Which key, from `approver list`")],
    by: By,
    reason: Annotated[str, typer.Option(help="Why, a code such as lost, rotated, compromised or person_left")],
) -> None:
    """Revoke an approver's key, now and for good. What it approved stays approved: withdraw that if it must not."""

    async def work() -> None:
        async with open_steward() as acting:
            await acting.revoke_approver(thumbprint, reason=reason, by=by)
            typer.echo(f"{thumbprint} approves and vouches no more")

    reach.run(work())


def _standing(key: ApproverKey) -> str:
    vouched = f"vouched for by {', '.join(key.vouched_by)}" if key.vouched_by else "vouched for by nobody"
    return f"since entry {key.position}, {vouched}" + (f", revoked {key.revoked_at}" if key.revoked_at else "")
