"""What is odd is accepted, routed by its most urgent reading, advised on, and kept as it came."""

import pytest

from shared.canonical_json import Json
from shared.ledger.messages import OpenSection
from tests.machinery.answers import codes, told
from tests.machinery.exchange import SCHOOL, TestExchange
from tests.machinery.people import child, share

pytestmark = pytest.mark.asyncio(loop_scope="session")

LEVEL_UNKNOWN: dict[str, Json] = {"level": "purple", "seen_or_said": "He would not say."}

CASES: dict[str, tuple[dict[str, Json], set[str], set[str]]] = {
    "unknown level": (
        share(concern=LEVEL_UNKNOWN),
        {"level-unknown"},
        {"authority:E06000005", "police:E23000008", "queue:routing"},
    ),
    "missing level": (share(concern={"seen_or_said": "He cried."}), {"level-missing"}, {"police:E23000008"}),
    "district council as recipient": (
        share(child(address=None), recipients=["E07000012"]),
        {"district-not-authority"},
        {"authority:E10000003"},
    ),
    "district council by name": (
        share(child(address=None), recipients=["South Cambridgeshire District Council"]),
        {"district-not-authority"},
        {"authority:E10000003"},
    ),
    "abolished authority": (
        share(child(address=None), recipients=["E08000019"]),
        {"authority-superseded"},
        {"authority:E08000039"},
    ),
    "abolished district": (
        share(child(address=None), recipients=["Christchurch"]),
        {"authority-superseded"},
        {"authority:E06000058"},
    ),
    "divided authority": (
        share(child(address=None), recipients=["E10000006"]),
        {"authority-split", "sender-area-meanwhile"},
        {"queue:routing", "authority:E06000005"},
    ),
    "unknown recipient": (
        share(child(address=None), recipients=["South Cambs"]),
        {"authority-unknown", "sender-area-meanwhile"},
        {"queue:routing", "authority:E06000005"},
    ),
    "unknown postcode": (
        share(child(address={"postcode": "XX9 9XX"})),
        {"postcode-unknown", "sender-area-meanwhile"},
        {"queue:routing", "authority:E06000005"},
    ),
    "postcode of a district of 2021, abolished since": (
        share(child(address={"postcode": "HG1 1AA"})),
        set(),
        {"authority:E06000065"},
    ),
    "no address at all": (
        share(child(address=None)),
        {"nowhere-given", "sender-area-meanwhile"},
        {"queue:routing", "authority:E06000005"},
    ),
    "missing NHS number": (share(child(identifiers=[])), {"nhs-number-missing"}, {"authority:E06000005"}),
    "wrong NHS number": (
        share(child(identifiers=[{"scheme": "nhs_number", "value": "999 007 3105", "traced": True}])),
        {"nhs-number-invalid"},
        {"authority:E06000005"},
    ),
    "no consent and no reason": (
        share(consent={"status": "refused"}),
        {"no-consent-reason-missing"},
        {"authority:E06000005"},
    ),
    "a place and no child": (
        {"place": {"authority": "E08000021", "description": "an arcade"}, "concern": {"level": "significant_harm"}},
        {"practitioner-missing"},
        {"authority:E08000021"},
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_what_is_odd_is_accepted_advised_on_and_routed(exchange: TestExchange, case: str) -> None:
    record, advice, expected = CASES[case]
    async with exchange.client() as client:
        answer = await client.share(record)
    assert answer.status == 201
    assert advice <= codes(answer)
    assert expected <= told(answer).keys()
    assert not any("E07" in recipient for recipient in told(answer))


async def test_the_original_text_is_kept_sealed_to_the_letter(exchange: TestExchange) -> None:
    body = b'{"concern": {"level":  "Purple \xc3\xa9"},  "child": {"family_name": "Marrow-Tate"}}'
    async with exchange.client() as client:
        answer = await client.post_bytes("/v1/shares", body, idempotency_key="kept-to-the-letter")
    async with exchange.ledger("notifier") as ledger:
        purpose = "test:kept-to-the-letter"
        opened = await ledger.open_section(OpenSection(str(answer.content["id"]), "body", purpose))  # type: ignore[arg-type]
    assert opened.content == body


async def test_a_share_that_names_no_authority_is_routed_by_what_the_ledger_knows(exchange: TestExchange) -> None:
    who = child()
    async with exchange.client() as client:
        first = await client.share(share(who))
        second = await client.share(share({**who, "address": None}))
    assert first.content["child"] == second.content["child"]
    assert list(told(second)) == ["authority:E06000005"]


async def test_an_address_nobody_can_place_is_told_to_the_senders_own_authority_meanwhile(
    exchange: TestExchange,
) -> None:
    async with exchange.client(SCHOOL) as client:
        answer = await client.share(share(child(address={"lines": ["the caravan by the river"]})))
    assert told(answer)["queue:routing"].urgency == "immediate"
    assert "sender_area_meanwhile" in told(answer)["authority:E06000005"].reasons
