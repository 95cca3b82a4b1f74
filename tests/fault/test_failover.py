"""Without a balancer: the gateway, the notifier and the command line find the ledger that serves."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from client.answer import Answer
from client.exchange_client import ExchangeClient
from client.retrying import Retrying
from deploy.local.supervisor import ChildSpec
from shared.errors import Unavailable
from shared.ledger.reaching import ledger_at
from shared.process.address import UnixAddress
from tests.machinery.exchange import SCHOOL, TestExchange, patiently, running_exchange
from tests.machinery.people import share

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLERS = ("gateway", "notifier", "operator", "auditor")
STANDBY = "ledger-standby"
AGENCIES_AT_ONCE = 6
SHARES_EACH = 14


def doors(exchange: TestExchange, caller: str) -> tuple[UnixAddress, UnixAddress]:
    """Return a caller's doors at the ledger and at its standby."""
    sockets = exchange.local.sockets
    return UnixAddress(sockets / f"ledger-{caller}.sock"), UnixAddress(sockets / f"l2-{caller}.sock")


def both(exchange: TestExchange, caller: str) -> str:
    """Return them as a setting names them."""
    return ",".join(str(each) for each in doors(exchange, caller))


async def standing(address: UnixAddress) -> str:
    """Return where the process behind an operator's door stands."""
    client = ledger_at([address], timeout_s=10, tls=None)
    try:
        return (await client.standing()).standing
    except Unavailable:
        return "unreachable"
    finally:
        await client.close()


@asynccontextmanager
async def exchange_with_a_standby() -> AsyncIterator[TestExchange]:
    """Give an exchange with a second ledger, whose gateway and notifier know both."""
    async with running_exchange(GATEWAY_LEDGER_TIMEOUT_S="30") as exchange:
        local = exchange.local
        _, second = doors(exchange, "operator")

        async def stands_by() -> bool:
            return await standing(second) == "standby"

        environment = dict(local.service_environment("ledger"))
        environment |= {f"LEDGER_{caller.upper()}_DOOR": str(doors(exchange, caller)[1]) for caller in CALLERS}
        await local.start_child(
            ChildSpec(
                name=STANDBY, argv=[sys.executable, "-m", "services.ledger"], environment=environment, ready=stands_by
            )
        )
        for name in ("gateway", "notifier"):
            await local.stop_service(name)
            await local.start_service(name, {f"{name.upper()}_LEDGER_ADDRESS": both(exchange, name)})
        yield exchange


async def taken_over(exchange: TestExchange, *, killed: str, by: UnixAddress) -> None:
    """Kill a ledger, which the supervisor starts again to stand by, and wait until the other one writes."""
    os.kill(exchange.local.pid(killed), signal.SIGKILL)

    async def writes() -> bool | None:
        return True if await standing(by) == "writing" else None

    assert await patiently(writes), "nobody took over"


async def test_shares_are_accepted_through_a_takeover_and_back_and_none_is_lost_or_doubled() -> None:
    """G1, G2, G3: nobody in front of the ledgers, and an agency that asks but once gets its 201 all the same."""
    async with exchange_with_a_standby() as exchange:
        first, second = doors(exchange, "operator")
        async with exchange.client() as client:
            keys = await client.keys()
        answers: list[Answer] = []
        enough = asyncio.Event()

        async def push(worker: int) -> None:
            async with ExchangeClient(
                exchange.local.gateway_url,
                key=exchange.parties.key(SCHOOL),
                keys=keys,
                retrying=Retrying(attempts=1),
                timeout_s=60,
            ) as client:
                ordinal = 0
                while not enough.is_set() or ordinal < SHARES_EACH:
                    answers.append(await client.share(share(), idempotency_key=f"w{worker}-{ordinal}"))
                    ordinal += 1

        async def kill() -> None:
            try:
                await asyncio.sleep(0.5)
                await taken_over(exchange, killed="ledger", by=second)
                await patiently(lambda: _stands_by(first))
                await asyncio.sleep(0.5)
                await taken_over(exchange, killed=STANDBY, by=first)
            finally:
                enough.set()

        await asyncio.gather(kill(), *(push(worker) for worker in range(AGENCIES_AT_ONCE)))
        assert Counter(answer.status for answer in answers) == {201: len(answers)}
        entries = await exchange.entries()
        assert [entry.position for entry in entries] == list(range(len(entries)))
        recorded = Counter(str(entry.id) for entry in entries if entry.type == "share.recorded")
        assert recorded == Counter(str(answer.content["id"]) for answer in answers)
        report = await exchange.audit()
        assert report.intact, report.findings
        await exchange.all_signed_for()


async def _stands_by(address: UnixAddress) -> bool | None:
    return True if await standing(address) == "standby" else None
