"""``exchange audit export``: the ledger in one file, to be checked offline by whoever gets it."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer

from cli import reach
from cli.audit_access import AUDITOR, access_to, on_the_command_line, published_checkpoint
from cli.audited_ledger import AuditorKey, GatewayUrl, named_gateway
from cli.break_glass import Glass
from cli.exporting import Chosen, write_bundle
from shared.errors import Conflict, InvalidInput
from shared.identifiers import parse_account, parse_child_ref


def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to write the bundle, a zip file that is not there yet")],
    child: Annotated[list[str] | None, typer.Option(help="Only these children's sealed sections; repeatable")] = None,
    open_content: Annotated[
        bool, typer.Option("--open", help="Break-glass: open the chosen children's content into the bundle")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why: practice_review, inspection, complaint, court_order …")] = "",
    note: Annotated[str, typer.Option(help="Why, in words; it is sealed with the record of each opening")] = "",
    by: Annotated[
        str, typer.Option(help="The account of who opens it, never a name; at a gateway it is who signs")
    ] = "",
    cosigned: Annotated[
        list[Path] | None, typer.Option(help="A published checkpoint with witnesses' cosignatures; repeatable")
    ] = None,
    database_url: Annotated[str, typer.Option(envvar="DATABASE_URL", help="Default: the exchange running here")] = "",
    password_file: Annotated[Path | None, typer.Option(help=f"File with the password of {AUDITOR}")] = None,
    url: GatewayUrl = None,
    key: AuditorKey = None,
) -> None:
    """Write every entry, every signed checkpoint and the sealed sections into one file, with the program to check it.

    Everything that was sealed stays sealed, unless --open asks for chosen children's content against a reason: then
    each opening is recorded as an entry first, and the bundle says what is open in it and why. Whoever gets the file
    checks it with `python verify.py` or with `exchange audit verify --bundle`, and with the log's key, which they must
    have from elsewhere. Cosignatures are published beside the log, as its file ``checkpoint``, and not in its
    database: name such files with --cosigned. Without it, an exchange that runs here gives the one it published last.

    From a gateway (--url, --key) comes what is published: every entry, and the latest checkpoint with its
    cosignatures. Nothing that is sealed comes from there but what --open opens.
    """
    gateway = named_gateway(url, key)
    if gateway is not None:
        _check_asked_afar(
            beside=password_file is not None or on_the_command_line(context, "database_url"),
            sections=bool(child) and not open_content,
            by=by,
        )
    if open_content and not (child and reason and note and (by or gateway is not None)):
        raise InvalidInput(
            "content is opened of chosen children, against a reason, by somebody",
            remedy="Give --child, --reason, --note and --by." if gateway is None else "Give --child, --reason, --note.",
        )
    if not open_content and (reason or note or by):
        raise InvalidInput(
            "a reason, a note and who it is by are of an opening, and nothing is opened", remedy="Give --open too."
        )
    children = frozenset(map(parse_child_ref, child)) if child else None
    glass = None
    if open_content:
        glass = Glass(reason, note, parse_account(by) if gateway is None else "", secrets.token_hex(8))
    with _new(file) as written:
        notes = [path.read_bytes() for path in cosigned or []]
        if not (notes or gateway is not None or (database_url and password_file)):
            notes = reach.run(published_checkpoint())
        source = gateway or access_to(database_url, password_file)
        ends, opened = reach.run(write_bundle(written, source, Chosen(children, glass), cosigned=notes))
    typer.echo(f"{file}: {ends.size} entries, root {ends.root.hex()}.")
    if opened:
        typer.echo(f"OPENED CONTENT in it: {opened} sections, each opening on the record.")
    elif open_content:
        typer.echo("Nothing is open: nothing is left that could be opened, such as after an erasure.")
    else:
        typer.echo("Nothing is open.")
    if gateway is not None:
        typer.echo("No sealed section is in it: a gateway gives none.")


def _check_asked_afar(*, beside: bool, sections: bool, by: str) -> None:
    """Raise InvalidInput for what a gateway has no part in."""
    if beside:
        raise InvalidInput("--url and --database-url name different ledgers", remedy="Give one of them.")
    if sections:
        raise InvalidInput(
            "a gateway gives nothing that is sealed, so no child's sealed sections either",
            remedy="Leave --child out, or open their content with --open, against a reason.",
        )
    if by:
        raise InvalidInput("at a gateway whoever signs is who opens", remedy="Leave --by out.")


@contextmanager
def _new(file: Path) -> Iterator[IO[bytes]]:
    """Give a file that was not there; what could not be finished is taken away again."""
    try:
        written = file.open("xb")
    except FileExistsError as error:
        raise Conflict(
            f"{file} is there already", remedy="Evidence is never overwritten: name another file."
        ) from error
    try:
        with written:
            yield written
    except BaseException:
        file.unlink(missing_ok=True)
        raise
