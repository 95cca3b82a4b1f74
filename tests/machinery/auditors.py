"""Auditors who come in by the gateway: agencies with the role, and what their command line is given."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from client.exchange_client import ExchangeClient
from shared.signatures.keys import SigningKey, generate_signing_key
from tests.machinery.exchange import TestExchange


@dataclass(frozen=True, slots=True)
class FarAuditor:
    """An agency registered as an auditor, its key, and that key's file."""

    agency: str
    key: SigningKey
    file: Path
    url: str

    def options(self) -> tuple[object, ...]:
        """Return what follows an audit's command that goes by the gateway."""
        return ("--url", self.url, "--key", self.file)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[ExchangeClient]:
        """Give a client that signs as the auditor."""
        async with ExchangeClient(self.url, key=self.key) as client:
            yield client


async def register_auditor(exchange: TestExchange, agency: str, folder: Path) -> FarAuditor:
    """Return an auditor that was registered just now, its key's file in a folder."""
    auditor = FarAuditor(agency, generate_signing_key(), folder / f"{agency}.pem", exchange.local.gateway_url)
    async with exchange.operator() as operator:
        await operator.register_agency(
            agency, name="Tees partnership", duty_class="s11_body", home_authority="E06000005", roles=["auditor"]
        )
        await operator.add_key(agency, auditor.key.public)
    auditor.file.write_bytes(auditor.key.pem())
    auditor.file.chmod(0o600)
    return auditor
