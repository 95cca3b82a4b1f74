"""The sequencer at work, restarted and asked in batches of any make-up, does what a plain model does one by one."""

import asyncio
import os
from collections.abc import Callable, Iterator

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from deploy.local.postgres import EmbeddedPostgres
from services.ledger.adapters.postgres_log import PostgresLog
from services.ledger.adapters.postgres_reader import PostgresReader
from tests.machinery.lean_ledger import migrated_template
from tests.machinery.ledger_bench import SIGNERS, LedgerBench, Opened
from tests.machinery.ledger_model import Asked
from tests.machinery.memory_log import MemoryLog

WRITER = "exchange_ledger_writer"

asked = st.builds(
    Asked,
    key=st.integers(0, 7),
    body=st.integers(0, 1),
    nonce=st.none() | st.integers(0, 3),
    signer=st.none() | st.integers(0, SIGNERS - 1),
    child=st.none() | st.just("new") | st.integers(0, 3),
    version_off=st.none() | st.just(0) | st.integers(-1, 1),
    identifier=st.none() | st.integers(0, 2),
)
batches = st.lists(st.tuples(st.integers(0, 6), asked), min_size=1, max_size=8)


class LedgerMachine(RuleBasedStateMachine):
    """Over the log in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.log = MemoryLog()
        self.bench = LedgerBench(self.open_log)

    async def open_log(self) -> Opened:
        async def leaves() -> list[bytes]:
            return self.log.leaves

        return Opened(self.log, self.log, leaves, self.log.close)

    @initialize()
    def begin(self) -> None:
        self.runner.run(self.bench.start())
        self.runner.run(self.bench.register_keys())

    @rule(batch=batches)
    def ask(self, batch: list[tuple[int, Asked]]) -> None:
        self.runner.run(self.bench.ask(batch))

    @rule(signer=st.integers(0, SIGNERS - 1))
    def revoke_a_key(self, signer: int) -> None:
        self.runner.run(self.bench.revoke(signer))

    @rule(seconds=st.integers(-3, 3))
    def let_the_clock_jump(self, seconds: int) -> None:
        self.bench.clock.pass_s(seconds)

    @rule()
    def restart(self) -> None:
        self.runner.run(self.bench.stop())
        self.runner.run(self.bench.start())

    @invariant()
    def all_is_proven(self) -> None:
        self.runner.run(self.bench.check())

    def teardown(self) -> None:
        if hasattr(self.bench, "opened"):
            self.runner.run(self.bench.stop())
        self.runner.close()


class PostgresMachine(LedgerMachine):
    """Over the real log, in a database of its own."""

    def __init__(self, server: EmbeddedPostgres, template: str, password: str) -> None:
        super().__init__()
        self.server, self.password = server, password
        self.database = f"machine_{os.getpid()}_{os.urandom(4).hex()}"
        server.execute(f"CREATE DATABASE {self.database} TEMPLATE {template}")

    async def open_log(self) -> Opened:
        dsn = f"postgresql:///{self.database}?host={self.server.socket_dir}&port={self.server.port}"
        log = await PostgresLog.elect(dsn, password=self.password)
        pool = await asyncpg.create_pool(dsn, user=WRITER, password=self.password, min_size=0, max_size=2)
        reader = PostgresReader(pool)

        async def leaves() -> list[bytes]:
            return [stored.leaf for stored in await reader.entries(after=-1, limit=10_000, registry_only=False)]

        async def close() -> None:
            await log.close()
            await pool.close()

        return Opened(log, reader, leaves, close)

    def teardown(self) -> None:
        super().teardown()
        self.server.execute(f"DROP DATABASE {self.database} WITH (FORCE)")


@pytest.fixture(scope="module")
def postgres_machine(postgres_server: EmbeddedPostgres) -> Iterator[Callable[[], PostgresMachine]]:
    """What makes machines over databases of their own."""
    with migrated_template(postgres_server) as (template, secrets):
        password = secrets.role_passwords()[WRITER]
        yield lambda: PostgresMachine(postgres_server, template, password)


def test_in_memory_the_ledger_does_what_the_model_does() -> None:
    run_state_machine_as_test(LedgerMachine, settings=settings(max_examples=40, stateful_step_count=20, deadline=None))


def test_in_postgres_the_ledger_does_what_the_model_does(postgres_machine: Callable[[], PostgresMachine]) -> None:
    run_state_machine_as_test(
        postgres_machine,  # type: ignore[arg-type]
        settings=settings(
            max_examples=6, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
