"""``exchange audit replay`` and ``exchange audit who-knew``: asking the ledger what it held, at any moment."""

import json
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cli import reach
from cli.audit_snapshot import state_by_snapshot
from cli.audit_trust import TrustedKey, trusted_key
from cli.audited_ledger import AuditorKey, Gateway, GatewayUrl, audited_ledger, entries_of, named_gateway
from cli.recipient_names import names_of
from cli.replay_filters import moment, selection_of
from cli.who_knew_text import who_knew_text
from client.errors import NotReached
from services.ledger.audit.replay import ReplayedState, Selection, replay_state
from shared.clock import SystemClock, rfc3339
from shared.entries import Entry, encode_entry
from shared.errors import InvalidInput, Unavailable
from shared.identifiers import parse_child_ref
from shared.ledger.audit_messages import WhoKnew, WhoKnewQuery
from shared.reference.authorities import load_register

AsAt = Annotated[str, typer.Option(help="Only what was recorded by then, such as 2026-11-24T12:00:00Z")]


def replay_entries(
    as_at: AsAt = "",
    child: Annotated[str, typer.Option(help="Only entries about this child's reference")] = "",
    agency: Annotated[str, typer.Option(help="Only entries by this agency")] = "",
    authority: Annotated[str, typer.Option(help="Only entries that concern this authority (GSS code)")] = "",
    entry_type: Annotated[str, typer.Option("--type", help="Only entries of this type, such as share.recorded")] = "",
    after: Annotated[int, typer.Option(min=-1, help="Only entries after this position: go on where one ended")] = -1,
    state: Annotated[bool, typer.Option("--state", help="Print what the entries add up to, not the entries")] = False,
    snapshot: Annotated[Path | None, typer.Option(help="Keep the state in this file, and go on from it")] = None,
    log_key: Annotated[
        str | None, typer.Option(help="The log's verifier key, kept by you, that a snapshot of --url is held against")
    ] = None,
    url: GatewayUrl = None,
    key: AuditorKey = None,
) -> None:
    """Stream entries as NDJSON, or the state they add up to: who was told what, who owns it, who is responsible.

    The stream holds one page of entries at a time, however long the ledger; one that is broken off says with which
    ``--after`` to go on. ``--state`` is as at the moment asked for, of everybody or of one ``--child``.
    """
    gateway = named_gateway(url, key)
    selection = selection_of(
        load_register(), as_at=as_at, child=child, agency=agency, authority=authority, entry_type=entry_type
    )
    if snapshot is not None:
        if not state or as_at or agency or authority or entry_type or after != -1:
            raise InvalidInput(
                "a snapshot is of the whole state as it is now", remedy="Give --state, and --child if any."
            )
        trusted = trusted_key(log_key, own=gateway is None)
        typer.echo(
            json.dumps(_state(reach.run(_kept_state(gateway, snapshot, trusted)), child=selection.child), indent=2)
        )
        return
    if log_key is not None:
        raise InvalidInput("a log's key is what a snapshot is held against", remedy="Leave --log-key out.")
    if state and (agency or authority or entry_type or after != -1):
        raise InvalidInput("the state is of all entries up to a moment, or of one child's", remedy="Leave --state out.")
    reach.run(_print_state(gateway, selection) if state else _stream(gateway, selection, after=after))


def ask_who_knew(
    child: Annotated[str, typer.Argument(help="The child's reference, from any entry about them")],
    as_at: AsAt = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON")] = False,
    url: GatewayUrl = None,
    key: AuditorKey = None,
) -> None:
    """Say who knew what about a child at a moment (default: now).

    Who had shared or withheld what, who had been told and how far that had come, who owned it, who had looked, and
    which moves were flagged.
    """
    query = WhoKnewQuery(parse_child_ref(child), moment(as_at) if as_at else rfc3339(SystemClock().now()))
    known, registered = reach.run(_who_knew(named_gateway(url, key), query))
    if as_json:
        typer.echo(msgspec.json.encode(known).decode())
        return
    for line in who_knew_text(known, name_of=names_of(registered, load_register())):
        typer.echo(line)


async def _stream(gateway: Gateway | None, selection: Selection, *, after: int) -> None:
    reached = after
    async with audited_ledger(gateway) as ledger:
        try:
            async for entry in entries_of(ledger, after=after):
                if selection.is_over(entry):
                    break
                if selection.takes(entry):
                    sys.stdout.buffer.write(encode_entry(entry) + b"\n")
                reached = entry.position
        except (NotReached, Unavailable):
            if reached > after:
                typer.echo(f"Broken off after entry {reached}: go on with --after {reached}.", err=True)
            raise
        finally:
            sys.stdout.buffer.flush()


async def _print_state(gateway: Gateway | None, selection: Selection) -> None:
    async with audited_ledger(gateway) as ledger:
        replayed = await replay_state(entries_of(ledger), as_at=selection.as_at)
    typer.echo(json.dumps(_state(replayed, child=selection.child), indent=2))


async def _kept_state(gateway: Gateway | None, snapshot: Path, trusted: TrustedKey) -> ReplayedState:
    async with audited_ledger(gateway) as ledger:
        return await state_by_snapshot(ledger, snapshot, verifier=trusted.verifier())


async def _who_knew(gateway: Gateway | None, query: WhoKnewQuery) -> tuple[WhoKnew, list[Entry]]:
    async with audited_ledger(gateway) as ledger:
        return await ledger.who_knew(query), await ledger.registry_entries()


def _state(replayed: ReplayedState, *, child: str | None) -> dict[str, object]:
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
                "corrected": [{"record": record, "by": by} for record, by in case.corrected.items()],
                "retracted": [{"record": record, "by": by} for record, by in case.retracted.items()],
                "disputed": [{"record": record, "by": by} for record, by in case.disputed.items()],
                "consent_withdrawn": [{"record": record, "by": by} for record, by in case.consent_withdrawn.items()],
                "erased_at": case.erased,
            }
            for case in replayed.cases.values()
            if child in (None, case.child)
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
            if child is None or child in told.children
        ],
    }
