"""How the command line reaches an exchange: the one that runs here, or the one the environment names."""

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from deploy.local.addresses import Addresses, read_addresses
from deploy.local.layout import Layout
from shared.ledger.client import LedgerClient
from shared.notifier import NotifierClient
from shared.process.address import TlsAddress, TlsFiles, parse_address
from shared.process.remote import Remote

CALL_TIMEOUT_S = 30.0

Result = TypeVar("Result")


def addresses() -> Addresses:
    """Return the addresses of the exchange that runs here. Raises Unavailable when none does."""
    return read_addresses(Layout.from_environment())


def remote(name: str, *, variable: str) -> Remote:
    """Return a process to call: the address in an environment variable, else the local socket of that name.

    An address on another machine needs EXCHANGE_TLS_CERTIFICATE_FILE, EXCHANGE_TLS_PRIVATE_KEY_FILE and
    EXCHANGE_TLS_PEER_AUTHORITY_FILE.
    """
    text = os.environ.get(variable) or f"unix:{addresses().sockets}/{name}.sock"
    address = parse_address(text)
    tls = None
    if isinstance(address, TlsAddress):
        named = ("CERTIFICATE", "PRIVATE_KEY", "PEER_AUTHORITY")
        tls = TlsFiles(*(Path(os.environ.get(f"EXCHANGE_TLS_{each}_FILE", "")) for each in named))
    return Remote(address, timeout_s=CALL_TIMEOUT_S, tls=tls)


@asynccontextmanager
async def ledger(caller: str) -> AsyncIterator[LedgerClient]:
    """Give a client of the ledger that comes in by a caller's door (``operator`` or ``auditor``)."""
    client = LedgerClient(remote(f"ledger-{caller}", variable="EXCHANGE_LEDGER_ADDRESS"))
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def notifier() -> AsyncIterator[NotifierClient]:
    """Give a client of the notifier's operator door."""
    client = NotifierClient(remote("notifier-operator", variable="EXCHANGE_NOTIFIER_ADDRESS"))
    try:
        yield client
    finally:
        await client.close()


def run(work: Coroutine[None, None, Result]) -> Result:
    """Run asynchronous work to its end."""
    return asyncio.run(work)
