"""``exchange audit export``: the ledger in one file, to be checked offline by whoever gets it."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated

import typer

from cli import reach
from cli.audit_access import AUDITOR, Access, access_to, published_checkpoint
from services.ledger.audit.export import Opened, Opening, Wanted, check_known, export_bundle, positions_of
from services.ledger.audit.stored_log import StoredLog, open_stored_log
from shared.errors import Conflict, InvalidInput, NotFound
from shared.identifiers import parse_account, parse_child_ref
from shared.ledger.audit_messages import BreakGlass
from shared.transparency.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True)
class Glass:
    """Why sealed content is opened: a code of ``shared.vocabulary.OpeningReason``, and words."""

    reason: str
    note: str
    by: str


def export(
    file: Annotated[Path, typer.Argument(help="Where to write the bundle, a zip file that is not there yet")],
    child: Annotated[list[str] | None, typer.Option(help="Only these children's sealed sections; repeatable")] = None,
    open_content: Annotated[
        bool, typer.Option("--open", help="Break-glass: open the chosen children's content into the bundle")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why: practice_review, inspection, complaint, court_order …")] = "",
    note: Annotated[str, typer.Option(help="Why, in words; it is sealed with the record of each opening")] = "",
    by: Annotated[str, typer.Option(help="The account of who opens it, never a name")] = "",
    cosigned: Annotated[
        list[Path] | None, typer.Option(help="A published checkpoint with witnesses' cosignatures; repeatable")
    ] = None,
    database_url: Annotated[str, typer.Option(envvar="DATABASE_URL", help="Default: the exchange running here")] = "",
    password_file: Annotated[Path | None, typer.Option(help=f"File with the password of {AUDITOR}")] = None,
) -> None:
    """Write every entry, every signed checkpoint and the sealed sections into one file, with the program to check it.

    Everything that was sealed stays sealed, unless --open asks for chosen children's content against a reason: then
    each opening is recorded as an entry first, and the bundle says what is open in it and why. Whoever gets the file
    checks it with `python verify.py` or with `exchange audit verify --bundle`, and with the log's key, which they must
    have from elsewhere. Cosignatures are published beside the log, as its file ``checkpoint``, and not in its
    database: name such files with --cosigned. Without it, an exchange that runs here gives the one it published last.
    """
    if open_content and not (child and reason and note and by):
        raise InvalidInput(
            "content is opened of chosen children, against a reason, by somebody",
            remedy="Give --child, --reason, --note and --by.",
        )
    if not open_content and (reason or note or by):
        raise InvalidInput(
            "a reason, a note and who it is by are of an opening, and nothing is opened", remedy="Give --open too."
        )
    wanted = Wanted(frozenset(parse_child_ref(ref) for ref in child) if child else None)
    try:
        written = file.open("xb")
    except FileExistsError as error:
        raise Conflict(
            f"{file} is there already", remedy="Evidence is never overwritten: name another file."
        ) from error
    try:
        with written:
            access = access_to(database_url, password_file)
            glass = Glass(reason, note, parse_account(by)) if open_content else None
            notes = [path.read_bytes() for path in cosigned or []]
            if not (notes or (database_url and password_file)):
                notes = reach.run(published_checkpoint())
            ends, opened = reach.run(_export(access, written, wanted, glass, notes))
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    typer.echo(f"{file}: {ends.size} entries, root {ends.root.hex()}.")
    if opened:
        typer.echo(f"OPENED CONTENT in it: {opened} sections, each opening on the record.")
    elif open_content:
        typer.echo("Nothing is open: nothing is left that could be opened, such as after an erasure.")
    else:
        typer.echo("Nothing is open.")


async def _export(
    access: Access, file: IO[bytes], wanted: Wanted, glass: Glass | None, cosigned: list[bytes]
) -> tuple[Checkpoint, int]:
    async with open_stored_log(access.database_url, user=AUDITOR, password=access.password) as stored:
        # Whether the children are known comes before the glass is broken: each opening stays on the record.
        await check_known(stored, wanted)
        opening = await _open(stored, wanted, glass) if glass is not None else None
        ends = await export_bundle(stored, file, wanted=wanted, opening=opening, cosigned=cosigned)
        return ends, len(opening.sections) if opening is not None else 0


async def _open(stored: StoredLog, wanted: Wanted, glass: Glass) -> Opening:
    """Open what the chosen children's entries hold, each opening on the record; what was erased stays away."""
    run, opened = secrets.token_hex(8), list[Opened]()
    async with reach.ledger("auditor") as ledger:
        async for position, entry_id, sections in positions_of(stored, wanted):
            for section in sections:
                try:
                    broken = await ledger.break_glass(
                        BreakGlass(entry_id, section, glass.reason, glass.note, run, by=glass.by)
                    )
                except NotFound:
                    continue
                opened.append(Opened(position, section, broken.salt + broken.content))
    return Opening(glass.reason, run, opened)
