"""A correction cannot be lost: not by an endpoint that is down, nor by killing everything meanwhile."""

import aiohttp
import pytest

from shared.canonical_json import Json
from tests.machinery.exchange import DARLINGTON, TestExchange, running_exchange
from tests.machinery.people import share

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def behave(exchange: TestExchange, how: str) -> None:
    url = f"{exchange.parties.receiver_url(DARLINGTON)}/behaviour/{how}"
    async with aiohttp.ClientSession() as session, session.put(url) as response:
        assert response.status == 200


async def test_a_correction_made_while_the_authority_is_down_reaches_it_after_the_share() -> None:
    async with running_exchange(NOTIFIER_RECONCILE_INTERVAL_S="2") as exchange:
        await behave(exchange, "fail")
        correction: dict[str, Json] = {"why": "The former address.", "members": {"rationale": "another"}}
        async with exchange.client() as client:
            shared = await client.share(share())
            corrected = await client.post(f"/v1/shares/{shared.content['id']}/corrections", correction)
        await exchange.local.stop()
        await exchange.local.start()
        await exchange.parties.start_receivers()
        await exchange.all_signed_for()
        told = [event.data for event in await exchange.parties.pushed_to(DARLINGTON)]
        assert [each.position for each in told] == [shared.content["position"], corrected.content["position"]]
        (data,) = [each for each in told if each.position == corrected.content["position"]]
        assert data.content == correction
        assert [before.id for before in data.history] == [shared.content["id"]]
        assert (await exchange.audit()).intact
