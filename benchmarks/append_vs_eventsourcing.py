"""Ledger appends a second from 64 producers, beside the library ``eventsourcing`` recording events of the same size."""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from benchmarks.appends import payload
from benchmarks.bench_ledger import bench_ledger
from benchmarks.measure import Measured, in_turns
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.postgres_cluster import SUPERUSER

THREADS = (4, 16, 64)


async def measure(*, rounds: int, appends: int, events: int) -> Measured:
    """Return the comparison, the library at whichever number of threads it is fastest with; the log verifies."""
    async with bench_ledger() as ledger:
        datastore = _datastore(ledger.server)
        try:
            recorder = PostgresApplicationRecorder(datastore)
            await asyncio.to_thread(recorder.create_table)
            rates = {threads: await _rate(recorder, events, threads=threads) for threads in THREADS}
            fastest = max(rates, key=lambda threads: rates[threads])
            await ledger.rate(appends)
            measured = await in_turns(
                "append_vs_eventsourcing",
                unit="appends/s",
                peer=f"eventsourcing's Postgres recorder, {fastest} threads",
                ours=lambda: ledger.rate(appends),
                theirs=lambda: _rate(recorder, events, threads=fastest),
                rounds=rounds,
            )
        finally:
            await asyncio.to_thread(datastore.close)
        await ledger.verify()
        return measured


def _datastore(server: EmbeddedPostgres) -> PostgresDatastore:
    return PostgresDatastore(
        dbname="postgres",
        host=str(server.socket_dir),
        port=server.port,
        user=SUPERUSER,
        password=server.superuser_password(),
        pool_size=max(THREADS),
        max_waiting=max(THREADS),
        connect_timeout=30,
    )


async def _rate(recorder: PostgresApplicationRecorder, count: int, *, threads: int) -> float:
    """Return events a second, each a transaction of its own about an aggregate of its own."""
    events = [[StoredEvent(uuid4(), 1, "share", payload())] for _ in range(count)]
    return await asyncio.to_thread(_record, recorder, events, threads)


def _record(recorder: PostgresApplicationRecorder, events: Sequence[list[StoredEvent]], threads: int) -> float:
    waiting = iter(events)
    with ThreadPoolExecutor(threads) as pool:
        started = time.perf_counter()
        done = [pool.submit(_insert, recorder, waiting) for _ in range(threads)]
        for each in done:
            each.result()
        return len(events) / (time.perf_counter() - started)


def _insert(recorder: PostgresApplicationRecorder, waiting: Iterator[list[StoredEvent]]) -> None:
    while batch := list(itertools.islice(waiting, 1)):
        recorder.insert_events(batch[0])
