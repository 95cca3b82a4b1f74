"""``exchange audit verify``: checking the ledger. The other commands of ``exchange audit`` join it here."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cli import audit_export, audit_questions, reach
from cli.audit_access import AUDITOR, access_to
from cli.audit_signatures import check_signatures, signatures_text
from cli.gateway_tiles import GatewayTiles
from client.exchange_client import ExchangeClient
from client.files import private_key
from deploy.local.exchange import LocalExchange
from services.ledger.adapters.guard_file import GuardFile
from services.ledger.adapters.http_tiles import HttpTiles
from services.ledger.audit import bundle_verifier
from services.ledger.audit.findings import Report
from services.ledger.audit.signatures import SignatureReport
from services.ledger.audit.stored_log import open_stored_log
from services.ledger.audit.tile_log import verify_tiles
from services.ledger.audit.verify import verify_log
from shared.errors import InvalidInput
from shared.transparency.checkpoint import read_unverified_checkpoint
from shared.transparency.signed_note import NoteVerifier
from shared.transparency.verifier_key import parse_verifier_key

app = typer.Typer(help="Check the ledger and replay it.", no_args_is_help=True)
app.command("replay")(audit_questions.replay_entries)
app.command("who-knew")(audit_questions.ask_who_knew)
app.command("export")(audit_export.export)


async def audit_ledger(exchange: LocalExchange) -> Report:
    """Return what a full check of a local exchange's ledger finds, held against its guard file as well."""
    verifier = parse_verifier_key(exchange.log_verifier_key())
    return await _verify(
        exchange.database_url,
        password=exchange.secrets.role_passwords()[AUDITOR],
        verifier=verifier,
        older=_guarded(exchange.guard_file),
    )


