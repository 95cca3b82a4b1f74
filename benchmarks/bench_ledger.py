"""The ledger in this process, on a server of its own, for benchmarks that need no other part."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from benchmarks.appends import registrations, shares
from deploy.local.layout import Layout, layout_of_its_own
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.postgres_settings import SETTINGS
from deploy.local.secret_files import SecretFiles
from deploy.migrate import migrate
from services.ledger.adapters.postgres_reader import PostgresReader
from services.ledger.audit.stored_log import open_stored_log
from services.ledger.audit.verify import verify_log
from services.ledger.bootstrap import make_writer
from services.ledger.keys import log_signer, open_secrets
from services.ledger.prepare_append import AppendPreparer
from services.ledger.request_queue import Queue
from shared.ledger.messages import AppendRequest
from shared.process.settings import LedgerSettings

PRODUCERS = 64
FILL_STEP = 20_000


@dataclass(frozen=True, slots=True)
class BenchLedger:
    """An elected ledger with everything in its path: sealing, look-ups, tree, checkpoint, receipt, flush, guard."""

    server: EmbeddedPostgres
    settings: LedgerSettings
    secret_files: SecretFiles
    preparer: AppendPreparer
    queue: Queue

    async def append(self, request: AppendRequest) -> None:
        """Append one request and wait until it is durable and answered."""
        await self.queue.submit(await self.preparer.prepare(request))

    async def rate(self, count: int) -> float:
        """Return appends a second over so many, from PRODUCERS at once, each waiting for its answer."""
        return await self.rate_of(shares(count))

    async def rate_of(self, requests: Sequence[AppendRequest]) -> float:
        """Return appends a second over these."""
        waiting = iter(requests)
        started = time.perf_counter()
        await asyncio.gather(*(self._produce(waiting) for _ in range(PRODUCERS)))
        return len(requests) / (time.perf_counter() - started)

    async def fill(self, count: int) -> None:
        """Append so many, without keeping all of the requests in memory."""
        for start in range(0, count, FILL_STEP):
            await self.rate(min(FILL_STEP, count - start))

    async def _produce(self, waiting: Iterator[AppendRequest]) -> None:
        for request in waiting:
            await self.append(request)

    async def verify(self) -> None:
        """Verify the log in full. Raises RuntimeError unless it is intact."""
        password = self.secret_files.role_passwords()["exchange_auditor"]
        async with open_stored_log(self.settings.database_url, user="exchange_auditor", password=password) as stored:
            report = await verify_log(stored, verifiers=[log_signer(self.settings).verifier()])
        if not report.intact:
            raise RuntimeError(f"the log does not verify: {report.findings[:3]}")


@asynccontextmanager
async def bench_ledger(server_settings: Mapping[str, str] = SETTINGS) -> AsyncIterator[BenchLedger]:
    """Give an empty ledger on a server of its own, the agency registered; all of it is gone afterwards."""
    layout = layout_of_its_own("exchange-bench-")
    layout.create()
    secret_files = SecretFiles(layout.secrets)
    server = EmbeddedPostgres(layout.postgres, password_file=layout.superuser_password_file, settings=server_settings)
    server.start()
    try:
        await migrate(server.dsn(), passwords=secret_files.role_passwords())
        settings = _ledger_settings(layout, server, secret_files)
        secret = open_secrets(settings)
        password = secret_files.role_passwords()["exchange_ledger_writer"]
        pool = await asyncpg.create_pool(
            settings.database_url, user="exchange_ledger_writer", password=password, min_size=1, max_size=4
        )
        reader = PostgresReader(pool)
        preparer = AppendPreparer(secrets=secret, data_keys=reader, random=os.urandom)
        queue = Queue()
        writer = make_writer(settings, secret, password=password, reader=reader, preparer=preparer, queue=queue)
        serving = asyncio.create_task(writer.serve())
        while not queue.is_open:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        ledger = BenchLedger(server, settings, secret_files, preparer, queue)
        for request in registrations():
            await ledger.append(request)
        yield ledger
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        pool.terminate()
    finally:
        server.destroy()
        shutil.rmtree(layout.home, ignore_errors=True)


def _ledger_settings(layout: Layout, server: EmbeddedPostgres, secret_files: SecretFiles) -> LedgerSettings:
    door = f"unix:{layout.run}/none.sock"
    return LedgerSettings(
        database_url=f"postgresql:///postgres?host={server.socket_dir}&port={server.port}",
        writer_password_file=secret_files.password_file("exchange_ledger_writer"),
        relay_password_file=secret_files.password_file("exchange_ledger_relay"),
        log_key_file=secret_files.signing_key_file("ledger-log"),
        # What is not given here is read from the environment, and may be another log's.
        log_key_next_file=None,
        log_key_compromised_from="",
        key_encryption_key_file=secret_files.key_file("ledger-key-encryption"),
        blind_index_key_file=secret_files.key_file("ledger-blind-index"),
        guard_file=layout.home / "ledger-guard",
        gateway_door=door,
        notifier_door=door,
        operator_door=door,
        auditor_door=door,
    )
