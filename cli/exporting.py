"""Making a bundle from a ledger beside which one stands, or from what a gateway gives of one far away."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO

from cli.audit_access import AUDITOR, Access
from cli.audited_ledger import AuditedLedger, Gateway, audited_ledger
from cli.break_glass import Glass
from cli.gateway_auditing import GatewayAuditing
from cli.gateway_tiles import GatewayTiles
from client.exchange_client import ExchangeClient
from client.files import private_key
from services.ledger.audit.export import EntryAbout, Opened, Opening, Wanted, entries_about, export_bundle
from services.ledger.audit.exported_log import ExportedLog, published_log
from services.ledger.audit.stored_log import open_stored_log
from shared.errors import NotFound
from shared.identifiers import ChildRef
from shared.transparency.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True)
class Chosen:
    """The children whose sealed sections a bundle is to hold (None: everybody's), and why they are opened, if so."""

    children: frozenset[ChildRef] | None
    glass: Glass | None


async def write_bundle(
    file: IO[bytes], source: Gateway | Access, chosen: Chosen, *, cosigned: Sequence[bytes]
) -> tuple[Checkpoint, int]:
    """Write a bundle; return the checkpoint it ends at, and how many sections stand open in it.

    Raises NotFound for a child of whom nothing is recorded, before anything is opened; what ``export_bundle`` raises.
    """
    gateway = source if isinstance(source, Gateway) else None
    async with _log_at(source) as log:
        # Whether the children are known comes before the glass is broken: each opening stays on the record.
        entries = await entries_about(log, chosen.children) if chosen.children is not None else []
        opening = None
        if chosen.glass is not None:
            async with audited_ledger(gateway) as ledger:
                opening = await _open(ledger, entries, chosen.glass)
        # A gateway gives nothing that is sealed: then nobody's sections are in the bundle, as it says itself.
        wanted = Wanted(chosen.children if gateway is None else frozenset())
        ends = await export_bundle(log, file, wanted=wanted, opening=opening, cosigned=cosigned)
    return ends, len(opening.sections) if opening is not None else 0


@asynccontextmanager
async def _log_at(source: Gateway | Access) -> AsyncIterator[ExportedLog]:
    if isinstance(source, Gateway):
        async with ExchangeClient(source.url, key=private_key(source.key)) as client:
            registered = await GatewayAuditing(client).registry_entries()
            yield await published_log(GatewayTiles(client), registered=registered)
    else:
        async with open_stored_log(source.database_url, user=AUDITOR, password=source.password) as stored:
            yield stored


async def _open(ledger: AuditedLedger, entries: Sequence[EntryAbout], why: Glass) -> Opening:
    """Open what entries hold, each opening on the record; what was erased stays away."""
    opened = list[Opened]()
    for entry in entries:
        for section in entry.sections:
            try:
                opened.append(Opened(entry.position, section, await ledger.open_section(entry.id, section, why=why)))
            except NotFound:
                continue
    return Opening(why.reason, why.run, opened)
