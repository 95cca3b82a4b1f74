"""``exchange audit replay`` and ``exchange audit who-knew``: asking the ledger what it held, at any moment."""

import json
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cli import reach
from cli.audit_snapshot import state_kept_in
from cli.replay_filters import moment, selection_of
from cli.who_knew_text import Name, who_knew_text
from services.ledger.audit.replay import ReplayedState, Selection, replay, replay_state
from shared.clock import SystemClock, rfc3339
from shared.entries import encode_entry
from shared.errors import InvalidInput
from shared.identifiers import AgencyId, parse_child_ref
from shared.ledger.audit_messages import WhoKnew, WhoKnewQuery
from shared.ledger.registry import Registry
from shared.reference.authorities import AuthorityRegister, load_register

AsAt = Annotated[str, typer.Option(help="Only what was recorded by then, such as 2026-11-24T12:00:00Z")]


def replay_entries(
    as_at: AsAt = "",
    child: Annotated[str, typer.Option(help="Only entries about this child's reference")] = "",
    agency: Annotated[str, typer.Option(help="Only entries by this agency")] = "",
    authority: Annotated[str, typer.Option(help="Only entries that concern this authority (GSS code)")] = "",
    entry_type: Annotated[str, typer.Option("--type", help="Only entries of this type, such as share.recorded")] = "",
    state: Annotated[bool, typer.Option("--state", help="Print what the entries add up to, not the entries")] = False,
    snapshot: Annotated[Path | None, typer.Option(help="Keep the state in this file, and go on from it")] = None,
) -> None:
    """Stream entries as NDJSON, or the state they add up to: who was told what, who owns it, who is responsible.

    The stream holds one page of entries at a time, however long the ledger. ``--state`` is as at the moment asked for,
    of everybody or of one ``--child``.
    """
    selection = selection_of(
        load_register(), as_at=as_at, child=child, agency=agency, authority=authority, entry_type=entry_type
    )
    if snapshot is not None:
        if not state or as_at or agency or authority or entry_type:
            raise InvalidInput(
                "a snapshot is of the whole state as it is now", remedy="Give --state, and --child if any."
            )
        typer.echo(json.dumps(_state(reach.run(state_kept_in(snapshot)), child=selection.child), indent=2))
        return
    if state and (agency or authority or entry_type):
        raise InvalidInput("the state is of all entries up to a moment, or of one child's", remedy="Leave --state out.")
    reach.run(_print_state(selection) if state else _stream(selection))


def ask_who_knew(
    child: Annotated[str, typer.Argument(help="The child's reference, from any entry about them")],
    as_at: AsAt = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON")] = False,
) -> None:
    """Say who knew what about a child at a moment (default: now).

    Who had shared or withheld what, who had been told and how far that had come, who owned it, who had looked, and
    which moves were flagged.
    """
    query = WhoKnewQuery(parse_child_ref(child), moment(as_at) if as_at else rfc3339(SystemClock().now()))
    known, registry = reach.run(_who_knew(query))
    if as_json:
        typer.echo(msgspec.json.encode(known).decode())
        return
    for line in who_knew_text(known, name_of=_names(registry, load_register())):
        typer.echo(line)


async def _stream(selection: Selection) -> None:
    async with reach.ledger("auditor") as client:
        async for entry in replay(client.stream(after=-1), selection=selection):
            sys.stdout.buffer.write(encode_entry(entry) + b"\n")
    sys.stdout.buffer.flush()


async def _print_state(selection: Selection) -> None:
    async with reach.ledger("auditor") as client:
        replayed = await replay_state(client.stream(after=-1), as_at=selection.as_at)
    typer.echo(json.dumps(_state(replayed, child=selection.child), indent=2))


async def _who_knew(query: WhoKnewQuery) -> tuple[WhoKnew, Registry]:
    async with reach.ledger("auditor") as client:
        known = await client.who_knew(query)
        registry = Registry().with_entries([each async for each in client.stream(after=-1, registry_only=True)])
        return known, registry


def _names(registry: Registry, register: AuthorityRegister) -> Name:
    def name_of(recipient: str) -> str:
        kind, _, code = recipient.partition(":")
        if kind == "authority":
            return f"{register.name_of(code)} children's social care"
        if kind == "police":
            return register.force_name(code)
        if kind == "queue":
            return f"the human queue {code}"
        facts = registry.agencies.get(AgencyId(code))
        return facts.name if facts is not None else f"the {code}"

    return name_of


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
