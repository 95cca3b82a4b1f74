"""G1, G3, G5, G6: killed, cut off and wiped, the exchange loses nothing that it acknowledged."""

import asyncio
import os
import signal

import pytest

from client.errors import NotReached, Refused
from client.exchange_client import Answer, ExchangeClient
from client.retrying import Retrying
from deploy.local.exchange import LocalExchange
from deploy.local.upkeep import kept_up
from shared.errors import Unavailable
from shared.signatures.keys import generate_signing_key
from tests.machinery.exchange import DARLINGTON, SCHOOL, TestExchange, patiently, running_exchange
from tests.machinery.people import share

pytestmark = pytest.mark.asyncio(loop_scope="session")

PUSHES = 8
SHARES_EACH = 12


async def test_a_ledger_killed_under_load_loses_no_acknowledged_entry_and_leaves_no_gap() -> None:
    async with running_exchange() as exchange:
        acknowledged: list[Answer] = []

        async def push(worker: int) -> None:
            async with exchange.client() as client:
                for ordinal in range(SHARES_EACH):
                    key = f"load-{worker}-{ordinal}"
                    while True:
                        try:
                            acknowledged.append(await client.share(share(), idempotency_key=key))
                            break
                        except (NotReached, Refused) as error:
                            assert isinstance(error, NotReached)

        async def kill() -> None:
            for _ in range(2):
                await asyncio.sleep(0.4)
                os.kill(exchange.local.pid("ledger"), signal.SIGKILL)
                await _writing_again(exchange)

        await asyncio.gather(kill(), *(push(worker) for worker in range(PUSHES)))
        entries = await exchange.entries()
        assert [entry.position for entry in entries] == list(range(len(entries)))
        recorded = {entry.id for entry in entries if entry.type == "share.recorded"}
        assert len(acknowledged) == PUSHES * SHARES_EACH
        assert {str(answer.content["id"]) for answer in acknowledged} == recorded
        assert len(recorded) == len(acknowledged), "a retry was recorded twice"
        report = await exchange.audit()
        assert report.intact, report.findings
        async with exchange.client() as client:
            keys = await client.keys()
        for answer in acknowledged:
            assert answer.receipt_checkpoint(keys).size <= len(entries)
        await exchange.all_signed_for()


async def _writing_again(exchange: TestExchange) -> None:
    async def head() -> int | None:
        async with exchange.ledger() as ledger:
            try:
                return (await ledger.tree_head()).size
            except Unavailable:
                return None

    assert await patiently(head)


async def test_without_its_database_nothing_is_accepted_and_a_retry_is_safe() -> None:
    """G1: no 201 before the entry is durable; the same request is accepted once the database is back."""
    async with running_exchange() as exchange:
        local = exchange.local
        assert local.postgres is not None
        async with exchange.operator() as operator:
            await operator.change_agency(DARLINGTON.id, {"out_of_hours_telephone": "01632 960199"})
        async with exchange.parties.client(SCHOOL) as client:
            url, keys, new_key = local.gateway_url, await client.keys(), generate_signing_key()
            # The gateway's copy of the registry follows in the ledger's order: whoever is known by a key that was
            # added after the number knows that it has the number too.
            await client.add_key(new_key)
            async with ExchangeClient(url, key=new_key, keys=keys, retrying=Retrying(attempts=1)) as quick:
                await quick.share(share(), idempotency_key="before")
                local.postgres.crash()
                record = share()
                with pytest.raises(NotReached) as unavailable:
                    await quick.share(record, idempotency_key="during")
                with pytest.raises(NotReached) as in_danger:
                    await quick.share({**share(), "concern": {"level": "immediate_danger"}})
            problem = unavailable.value.problem
            assert problem is not None
            assert problem.status == 503
            assert problem.code == "unavailable"
            assert problem.call == ()
            # Whoever fears an immediate danger is told whom to call meanwhile.
            assert "999" in in_danger.value.remedy
            assert "01632 960199" in in_danger.value.remedy
            local.postgres.start()

            async def accepted() -> Answer | None:
                try:
                    return await client.share(record, idempotency_key="during")
                except (NotReached, Refused):
                    return None

            assert await patiently(accepted)
        shares = [entry for entry in await exchange.entries() if entry.type == "share.recorded"]
        assert len(shares) == 2
        assert (await exchange.audit()).intact


async def test_a_broker_stopped_wiped_and_started_empty_loses_no_notification() -> None:
    """G5, G6: what Kafka had and lost, and what it never got, reach whom they are for all the same."""
    async with running_exchange(NOTIFIER_RECONCILE_INTERVAL_S="2") as exchange:
        local = exchange.local
        async with exchange.client() as client:
            await client.share(share())
            await exchange.all_signed_for()
            # Relayed, and lost with the broker before the notifier saw it.
            await local.stop_service("notifier")
            lost = await client.share(share())
            await asyncio.sleep(1.5)
            assert local.broker is not None
            local.broker.stop()
            # Accepted while there is no broker at all.
            during = await client.share(share())
            assert during.status == 201
            await _new_empty_broker(local)
            after = await client.share(share())
        await exchange.all_signed_for()
        delivered = {each.entry for each in await exchange.notifications() if each.state == "received"}
        assert {str(answer.content["id"]) for answer in (lost, during, after)} <= delivered
        assert (await exchange.audit()).intact


async def _new_empty_broker(local: LocalExchange) -> None:
    """Start an empty broker; the embedded one has a new address, so that what talks to it is started anew."""
    await local.stop_service("ledger")
    local.start_broker()
    await local.start_service("ledger")
    await local.start_service("notifier")


async def test_a_database_that_dies_is_started_again_by_whoever_keeps_it_up() -> None:
    said: list[str] = []
    async with (
        running_exchange() as exchange,
        kept_up(exchange.local.postgres, announce=said.append),
        exchange.parties.client(SCHOOL) as client,
    ):
        assert exchange.local.postgres is not None
        await client.share(share(), idempotency_key="before")
        exchange.local.postgres.crash()

        async def accepted() -> Answer | None:
            try:
                return await client.share(share(), idempotency_key="after")
            except (NotReached, Refused):
                return None

        assert await patiently(accepted)
        assert len([entry for entry in await exchange.entries() if entry.type == "share.recorded"]) == 2
    assert len(said) == 1
    assert "starting it again" in said[0]
