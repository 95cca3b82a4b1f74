"""``exchange approver``: whose keys sign approvals of erasures, registered once and vouched for by each other."""

import re
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

_HASH = re.compile(r"[0-9a-f]{64}\Z")

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
    recovered: Annotated[
        bool, typer.Option("--recovered", help="Too few are left to vouch, and the ledger's settings name this key")
    ] = False,
) -> None:
    """Let an account sign approvals by a key. From the first key on, every approval must be signed.

    The first approver vouches for the second, and two for each further key. The key stays with its owner: give its
    .jwk file.
    """
    if recovered and vouched:
        raise typer.BadParameter("give either --vouched or --recovered")

    async def work() -> None:
        vouchers = [parse_signed(each) for each in vouched or []]
        public = read_public_key(key)
        async with open_steward() as acting:
            if recovered:
                await acting.recover_approver(parse_account(account), public, by=by)
            else:
                await acting.add_approver(parse_account(account), public, vouchers=vouchers, by=by)
            typer.echo(f"{account} approves by the key {public.thumbprint} from now on")

    reach.run(work())


@approver_app.command("vouch")
def vouch(
    account: Account,
    key: KeyFile,
    own: OwnKey,
    as_of: Annotated[str, typer.Option(help="The 64 characters that `approver list` ends with")],
) -> None:
    """Sign, as an approver, that a key is an account's, and print the line for `approver add --vouched`.

    Needs no exchange: do it where your key is, and only once you have the new key from its owner's own hands.
    """
    if not _HASH.match(as_of):
        raise typer.BadParameter("give the 64 characters that `exchange approver list` ends with")
    text = vouching_text(parse_account(account), read_public_key(key).thumbprint, as_of=bytes.fromhex(as_of))
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
        if approvers.must_sign:
            typer.echo(f"To vouch for a further key: --as-of {approvers.as_of.hex()}")

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
    vouched = f"vouched for by {', '.join(key.vouched_by) or 'nobody'}" + ", RECOVERED" * key.recovered
    return f"since entry {key.position}, {vouched}" + (f", revoked {key.revoked_at}" if key.revoked_at else "")
