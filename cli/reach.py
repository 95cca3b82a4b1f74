"""How the command line reaches an exchange: the one that runs here, or the one the environment names."""

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from deploy.local.addresses import Addresses, read_addresses
from deploy.local.layout import Layout
from shared.errors import InvalidInput
from shared.ledger.client import LedgerClient
from shared.ledger.reaching import ledger_at
from shared.notifier import NotifierClient
from shared.process.address import Address, TlsAddress, TlsFiles, parse_addresses
from shared.process.remote import Remote

CALL_TIMEOUT_S = 30.0

Result = TypeVar("Result")


def addresses() -> Addresses:
    """Return the addresses of the exchange that runs here. Raises Unavailable when none does."""
    return read_addresses(Layout.from_environment())


def ledger_addresses(caller: str) -> tuple[Address, ...]:
    """Return the addresses of every ledger process's door for a caller: EXCHANGE_LEDGER_ADDRESS, or the local one."""
    return _addresses(f"ledger-{caller}", variable="EXCHANGE_LEDGER_ADDRESS")


@asynccontextmanager
async def ledger(caller: str, *, only: Address | None = None) -> AsyncIterator[LedgerClient]:
    """Give a client of the ledger that comes in by a caller's door (``operator`` or ``auditor``).

    It calls whichever process serves, or none but the one at ``only``.
    """
    among = ledger_addresses(caller) if only is None else (only,)
    client = ledger_at(among, timeout_s=CALL_TIMEOUT_S, tls=_tls(among))
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def notifier() -> AsyncIterator[NotifierClient]:
    """Give a client of the notifier's operator door."""
    among = _addresses("notifier-operator", variable="EXCHANGE_NOTIFIER_ADDRESS")
    if len(among) > 1:
        raise InvalidInput("EXCHANGE_NOTIFIER_ADDRESS names several notifiers", remedy="Name the one to ask.")
    client = NotifierClient(Remote(among[0], timeout_s=CALL_TIMEOUT_S, tls=_tls(among)))
    try:
        yield client
    finally:
        await client.close()


def _addresses(name: str, *, variable: str) -> tuple[Address, ...]:
    return parse_addresses(os.environ.get(variable) or f"unix:{addresses().sockets}/{name}.sock")


def _tls(among: Sequence[Address]) -> TlsFiles | None:
    """Return the files that an address on another machine needs: EXCHANGE_TLS_CERTIFICATE_FILE and so on."""
    if not any(isinstance(address, TlsAddress) for address in among):
        return None
    named = ("CERTIFICATE", "PRIVATE_KEY", "PEER_AUTHORITY")
    return TlsFiles(*(Path(os.environ.get(f"EXCHANGE_TLS_{each}_FILE", "")) for each in named))


def run(work: Coroutine[None, None, Result]) -> Result:
    """Run asynchronous work to its end."""
    return asyncio.run(work)
