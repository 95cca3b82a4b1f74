"""A whole ledger moves its key-encryption key from a file into an HSM by an ordinary rotation."""

import asyncpg
import pytest

from shared.ledger.key_messages import RewrapDataKeys
from tests.machinery.exchange import running_exchange
from tests.machinery.people import child, share
from tests.machinery.softhsm import running_softhsm

pytestmark = pytest.mark.foreign


async def test_a_ledger_moves_its_keys_into_an_hsm_and_goes_on_without_the_file() -> None:
    who = child()
    with running_softhsm() as hsm:
        async with running_exchange() as exchange:
            file = exchange.local.secrets.key_file("ledger-key-encryption")
            async with exchange.client() as client:
                await client.share(share(who), idempotency_key="before")
            await exchange.all_signed_for()
            await exchange.local.stop_service("ledger")
            settings = hsm.settings(key_label="moved")
            await exchange.local.start_service("ledger", settings)
            async with exchange.client() as client, exchange.ledger() as ledger:
                await client.share(share(who))
                rotated = await ledger.rotate_encryption_key(by="p.ellis")
                after: str | None = ""
                while after is not None:
                    after = (await ledger.rewrap_data_keys(RewrapDataKeys(after))).after
                await ledger.destroy_encryption_key(rotated.previous, by="q.harrow")
                assert not file.exists()
                again = await client.share(share(who), idempotency_key="after")
            database = await asyncpg.connect(exchange.local.admin_url)
            kinds = await database.fetch("SELECT DISTINCT kek_id FROM ledger.data_key")
            await database.close()
            assert [row["kek_id"] for row in kinds] == [rotated.kek_id]
            await exchange.local.stop_service("ledger")
            await exchange.local.start_service("ledger", settings)
            async with exchange.client() as client:
                assert (await client.share(share(who))).status == 201
            # Pushes open sealed sections, so everything arriving shows that the token opens what was wrapped before.
            await exchange.all_signed_for()
            assert again.status == 201
            report = await exchange.audit()
            assert report.intact, report.findings
