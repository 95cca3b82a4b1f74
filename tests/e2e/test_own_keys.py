"""An agency rotates and revokes its own keys by its own signature, without asking anybody."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from client.errors import Refused
from client.exchange_client import ExchangeClient
from client.own_key import own_key_record
from shared.clock import SystemClock, rfc3339
from shared.identifiers import KeyThumbprint
from shared.signatures.keys import SigningKey, generate_signing_key
from tests.machinery.agencies import new_agency
from tests.machinery.command_line import Command
from tests.machinery.exchange import SCHOOL, TestExchange
from tests.machinery.people import share

pytestmark = pytest.mark.asyncio(loop_scope="session")

ADVISORY = {"duty_class": "voluntary_other", "home_authority": "E06000005"}


class OwnKey(msgspec.Struct, frozen=True):
    key: str
    may_sign: bool
    revoked_at: str | None
    compromised_from: str | None


async def keys_of(client: ExchangeClient) -> dict[str, OwnKey]:
    """Return an agency's keys as it is told of them."""
    content = (await client.registration()).content
    return {each.key: each for each in msgspec.convert(content["keys"], list[OwnKey])}


def by(exchange: TestExchange, key: SigningKey) -> ExchangeClient:
    """Return a client that signs with a key."""
    return ExchangeClient(exchange.local.gateway_url, key=key)


async def refusal(client: ExchangeClient) -> str:
    """Return the code that a share is refused with."""
    with pytest.raises(Refused) as refused:
        await client.share(share())
    return refused.value.problem.code


async def test_a_key_is_rotated_with_overlap_and_the_old_one_revoked_by_the_new(exchange: TestExchange) -> None:
    new = generate_signing_key()
    async with new_agency(exchange, "a-rotating-charity", **ADVISORY) as old:
        (old_key,) = await keys_of(old)
        added = await old.add_key(new)
        assert (added.status, added.content["key"]) == (201, new.public.thumbprint)
        assert added.receipt_checkpoint(await old.keys()).size > int(str(added.content["position"]))
        async with by(exchange, new) as renewed:
            assert [(await each.share(share())).status for each in (old, renewed)] == [201, 201]
            revoked = await renewed.revoke_key(old_key)
            assert revoked.status == 201
            assert await refusal(old) == "key-revoked"
            assert (await renewed.share(share())).status == 201
            assert {name: each.may_sign for name, each in (await keys_of(renewed)).items()} == {
                old_key: False,
                new.public.thumbprint: True,
            }
            with pytest.raises(Refused) as refused:
                await renewed.post("/v1/agency/keys", own_key_record(new, agency="another-charity"))
    assert refused.value.problem.code == "possession-unproven"
    assert (await exchange.audit()).intact


async def test_a_repeated_addition_gets_its_one_answer_whoever_signs_it_anew(exchange: TestExchange) -> None:
    new = generate_signing_key()
    record = own_key_record(new, agency="a-repeating-charity")
    async with new_agency(exchange, "a-repeating-charity", **ADVISORY) as old, by(exchange, new) as renewed:
        answers = [await each.post("/v1/agency/keys", record, idempotency_key="once") for each in (old, old, renewed)]
    assert len({each.body for each in answers}) == 1
    added = [each for each in await exchange.entries() if each.facts.get("thumbprint") == new.public.thumbprint]
    assert len(added) == 1


async def test_a_compromise_that_an_agency_reports_stops_the_key_and_is_owed_to_a_person(
    exchange: TestExchange,
) -> None:
    since = rfc3339(SystemClock().now())
    async with new_agency(exchange, "a-robbed-charity", **ADVISORY) as stolen:
        (key,) = await keys_of(stolen)
        assert (await stolen.share(share())).status == 201
        # The last key revokes itself: better none than a thief's.
        revoked = await stolen.revoke_key(key, reason="compromised", compromised_from=since)
        assert await refusal(stolen) == "key-revoked"
    assert (revoked.content["reason"], revoked.content["compromised_from_is"]) == ("compromised", "as_reported")
    async with exchange.operator() as operator:
        assert [each.type for each in await operator.suspects(key)] == ["share.recorded", "agency.key_revoked"]
    (entry,) = [each for each in await exchange.entries() if each.id == revoked.content["id"]]
    assert [each.recipient for each in entry.obligations] == ["queue:compromised-key"]


