"""The OpenAPI document of the running gateway is whole, and what it gives as examples is accepted as it stands."""

import re
from collections.abc import Iterator, Mapping

import aiohttp
import jsonschema_rs
import msgspec
import orjson
import pytest

from client.exchange_client import ExchangeClient
from services.gateway.api.examples import EXAMPLES, PUSHED
from services.gateway.api.openapi import SCHEMAS
from shared.canonical_json import Json
from tests.machinery.exchange import DARLINGTON, SCHOOL, TestExchange, patiently
from tests.machinery.people import child, share, whereabouts, withholding

pytestmark = pytest.mark.asyncio(loop_scope="session")

OPEN_TO_ANYBODY = {"/v1/keys", "/livez", "/readyz"}


class _Kept(msgspec.Struct):
    event: dict[str, object]


class Document(msgspec.Struct):
    """The parts of the document that these tests look at."""

    openapi: str
    paths: dict[str, dict[str, dict[str, object]]]
    components: dict[str, dict[str, object]]
    webhooks: dict[str, dict[str, object]]

    def schema(self, name: str) -> dict[str, object]:
        """Return the schema of a component with all the others at hand."""
        return {"$ref": SCHEMAS + name, "components": self.components}


async def document_of(exchange: TestExchange) -> tuple[Document, Json]:
    """Return the document, as its parts and as it came."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{exchange.local.gateway_url}/openapi.json") as response,
    ):
        body = await response.read()
    return msgspec.json.decode(body, type=Document), orjson.loads(body)


def references(value: Json) -> Iterator[str]:
    """Give every reference in a document."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            if name == "$ref" and isinstance(each, str):
                yield each
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


async def test_every_reference_leads_somewhere_and_every_operation_says_how_it_is_signed(
    exchange: TestExchange,
) -> None:
    document, whole = await document_of(exchange)
    assert document.openapi.startswith("3.1")
    assert {each.removeprefix(SCHEMAS) for each in references(whole)} <= document.components["schemas"].keys()
    unsigned = {
        path
        for path, operations in document.paths.items()
        for operation in operations.values()
        if "security" not in operation
    }
    assert unsigned == OPEN_TO_ANYBODY


async def test_what_is_pushed_is_as_the_document_says(exchange: TestExchange) -> None:
    document, _ = await document_of(exchange)
    jsonschema_rs.validate(document.schema("Pushed"), dict(PUSHED))
    async with exchange.client(SCHOOL) as client:
        answer = await client.share(share())

    url = f"{exchange.parties.receiver_url(DARLINGTON)}/events"

    async def pushed() -> list[object] | None:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            kept = msgspec.json.decode(await response.read(), type=list[_Kept])
        events: list[object] = [each.event for each in kept if str(answer.content["id"]) in str(each.event["id"])]
        return events or None

    events = await patiently(pushed)
    assert events is not None
    for event in events:
        jsonschema_rs.validate(document.schema("Pushed"), event)


RECORDS = {
    "ShareRecord": "/v1/shares",
    "WithholdingRecord": "/v1/withholdings",
    "WhereaboutsRecord": "/v1/whereabouts",
    "HousingNoticeRecord": "/v1/housing-notices",
}
AMENDMENTS = {
    "ShareCorrectionRecord": "/v1/shares/{}/corrections",
    "RetractionRecord": "/v1/shares/{}/retractions",
    "DisputeRecord": "/v1/shares/{}/disputes",
    "ConsentWithdrawalRecord": "/v1/shares/{}/consent-withdrawals",
    "WithholdingCorrectionRecord": "/v1/withholdings/{}/corrections",
    "WhereaboutsCorrectionRecord": "/v1/whereabouts/{}/corrections",
}


@pytest.mark.parametrize("record", RECORDS)
async def test_each_example_of_a_record_is_recorded_as_it_stands(exchange: TestExchange, record: str) -> None:
    document, _ = await document_of(exchange)
    async with exchange.client(SCHOOL) as client:
        answer = await client.post(RECORDS[record], EXAMPLES[record])
    assert answer.status == 201
    jsonschema_rs.validate(document.schema("Recorded"), orjson.loads(answer.body))


@pytest.mark.parametrize("record", AMENDMENTS)
async def test_each_example_of_an_amendment_is_recorded_as_it_stands(exchange: TestExchange, record: str) -> None:
    async with exchange.client(SCHOOL) as client:
        entry = await recorded(client, AMENDMENTS[record].split("/")[2])
        answer = await client.post(AMENDMENTS[record].format(entry), EXAMPLES[record])
    assert answer.status == 201


async def recorded(client: ExchangeClient, collection: str) -> str:
    """Return the id of a new record of a collection."""
    bodies: Mapping[str, Mapping[str, Json]] = {
        "shares": share(),
        "withholdings": withholding(),
        "whereabouts": whereabouts(child(), "E06000047"),
    }
    return str((await client.post(f"/v1/{collection}", bodies[collection])).content["id"])


async def test_the_examples_of_assessing_and_acknowledging_are_taken_as_they_stand(exchange: TestExchange) -> None:
    document, _ = await document_of(exchange)
    async with exchange.client(SCHOOL) as client:
        assessed = await client.assess(EXAMPLES["ShareRecord"])
        answer = await client.share(share())
        status = await client.read_share(str(answer.content["id"]))
    jsonschema_rs.validate(document.schema("Assessed"), orjson.loads(assessed.body))
    jsonschema_rs.validate(document.schema("RecordStatus"), orjson.loads(status.body))
    told = msgspec.convert(answer.content["told"], list[dict[str, object]])
    owed = next(str(each["obligation"]) for each in told if each["recipient"] == "authority:E06000005")
    async with exchange.client(DARLINGTON) as authority:
        owned = await authority.acknowledge(owed, EXAMPLES["AcknowledgementRecord"])
    assert owned.status == 201
    jsonschema_rs.validate(document.schema("Recorded"), orjson.loads(owned.body))


async def test_the_page_to_read_it_fetches_nothing_from_elsewhere(exchange: TestExchange) -> None:
    async with aiohttp.ClientSession(exchange.local.gateway_url) as session:

        async def get(path: str) -> tuple[int, str, str]:
            async with session.get(path) as response:
                policy = response.headers.get("content-security-policy", "")
                return response.status, policy, (await response.read()).decode("utf-8", "replace")

        status, policy, page = await get("/docs")
        assets = re.findall(r'(?:src|href)="([^"]+)"', page)
        found = [await get(f"/{asset}") for asset in assets]
        nothing, _, _ = await get("/docs/other.js")
    assert (status, nothing) == (200, 404)
    assert len(assets) == 4
    assert {each for each, _, _ in found} == {200}
    assert "//" not in page
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