@app.command()
def verify(
    database_url: Annotated[str, typer.Option(envvar="DATABASE_URL", help="Default: the exchange running here")] = "",
    password_file: Annotated[Path | None, typer.Option(help=f"File with the password of {AUDITOR}")] = None,
    log_key: Annotated[str, typer.Option(help="The log's verifier key, kept by you; default: from its key file")] = "",
    checkpoint: Annotated[list[Path] | None, typer.Option(help="A checkpoint you kept; repeatable")] = None,
    bundle: Annotated[Path | None, typer.Option(help="Check an exported file instead, offline")] = None,
    since: Annotated[Path | None, typer.Option(help="Check only what came after this checkpoint you kept")] = None,
    url: Annotated[str, typer.Option(help="Check a log's static files instead, below this URL")] = "",
    key: Annotated[Path | None, typer.Option(help="An auditor's private key: the URL is a gateway's")] = None,
    witness_key: Annotated[list[str] | None, typer.Option(help="A witness's verifier key; repeatable")] = None,
    signatures: Annotated[
        bool, typer.Option("--signatures", help="Check agencies' signatures too: one opening, on the record")
    ] = False,
    bodies: Annotated[
        bool,
        typer.Option("--bodies", help="And that each sealed body is what was signed"),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON")] = False,
) -> None:
    """Recompute everything from stored bytes and name the first bad position. Exits 1 when anything is wrong.

    Needs the log's key from outside the database, and better still a checkpoint you kept: without one, a history that
    was rewritten and re-signed would pass.
    """
    if bodies and not signatures:
        raise InvalidInput("a body is held against its signature", remedy="Give --signatures too.")
    if signatures and (bundle is not None or url):
        raise InvalidInput(
            "signatures are sealed: only the ledger itself can open them", remedy="Leave --url and --bundle out."
        )
    if bundle is not None:
        raise typer.Exit(_verify_bundle(bundle, log_key, checkpoint or [], witness_key or [], as_json=as_json))
    if key is not None and not url:
        raise InvalidInput("an auditor's key signs requests to a gateway", remedy="Give the gateway's --url too.")
    here = reach.addresses() if not (log_key and (url or (database_url and password_file))) else None
    verifier = parse_verifier_key(log_key or (here.log_key if here else ""))
    older = [path.read_bytes() for path in checkpoint or []]
    witnesses = [parse_verifier_key(text) for text in witness_key or []]
    if url:
        report = reach.run(_verify_url(url, key, verifier=verifier, older=older, witnesses=witnesses))
    else:
        if here is not None:
            older.extend(_guarded(Path(here.guard_file)))
        access = access_to(database_url, password_file)
        known = since.read_bytes() if since is not None else None
        report = reach.run(
            _verify(
                access.database_url,
                password=access.password,
                verifier=verifier,
                older=older,
                since=known,
                witnesses=witnesses,
            )
        )
    checked = reach.run(_check_signatures(report.size, bodies=bodies)) if signatures else None
    if as_json:
        said = {**msgspec.to_builtins(report), "intact": report.intact, "signatures": msgspec.to_builtins(checked)}
        typer.echo(msgspec.json.encode(said).decode())
    else:
        _explain(report, older)
        for line in signatures_text(checked) if checked is not None else ():
            typer.echo(line)
    raise typer.Exit(0 if report.intact and (checked is None or checked.sound) else 1)


async def _check_signatures(size: int, *, bodies: bool) -> SignatureReport:
    async with reach.ledger("auditor") as ledger:
        return await check_signatures(ledger, size=size, bodies=bodies)


def _verify_bundle(file: Path, log_key: str, older: list[Path], witnesses: list[str], *, as_json: bool) -> int:
    arguments = [str(file), "--log-key", log_key or reach.addresses().log_key]
    for path in older:
        arguments += ["--older", str(path)]
    for key in witnesses:
        arguments += ["--witness-key", key]
    return bundle_verifier.main([*arguments, "--json"] if as_json else arguments)


async def _verify(
    database_url: str,
    *,
    password: str,
    verifier: NoteVerifier,
    older: list[bytes],
    since: bytes | None = None,
    witnesses: Sequence[NoteVerifier] = (),
) -> Report:
    async with open_stored_log(database_url, user=AUDITOR, password=password) as stored:
        return await verify_log(stored, verifiers=[verifier], older_notes=older, since=since, witnesses=witnesses)


async def _verify_url(
    url: str, key: Path | None, *, verifier: NoteVerifier, older: list[bytes], witnesses: Sequence[NoteVerifier]
) -> Report:
    if key is not None:
        async with ExchangeClient(url, key=private_key(key)) as client:
            return await verify_tiles(
                GatewayTiles(client), verifiers=[verifier], older_notes=older, witnesses=witnesses
            )
    async with HttpTiles(url) as tiles:
        return await verify_tiles(tiles, verifiers=[verifier], older_notes=older, witnesses=witnesses)


def _guarded(path: Path) -> list[bytes]:
    guarded = GuardFile(path).recall() if path.exists() else None
    return [guarded.checkpoint] if guarded is not None else []


def _explain(report: Report, older: list[bytes]) -> None:
    typer.echo(
        f"{report.size} entries, {report.heads} signed checkpoints, {report.sections} sealed sections "
        f"({report.erased} of them erased on the record), "
        f"{report.answers} answers with their receipts, {report.children} children."
    )
    for lost in report.lost:
        typer.echo(
            f"{lost.sections} sealed sections can't be opened any more: their key-encryption key was destroyed on "
            f"{lost.key.destroyed_at[:10]} (entry {lost.key.position})."
        )
    if report.since:
        typer.echo(f"Of the first {report.since} entries only the root was compared: a checkpoint vouches for them.")
    typer.echo(f"Root: {report.root}")
    kept = ", ".join(str(read_unverified_checkpoint(note).size) for note in older)
    typer.echo(f"Held against kept checkpoints of size: {kept}." if kept else "No checkpoint from earlier was given.")
    for name, size in report.cosigned_by.items():
        typer.echo(f"Cosigned by {name}: the first {size} entries.")
    first = report.first()
    if first is None:
        typer.echo("Nothing was altered, dropped, added or reordered.")
        return
    typer.echo(f"NOT INTACT. First bad position: {first.first_position} ({first.detail}).")
    for finding in report.findings:
        where = f"{finding.first_position}" + (
            f" to {finding.last_position}" if finding.last_position != finding.first_position else ""
        )
        typer.echo(f"  {where}: {finding.kind}: {finding.detail}")
