"""An agency's rate limit holds at the real gateway; an immediate danger passes it, or its answer says whom to call."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import aiohttp
import msgspec
import orjson
import pytest

from cli.agency_facts import Terms
from client.errors import NotReached
from client.exchange_client import ExchangeClient
from client.retrying import Retrying
from shared.canonical_json import Json
from shared.signatures.content_digest import content_digest
from shared.signatures.keys import SigningKey, generate_signing_key
from shared.signatures.message import RequestParts, Tag
from shared.signatures.request_signature import sign_request
from tests.machinery.answers import told
from tests.machinery.exchange import DANGERS_PER_MINUTE, DARLINGTON, TestExchange
from tests.machinery.people import child, share

pytestmark = pytest.mark.asyncio(loop_scope="session")

PER_MINUTE = 2
ONCE = Retrying(attempts=1)


@pytest.fixture
async def limited(exchange: TestExchange) -> SigningKey:
    """The key of a new agency that may make two requests a minute; Darlington's office has numbers."""
    key, agency = generate_signing_key(), f"a-limited-charity-{secrets.token_hex(4)}"
    async with exchange.operator() as operator:
        await operator.change_agency(
            DARLINGTON.id, {"telephone": "01632 960100", "out_of_hours_telephone": "01632 960199"}
        )
        await operator.register_agency(
            agency,
            name="Charity",
            duty_class="voluntary_other",
            home_authority="E06000047",
            terms=Terms(requests_per_minute=PER_MINUTE),
        )
        await operator.add_key(agency, key.public)
    return key


@dataclass(frozen=True)
class Received:
    """An answer with its headers, which the client does not show."""

    status: int
    headers: dict[str, str]
    body: dict[str, object]


async def send(exchange: TestExchange, key: SigningKey, record: dict[str, Json], idempotency_key: str) -> Received:
    """Post a share once."""
    url, body = exchange.local.gateway_url, orjson.dumps(record)
    headers = {
        "content-type": "application/json",
        "content-digest": content_digest(body),
        "idempotency-key": idempotency_key,
    }
    signed = sign_request(
        RequestParts("POST", urlsplit(url).netloc, b"/v1/shares", headers),
        key=key,
        tag=Tag.REQUEST,
        created=int(datetime.now(UTC).timestamp()),
        nonce=secrets.token_urlsafe(16),
        has_body=True,
    )
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/shares", data=body, headers={**headers, **signed}) as response,
    ):
        said = {name.lower(): value for name, value in response.headers.items()}
        return Received(response.status, said, msgspec.json.decode(await response.read(), type=dict[str, object]))


def danger() -> dict[str, Json]:
    """Return a share of an immediate danger in Darlington."""
    record = share(child(address={"authority": "E06000005"}))
    concern = record["concern"]
    assert isinstance(concern, dict)
    return {**record, "concern": {**concern, "level": "immediate_danger"}}


async def test_a_request_too_many_is_refused_signed_recorded_nowhere_and_taken_when_it_comes_again(
    exchange: TestExchange, limited: SigningKey
) -> None:
    answers = [await send(exchange, limited, share(), secrets.token_hex(8)) for _ in range(PER_MINUTE)]
    assert [each.status for each in answers] == [201, 201]
    assert answers[0].headers["ratelimit-policy"] == '"requests";q=2;w=60'
    assert answers[0].headers["ratelimit"] == '"requests";r=1;t=30'
    before = len(await exchange.entries())
    refused = await send(exchange, limited, share(), "one-too-many")
    assert (refused.status, refused.body["type"]) == (429, "/problems/rate-limited")
    assert 0 < int(refused.headers["retry-after"]) <= 30
    assert refused.headers["ratelimit"].startswith('"requests";r=0;t=')
    assert refused.body["violated-policies"] == ["requests"]
    assert "call" not in refused.body
    assert not [each for each in (await exchange.entries())[before:] if each.type == "share.recorded"]
    # The client believes the refusal, which is signed, and says that nothing was recorded.
    async with ExchangeClient(exchange.local.gateway_url, key=limited, retrying=ONCE) as client:
        with pytest.raises(NotReached) as not_now:
            await client.share(share(), idempotency_key="one-too-many")
    assert not_now.value.outcome_unknown is False
    assert not_now.value.problem is not None
    assert not_now.value.problem.code == "rate-limited"
    # Reading goes on.
    async with ExchangeClient(exchange.local.gateway_url, key=limited) as client:
        assert (await client.registration()).status == 200


async def test_an_immediate_danger_passes_and_a_flood_of_them_is_told_whom_to_call(
    exchange: TestExchange, limited: SigningKey
) -> None:
    for _ in range(PER_MINUTE):
        await send(exchange, limited, share(), secrets.token_hex(8))
    async with ExchangeClient(exchange.local.gateway_url, key=limited, retrying=ONCE) as client:
        for _ in range(DANGERS_PER_MINUTE):
            passed = await client.share(danger())
            assert "authority:E06000005" in told(passed)
        with pytest.raises(NotReached) as refused:
            await client.share(danger())
        with pytest.raises(NotReached) as also_refused:
            await client.share(share())
    problem = refused.value.problem
    assert problem is not None
    assert problem.code == "rate-limited"
    assert problem.call == (
        "Emergency services: 999",
        "Darlington children's social care: 01632 960100, 01632 960199",
    )
    # Whoever shows nothing but the remedy shows the numbers.
    assert "999" in refused.value.remedy
    assert "01632 960199" in refused.value.remedy
    assert also_refused.value.problem is not None
    assert also_refused.value.problem.call == ()
