"""``exchange audit export``: the ledger in one file, to be checked offline by whoever gets it."""

from pathlib import Path
from typing import IO, Annotated

import typer

from cli import reach
from cli.audit_access import AUDITOR, Access, access_to
from services.ledger.audit.export import Wanted, export_bundle
from services.ledger.audit.stored_log import open_stored_log
from shared.errors import Conflict
from shared.identifiers import parse_child_ref
from shared.transparency.checkpoint import Checkpoint


def export(
    file: Annotated[Path, typer.Argument(help="Where to write the bundle, a zip file that is not there yet")],
    child: Annotated[list[str] | None, typer.Option(help="Only these children's sealed sections; repeatable")] = None,
    database_url: Annotated[str, typer.Option(envvar="DATABASE_URL", help="Default: the exchange running here")] = "",
    password_file: Annotated[Path | None, typer.Option(help=f"File with the password of {AUDITOR}")] = None,
) -> None:
    """Write every entry, every signed checkpoint and the sealed sections into one file, with the program to check it.

    Everything that was sealed stays sealed. Whoever gets the file checks it with `python verify.py` or with
    `exchange audit verify --bundle`, and with the log's key, which they must have from elsewhere.
    """
    wanted = Wanted(frozenset(parse_child_ref(ref) for ref in child) if child else None)
    try:
        written = file.open("xb")
    except FileExistsError as error:
        raise Conflict(
            f"{file} is there already", remedy="Evidence is never overwritten: name another file."
        ) from error
    try:
        with written:
            ends = reach.run(_export(access_to(database_url, password_file), written, wanted))
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    typer.echo(f"{file}: {ends.size} entries, root {ends.root.hex()}. Nothing in it is opened.")


async def _export(access: Access, file: IO[bytes], wanted: Wanted) -> Checkpoint:
    async with open_stored_log(access.database_url, user=AUDITOR, password=access.password) as stored:
        return await export_bundle(stored, file, wanted=wanted)
