"""``exchange audit openings``: everybody who has looked at what is sealed, by the entries that say so."""

from typing import Annotated

import msgspec
import typer

from cli import reach
from cli.audited_ledger import AuditorKey, Gateway, GatewayUrl, audited_ledger, entries_of, named_gateway
from cli.recipient_names import Name, names_of
from cli.replay_filters import moment
from services.ledger.audit.openings import RecordedOpening, openings
from shared.identifiers import ChildRef, parse_child_ref
from shared.reference.authorities import load_register


def list_openings(
    since: Annotated[str, typer.Option(help="Only what was opened from then on, such as 2026-11-24T12:00:00Z")] = "",
    child: Annotated[str, typer.Option(help="Only what is about this child's reference")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print each as a JSON object, one to a line")] = False,
    url: GatewayUrl = None,
    key: AuditorKey = None,
) -> None:
    """List every recorded opening of sealed content, oldest first: when, who, why, and of which child and record.

    Break-glass openings, audits' openings of signatures, what was opened to be delivered, and each look at a chronology
    or search for a child. The words that an auditor gave for a break-glass are sealed themselves.
    """
    gateway = named_gateway(url, key)
    asked = moment(since) if since else None, parse_child_ref(child) if child else None
    reach.run(_list(gateway, *asked, as_json=as_json))


async def _list(gateway: Gateway | None, since: str | None, child: ChildRef | None, *, as_json: bool) -> None:
    count = 0
    async with audited_ledger(gateway) as ledger:
        name_of = names_of(await ledger.registry_entries(), load_register())
        async for opening in openings(entries_of(ledger), since=since, child=child):
            count += 1
            typer.echo(msgspec.json.encode(opening).decode() if as_json else opening_text(opening, name_of=name_of))
    if not as_json:
        typer.echo(f"{count} {'look' if count == 1 else 'looks'} on the record." if count else "Nobody has looked.")


def opening_text(opening: RecordedOpening, *, name_of: Name) -> str:
    """Return a look in words, with the time and the position of the entry that says so."""
    who = name_of(f"agency:{opening.by}") + (f" ({opening.account})" if opening.account else "")
    begun = f"{opening.time} (entry {opening.position}): {who}"
    about = f" about child {', '.join(opening.children)}" if opening.children else ""
    if opening.section == "none":
        return f"{begun} looked{about and f' for what is{about}'}, and opened nothing ({opening.purpose})"
    what = ", ".join(opening.entries) or "an entry"
    if opening.range is not None:
        what = f"every entry from {opening.range[0]} to {opening.range[1]}"
    recipient = opening.recipient
    whom = f" for {name_of(recipient)}" if recipient and recipient != f"agency:{opening.by}" else ""
    return f"{begun} opened the {opening.section} of {what}{about}{whom} ({opening.purpose})"
