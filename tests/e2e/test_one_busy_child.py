"""Many speak of one child at once: each is decided as the one before left the record, and none is turned away."""

import asyncio

import pytest

from client.exchange_client import ExchangeClient
from client.retrying import Retrying
from tests.machinery.answers import child_ref
from tests.machinery.exchange import SCHOOL, TestExchange
from tests.machinery.people import child, share

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_sixty_concerns_about_one_child_at_once_are_recorded_without_asking_again(exchange: TestExchange) -> None:
    one, once = child(), Retrying(attempts=1)
    key = exchange.parties.key(SCHOOL)
    async with ExchangeClient(exchange.local.gateway_url, key=key, retrying=once) as client:
        answers = await asyncio.gather(*(client.share(share(one)) for _ in range(60)))
    assert {answer.status for answer in answers} == {201}
    assert len({child_ref(answer) for answer in answers}) == 1
    assert len({str(answer.content["id"]) for answer in answers}) == len(answers)
