"""The exchange meets every MUST of a deployment."""

import pytest

from conformance.gateway_musts import examine_gateway
from tests.machinery.exchange import SCHOOL, TestExchange

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_exchange_meets_every_must_of_a_deployment(exchange: TestExchange) -> None:
    verdicts = await examine_gateway(exchange.local.gateway_url, key=exchange.parties.key(SCHOOL))
    assert len(verdicts) == 20
    assert [(each.must.number, each.failure) for each in verdicts if not each.met] == []
