"""``exchange audit verify``: checking the ledger. The other commands of ``exchange audit`` join it here."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cli import audit_export, audit_openings, audit_questions, reach
from cli.audit_access import AUDITOR, access_to, on_the_command_line, published_checkpoint
from cli.audit_bundle import verify_bundle
from cli.audit_outcome import INTACT, NOT_CHECKED, NOT_INTACT, ending_unchecked
from cli.audit_signatures import Why, check_signatures, signatures_text
from cli.audit_text import Circumstances, report_text
from cli.audit_trust import Held, parse_witness_key, read_kept_checkpoint, trusted_key
from cli.audited_ledger import Gateway, audited_ledger, named_gateway
from cli.gateway_tiles import GatewayTiles
from client.exchange_client import ExchangeClient
from client.files import private_key
from deploy.local.exchange import LocalExchange
from services.ledger.adapters.guard_file import GuardFile
from services.ledger.adapters.http_tiles import HttpTiles
from services.ledger.audit.findings import Report
from services.ledger.audit.signatures import SignatureReport
from services.ledger.audit.stored_log import open_stored_log
from services.ledger.audit.tile_log import verify_tiles
from services.ledger.audit.verify import verify_log
from shared.clock import SystemClock
from shared.errors import ExchangeError, InvalidInput
from shared.transparency.signed_note import NoteVerifier
from shared.transparency.verifier_key import parse_verifier_key
from shared.vocabulary import OpeningReason

INTEGRITY = OpeningReason.INTEGRITY.value

app = typer.Typer(help="Check the ledger and replay it.", no_args_is_help=True)
app.command("replay")(audit_questions.replay_entries)
app.command("who-knew")(audit_questions.ask_who_knew)
app.command("openings")(audit_openings.list_openings)
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
    context: typer.Context,
    database_url: Annotated[
        str | None, typer.Option(envvar="DATABASE_URL", help="Default: the exchange running here")
    ] = None,
    password_file: Annotated[Path | None, typer.Option(help=f"File with the password of {AUDITOR}")] = None,
    log_key: Annotated[
        str | None,
        typer.Option(help="The log's verifier key, kept by you; default, for the exchange here alone: its own"),
    ] = None,
    checkpoint: Annotated[list[Path] | None, typer.Option(help="A checkpoint you kept; repeatable")] = None,
    bundle: Annotated[Path | None, typer.Option(help="Check an exported file instead, offline")] = None,
    since: Annotated[
        Path | None,
        typer.Option(help="Check only what came after this checkpoint you kept; of files all is checked, and it held"),
    ] = None,
    url: Annotated[str | None, typer.Option(help="Check a log's static files instead, below this URL")] = None,
    key: Annotated[Path | None, typer.Option(help="An auditor's private key: the URL is a gateway's")] = None,
    witness_keys: Annotated[
        list[str] | None, typer.Option("--witness-key", help="A witness's verifier key; repeatable")
    ] = None,
    signatures: Annotated[
        bool, typer.Option("--signatures", help="Check agencies' signatures too: one opening, on the record")
    ] = False,
    bodies: Annotated[
        bool,
        typer.Option("--bodies", help="And that each sealed body is what was signed"),
    ] = False,
    reason: Annotated[str, typer.Option(help="Why a gateway is to open signatures, as a code")] = INTEGRITY,
    note: Annotated[str, typer.Option(help="And in words, which are sealed with the record of it")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the report, or why there is none, as JSON")] = False,
) -> None:
    """Recompute everything from stored bytes and name the first bad position.

    Exits 0 when all is intact, 1 when it is not, 2 when it could not be checked. Needs the log's key from outside the
    database, and better still a checkpoint you kept: without one, a history that was rewritten and re-signed would
    pass.
    """
    with ending_unchecked(as_json=as_json):
        named = [
            each
            for each, given in (
                ("--bundle", bundle is not None),
                ("--url", url is not None),
                ("--database-url", on_the_command_line(context, "database_url")),
                ("--password-file", password_file is not None),
            )
            if given
        ]
        why = Why(reason, note) if url is not None and signatures else Why()
        _check_combination(named, signatures=signatures, bodies=bodies, key=key, note=note)
        if url == "" or database_url == "":
            raise InvalidInput(f"the {'--url' if url == '' else '--database-url'} is empty")
        own = bundle is None and url is None and not (database_url and password_file)
        trusted = trusted_key(log_key, own=own)
        kept_files = [*(checkpoint or []), *([since] if since is not None else [])]
        kept = {path: read_kept_checkpoint(path, trusted.verifier()) for path in kept_files}
        witnesses = [parse_witness_key(text) for text in witness_keys or []]
        held = Held(tuple(kept.values()), _of_this_machine(published=bool(witnesses)) if own else ())
        circumstances = Circumstances(SystemClock().now(), trusted, held)
        if bundle is not None:
            raise typer.Exit(verify_bundle(bundle, circumstances, kept_files, witness_keys or [], as_json=as_json))
        if url is not None:
            report = reach.run(
                _verify_url(url, key, verifier=trusted.verifier(), older=held.notes(), witnesses=witnesses)
            )
        else:
            access = access_to(database_url or "", password_file)
            report = reach.run(
                _verify(
                    access.database_url,
                    password=access.password,
                    verifier=trusted.verifier(),
                    older=held.notes(),
                    since=kept[since] if since is not None else None,
                    witnesses=witnesses,
                )
            )
        checked, unchecked = None, ""
        if signatures:
            # What was found before stands, whether or not the ledger opens the signatures.
            try:
                gateway = named_gateway(url, key) if url is not None else None
                checked = reach.run(_check_signatures(gateway, report, bodies=bodies, why=why))
            except ExchangeError as error:
                unchecked = error.detail
        if as_json:
            said = {**msgspec.to_builtins(report), "intact": report.intact, "signatures": msgspec.to_builtins(checked)}
            said |= {"signatures_error": unchecked} if unchecked else {}
            typer.echo(msgspec.json.encode({**circumstances.as_json(), **said}).decode())
        else:
            of_signatures = signatures_text(checked) if checked is not None else ()
            for line in (*circumstances.in_words(), *report_text(report, held), *of_signatures):
                typer.echo(line)
            if unchecked:
                typer.echo(f"Agencies' signatures COULD NOT BE CHECKED: {unchecked}.")
        if not report.intact or not (checked is None or checked.sound):
            raise typer.Exit(NOT_INTACT)
        whole = report.whole and not unchecked and (checked is None or checked.whole)
        raise typer.Exit(INTACT if whole else NOT_CHECKED)


def _check_combination(sources: list[str], *, signatures: bool, bodies: bool, key: Path | None, note: str) -> None:
    """Raise InvalidInput for what contradicts itself: an option that is passed over in silence misleads an auditor."""
    if len(sources) > 1 and sources != ["--database-url", "--password-file"]:
        raise InvalidInput(f"{' and '.join(sources)} name different things to check", remedy="Give one of them.")
    if bodies and not signatures:
        raise InvalidInput("a body is held against its signature", remedy="Give --signatures too.")
    if signatures and ("--bundle" in sources or ("--url" in sources and key is None)):
        raise InvalidInput(
            "signatures are sealed: only the ledger itself can open them",
            remedy="Leave --bundle out, and give a gateway's --url with --key.",
        )
    if (signatures and "--url" in sources) != bool(note.strip()):
        raise InvalidInput(
            "a gateway opens signatures against a reason, and nothing else here is",
            remedy="Give --note, why in words, with --signatures and --url, and not without.",
        )
    if key is not None and "--url" not in sources:
        raise InvalidInput("an auditor's key signs requests to a gateway", remedy="Give the gateway's --url too.")


async def _check_signatures(gateway: Gateway | None, of: Report, *, bodies: bool, why: Why) -> SignatureReport:
    async with audited_ledger(gateway) as ledger:
        return await check_signatures(ledger, size=of.size, root=of.root, bodies=bodies, why=why)


async def _verify(
    database_url: str,
    *,
    password: str,
    verifier: NoteVerifier,
    older: Sequence[bytes],
    since: bytes | None = None,
    witnesses: Sequence[NoteVerifier] = (),
) -> Report:
    async with open_stored_log(database_url, user=AUDITOR, password=password) as stored:
        return await verify_log(stored, verifiers=[verifier], older_notes=older, since=since, witnesses=witnesses)


async def _verify_url(
    url: str, key: Path | None, *, verifier: NoteVerifier, older: Sequence[bytes], witnesses: Sequence[NoteVerifier]
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


def _of_this_machine(*, published: bool) -> tuple[bytes, ...]:
    """Return what the exchange here remembers: its guard's checkpoint, and the published one, which alone is cosigned.

    Read before the database is, so that neither can cover more than is stored.
    """
    guarded = _guarded(Path(reach.addresses().guard_file))
    return (*guarded, *(reach.run(published_checkpoint()) if published else ()))
