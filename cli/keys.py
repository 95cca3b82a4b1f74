"""``exchange key``: the keys that the ledger itself holds. Agencies' own keys are ``exchange agency key``."""

from typing import Annotated

import typer

from cli import reach
from cli.account import By
from shared.ledger.client import LedgerClient
from shared.ledger.key_messages import RewrapDataKeys

app = typer.Typer(help="The ledger's own keys: list them, rotate them, destroy old ones.", no_args_is_help=True)


@app.command("list")
def list_keys() -> None:
    """List the keys that wrap data keys, the oldest first, and how many data keys are wrapped under each."""

    async def work() -> None:
        async with reach.ledger("operator") as ledger:
            for key in (await ledger.encryption_keys()).keys:
                state = "wraps what is new" if key.current else "opens only"
                typer.echo(f"{key.kek_id}: {state}, {key.data_keys} data keys")

    reach.run(work())


@app.command("rotate-encryption")
def rotate_encryption(by: By) -> None:
    """Make a new key-encryption key, and wrap every living data key under it. Acceptance goes on meanwhile.

    Interrupted, it is finished by `exchange key rewrap`.
    """

    async def work() -> None:
        async with reach.ledger("operator") as ledger:
            rotated = await ledger.rotate_encryption_key(by=by)
            typer.echo(f"{rotated.kek_id} wraps what is new (entry {rotated.position})")
            await _rewrap(ledger)
            typer.echo(f"Next, once its backups may go too: exchange key destroy-encryption {rotated.previous} --by …")

    reach.run(work())


@app.command("rewrap")
def rewrap() -> None:
    """Go on wrapping data keys under the current key, from wherever it was interrupted."""

    async def work() -> None:
        async with reach.ledger("operator") as ledger:
            await _rewrap(ledger)

    reach.run(work())


@app.command("destroy-encryption")
def destroy_encryption(kek_id: Annotated[str, typer.Argument(help="Its id, from `exchange key list`")], by: By) -> None:
    """Destroy a key that nothing is wrapped under any more. What was erased under it is then gone for good."""

    async def work() -> None:
        async with reach.ledger("operator") as ledger:
            typer.echo(f"{kek_id} is destroyed (entry {await ledger.destroy_encryption_key(kek_id, by=by)})")

    reach.run(work())


async def _rewrap(ledger: LedgerClient) -> None:
    count, after = 0, ""
    while True:
        done = await ledger.rewrap_data_keys(RewrapDataKeys(after))
        count += done.count
        if done.after is None:
            break
        after = done.after
    typer.echo(f"{count} data keys wrapped anew")
