"""``exchange audit``: verifying the ledger and replaying it."""

import json
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cli import reach
from deploy.local.exchange import LocalExchange
from services.ledger.adapters.guard_file import GuardFile
from services.ledger.audit.findings import Report
from services.ledger.audit.replay import ReplayedState, Selection, replay
from services.ledger.audit.snapshot import begin, catch_up, read_snapshot, write_snapshot
from services.ledger.audit.stored_log import open_stored_log
from services.ledger.audit.verify import verify_log
from shared.clock import parse_rfc3339, rfc3339
from shared.entries import Entry, encode_entry
from shared.errors import InvalidInput
from shared.ledger.client import LedgerClient
from shared.process.settings import read_password
from shared.transparency.checkpoint import open_checkpoint, read_unverified_checkpoint
from shared.transparency.signed_note import NoteVerifier
from shared.transparency.verifier_key import parse_verifier_key

AUDITOR = "exchange_auditor"

app = typer.Typer(help="Check the ledger and replay it.", no_args_is_help=True)


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
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON")] = False,
) -> None:
    """Recompute everything from stored bytes and name the first bad position. Exits 1 when anything is wrong.

    Needs the log's key from outside the database, and better still a checkpoint you kept: without one, a history that
    was rewritten and re-signed would pass.
    """
    here = reach.addresses() if not (database_url and password_file and log_key) else None
    verifier = parse_verifier_key(log_key or (here.log_key if here else ""))
    older = [path.read_bytes() for path in checkpoint or []]
    if here is not None:
        older.extend(_guarded(Path(here.guard_file)))
    report = reach.run(
        _verify(
            database_url or (here.database_url if here else ""),
            password=read_password(password_file or Path(here.auditor_password_file if here else "")),
            verifier=verifier,
            older=older,
        )
    )
    if as_json:
        typer.echo(msgspec.json.encode({**msgspec.to_builtins(report), "intact": report.intact}).decode())
    else:
        _explain(report, older)
    raise typer.Exit(0 if report.intact else 1)


@app.command("replay")
def replay_command(
    as_at: Annotated[str, typer.Option(help="Only what was recorded by 2026-11-24T12:00:00Z")] = "",
    child: Annotated[str, typer.Option(help="Only entries about this child's reference")] = "",
    agency: Annotated[str, typer.Option(help="Only entries by this agency")] = "",
    authority: Annotated[str, typer.Option(help="Only entries that concern this authority (GSS code)")] = "",
    entry_type: Annotated[str, typer.Option("--type", help="Only entries of this type, such as share.recorded")] = "",
    state: Annotated[bool, typer.Option("--state", help="Print what the entries add up to, not the entries")] = False,
    snapshot: Annotated[Path | None, typer.Option(help="Keep the state in this file, and go on from it")] = None,
) -> None:
    """Stream entries as NDJSON, or the state they add up to: who was told what, who owns it, who is responsible."""
    if snapshot is not None:
        if not state or as_at or child or agency or authority or entry_type:
            raise InvalidInput("a snapshot is of the whole state as it is now: give --state and nothing else")
        typer.echo(json.dumps(_state(reach.run(_state_by_snapshot(snapshot))), indent=2))
        return
    selection = Selection(
        as_at=rfc3339(parse_rfc3339(as_at)) if as_at else None,
        child=child or None,
        agency=agency or None,
        authority=authority or None,
        type=entry_type or None,
    )
    replayed, shown = reach.run(_replay(selection))
    if state:
        typer.echo(json.dumps(_state(replayed), indent=2))
        return
    for entry in shown:
        sys.stdout.buffer.write(encode_entry(entry) + b"\n")


async def state_by_snapshot(client: LedgerClient, path: Path, *, verifier: NoteVerifier) -> ReplayedState:
    """Return the state as at the ledger's checkpoint, reading only what came after the snapshot; keep the new one.

    Raises SnapshotForeign when the snapshot is not the beginning of what the log has signed, InvalidInput when damaged.
    """
    checkpoint = open_checkpoint((await client.tree_head()).checkpoint, [verifier])
    kept = read_snapshot(path) or begin(checkpoint.origin)
    caught_up = await catch_up(kept, client.stored(after=kept.size - 1), to=checkpoint)
    write_snapshot(path, caught_up)
    return caught_up.state


async def _state_by_snapshot(path: Path) -> ReplayedState:
    async with reach.ledger("auditor") as client:
        return await state_by_snapshot(client, path, verifier=parse_verifier_key(reach.addresses().log_key))


async def _replay(selection: Selection) -> tuple[ReplayedState, list[Entry]]:
    async with reach.ledger("auditor") as client:
        return await replay(client.stream(after=-1), selection=selection)


async def _verify(database_url: str, *, password: str, verifier: NoteVerifier, older: list[bytes]) -> Report:
    async with open_stored_log(database_url, user=AUDITOR, password=password) as stored:
        return await verify_log(stored, verifiers=[verifier], older_notes=older)


def _guarded(path: Path) -> list[bytes]:
    guarded = GuardFile(path).recall() if path.exists() else None
    return [guarded.checkpoint] if guarded is not None else []


def _explain(report: Report, older: list[bytes]) -> None:
    typer.echo(
        f"{report.size} entries, {report.heads} signed checkpoints, {report.sections} sealed sections, "
        f"{report.answers} answers with their receipts, {report.children} children."
    )
    typer.echo(f"Root: {report.root}")
    kept = ", ".join(str(read_unverified_checkpoint(note).size) for note in older)
    typer.echo(f"Held against kept checkpoints of size: {kept}." if kept else "No checkpoint from earlier was given.")
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


def _state(replayed: ReplayedState) -> dict[str, object]:
    return {
        "position": replayed.position,
        "time": replayed.time,
        "children": [
            {
                "child": case.child,
                "shares": case.shares,
                "withholdings": case.withholdings,
                "moves": [{"position": at, "from": list(left), "to": to} for at, left, to in case.moves],
                "times_opened": case.openings,
                "roles": dict(case.roles),
                "responsible": case.responsible,
            }
            for case in replayed.cases.values()
        ],
        "told": [
            {
                "notification": name,
                "recipient": told.recipient,
                "because_of": told.because_of,
                "reasons": list(told.reasons),
                "due_at": told.due_at,
                "state": told.state,
            }
            for name, told in replayed.told.items()
        ],
    }