async def test_a_theft_is_recorded_at_once_though_nobody_says_since_when(exchange: TestExchange) -> None:
    async with new_agency(exchange, "a-hurried-charity", **ADVISORY) as stolen:
        (key,) = await keys_of(stolen)
        shared = await stolen.share(share())
        later = generate_signing_key()
        await stolen.add_key(later, valid_from="2126-01-01T00:00:00Z")
        unused = await stolen.revoke_key(later.public.thumbprint, reason="compromised")
        revoked = await stolen.revoke_key(key, reason="compromised")
        assert await refusal(stolen) == "key-revoked"
    assert {each.content["compromised_from_is"] for each in (unused, revoked)} == {"when_first_valid"}
    async with exchange.operator() as operator:
        suspects = [each.position for each in await operator.suspects(key)]
        registered = (await operator.registry()).keys[KeyThumbprint(key)]
    assert revoked.content["compromised_from"] == rfc3339(registered.first_valid())
    assert str(shared.content["position"]) in map(str, suspects)
    (entry,) = [each for each in await exchange.entries() if each.id == revoked.content["id"]]
    assert [each.recipient for each in entry.obligations] == ["queue:compromised-key"]
    assert (await exchange.audit()).intact


async def test_a_theft_is_reported_from_the_command_line_by_its_listed_reason(
    exchange: TestExchange, command: Command, tmp_path: Path
) -> None:
    spare, file = generate_signing_key(), exchange.parties.key_file(SCHOOL)
    async with exchange.client(SCHOOL) as school:
        await school.add_key(spare)
    revoking = ("revoke-key", spare.public.thumbprint, "--key", file, "--reason")
    code, said = await command(*revoking, "stolen")
    assert (code, "Give one of these codes: compromised, " in said) == (1, True), said
    code, said = await command(*revoking, "compromised")
    assert (code, '"compromised_from_is": "when_first_valid"' in said) == (0, True), said


async def test_a_key_of_another_agency_is_neither_taken_nor_revoked(exchange: TestExchange) -> None:
    school = exchange.parties.key(SCHOOL)
    async with new_agency(exchange, "a-grasping-charity", **ADVISORY) as grasping:
        with pytest.raises(Refused) as refused:
            await grasping.revoke_key(school.public.thumbprint)
        assert refused.value.problem.code == "not-found"
        assert refused.value.problem.remedy == "See: GET /v1/agency, or exchange registration"
        for record, code in (
            (own_key_record(school, agency="a-grasping-charity"), "key-belongs-to-another"),
            ({"jwk": {"kty": "RSA"}}, "invalid-input"),
            ({"jwk": 1}, "wrong-types"),
        ):
            with pytest.raises(Refused) as refused:
                await grasping.post("/v1/agency/keys", record)
            assert refused.value.problem.code == code
        with pytest.raises(Refused) as refused:
            await grasping.post("/v1/agency/keys/nothing/revocations", {})
        assert refused.value.problem.code == "invalid-input"
        revoked_for_good = generate_signing_key()
        await grasping.add_key(revoked_for_good)
        await grasping.revoke_key(revoked_for_good.public.thumbprint)
        with pytest.raises(Refused) as refused:
            await grasping.add_key(revoked_for_good)
        assert refused.value.problem.code == "key-revoked-for-good"


async def test_a_key_that_begins_later_does_not_sign_before(exchange: TestExchange) -> None:
    new = generate_signing_key()
    async with new_agency(exchange, "a-careful-charity", **ADVISORY) as old:
        await old.add_key(new, valid_from="2126-01-01T00:00:00Z")
        async with by(exchange, new) as early:
            assert await refusal(early) == "key-not-valid"


async def test_an_agency_adds_no_more_keys_than_it_may_have_however_many_it_asks_for_at_once(
    exchange: TestExchange,
) -> None:
    async with new_agency(exchange, "a-greedy-charity", **ADVISORY) as greedy:
        outcomes = await asyncio.gather(
            *(greedy.add_key(generate_signing_key()) for _ in range(18)), return_exceptions=True
        )
        refused = [each.problem.code for each in outcomes if isinstance(each, Refused)]
        assert refused == ["too-many-keys"] * 3
        assert len(await keys_of(greedy)) == 16
