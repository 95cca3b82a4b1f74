"""Agencies that a test invents, registered as the operator registers any."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from client.exchange_client import ExchangeClient
from shared.clock import SystemClock
from shared.signatures.keys import generate_signing_key
from tests.machinery.exchange import TestExchange


@asynccontextmanager
async def new_agency(
    exchange: TestExchange, agency: str, *, duty_class: str, home_authority: str
) -> AsyncIterator[ExchangeClient]:
    """Register an agency with a key of its own; give a client that signs with it."""
    key = generate_signing_key()
    async with exchange.operator() as operator:
        await operator.register_agency(
            agency,
            name=agency,
            duty_class=duty_class,
            home_authority=home_authority,
            agreement="an-agreement",
            policy_document="a-policy",
        )
        await operator.add_key(agency, key.public)
    async with ExchangeClient(exchange.local.gateway_url, key=key, clock=SystemClock()) as client:
        yield client
