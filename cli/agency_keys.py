"""``exchange agency key``: which keys sign for an agency, from when to when; revoked, and what a stolen one signed."""

from typing import Annotated

import typer

from cli import reach
from cli.account import By
from cli.as_operator import KeyFile, moment, operator, read_public_key
from cli.revocation_reason import CODES
from shared.entries import Entry
from shared.vocabulary import EntryType

key_app = typer.Typer(help="An agency's keys. Add the new one before the old one ends.", no_args_is_help=True)

MAY_BEGIN_WITH_A_HYPHEN = {"ignore_unknown_options": True}
"""One thumbprint in 64 looks like an option, being base64url."""


@key_app.command("add")
def add_key(
    agency: str,
    key: KeyFile,
    valid_from: Annotated[str, typer.Option(help="When it begins to count, if not at once")] = "",
    valid_until: Annotated[str, typer.Option(help="When it ends, such as 2027-11-24T00:00:00Z")] = "",
) -> None:
    """Let a key sign for an agency. Give the same key again to change its dates; let two overlap to rotate."""

    async def work() -> None:
        begins, ends = moment(valid_from), moment(valid_until)
        async with operator() as acting:
            public = read_public_key(key)
            position = await acting.add_key(agency, public, valid_from=begins, valid_until=ends)
            typer.echo(f"{public.thumbprint} may sign for {agency} (entry {position})")

    reach.run(work())


@key_app.command("revoke", context_settings=MAY_BEGIN_WITH_A_HYPHEN)
def revoke_key(
    thumbprint: str,
    by: By,
    reason: Annotated[str, typer.Option(help=f"One of the codes: {CODES}")] = "rotated",
    compromised_from: Annotated[
        str, typer.Option(help="What it signed from this moment on is suspect; needed for compromised")
    ] = "",
) -> None:
    """Revoke a key, now and for good."""

    async def work() -> None:
        async with operator() as acting:
            since = moment(compromised_from)
            position = await acting.revoke_key(thumbprint, reason=reason, by=by, compromised_from=since)
            typer.echo(f"{thumbprint} is revoked (entry {position})")
            if since is not None:
                _show_suspects(await acting.suspects(thumbprint))

    reach.run(work())


@key_app.command("suspects", context_settings=MAY_BEGIN_WITH_A_HYPHEN)
def list_suspects(thumbprint: str) -> None:
    """List what a compromised key signed from its compromise on, by position, time and type, for people to look at."""

    async def work() -> None:
        async with operator() as acting:
            _show_suspects(await acting.suspects(thumbprint))

    reach.run(work())


def _show_suspects(entries: list[Entry]) -> None:
    for entry in entries:
        typer.echo(f"  {entry.position}  {entry.time}  {entry.type}  {entry.id}")
    typer.echo(f"{len(entries)} entries are suspect" if entries else "Nothing that it signed is suspect")
    for entry in entries:
        if entry.type is EntryType.AGENCY_KEY_ADDED:
            # Whoever stole a key may have let themselves in by another before it was revoked.
            typer.echo(f"It added the key {entry.facts['thumbprint']}: revoke that too unless the agency knows it")
