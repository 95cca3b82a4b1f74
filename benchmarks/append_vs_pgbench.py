"""Ledger appends a second from 64 producers, beside pgbench's single-row inserts of the same payload."""

import asyncio
import os
import re
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import msgspec

from benchmarks.measure import Measured, in_turns
from benchmarks.records import share_body
from deploy.local.layout import Layout, layout_of_its_own
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.secret_files import SecretFiles
from deploy.migrate import migrate
from services.ledger.adapters.postgres_reader import PostgresReader
from services.ledger.append_entries import Queue
from services.ledger.audit.stored_log import open_stored_log
from services.ledger.audit.verify import verify_log
from services.ledger.bootstrap import log_signer, make_writer, open_secrets
from services.ledger.prepare_append import AppendPreparer
from shared.clock import SystemClock, rfc3339
from shared.entries import Obligation, RoleFact
from shared.identifiers import AgencyId, AuthorityCode, EntryId, authority_recipient, obligation_id
from shared.ledger.messages import Answer, AppendRequest, ChildIdentifier, Idempotency, NamedChild, Section
from shared.ledger.registry import AgencyFacts, KeyFacts
from shared.process.settings import LedgerSettings
from shared.signatures.keys import generate_signing_key
from shared.vocabulary import EntryType

PRODUCERS = 64
CLIENTS = (4, 8, 16, 32, 64)
AGENCY = AgencyId("bench-school")
DARLINGTON = AuthorityCode("E06000005")

_KEY = generate_signing_key()
_EVIDENCE = b'{"base":"' + b"x" * 700 + b'"}'


@dataclass(slots=True)
class _Ledger:
    server: EmbeddedPostgres
    preparer: AppendPreparer
    queue: Queue

    async def append(self, request: AppendRequest) -> None:
        await self.queue.submit(await self.preparer.prepare(request))


async def measure(*, rounds: int, appends: int, seconds: int) -> Measured:
    """Return the comparison, pgbench at whichever number of clients it is fastest with; the log verifies afterwards."""
    async with _ledger() as (ledger, settings, secret_files):
        script = await _pgbench_table(ledger.server, settings)
        best = 0
        fastest = 0.0
        for clients in CLIENTS:
            rate = await _pgbench(ledger.server, script, clients=clients, seconds=max(1, seconds // 2))
            if rate > fastest:
                best, fastest = clients, rate

        async def ours() -> float:
            started = time.perf_counter()
            waiting = iter(range(appends))
            await asyncio.gather(*(_produce(ledger, waiting) for _ in range(PRODUCERS)))
            return appends / (time.perf_counter() - started)

        async def theirs() -> float:
            return await _pgbench(ledger.server, script, clients=best, seconds=seconds)

        await ours()
        measured = await in_turns(
            "append_vs_pgbench",
            unit="appends/s",
            peer=f"pgbench single-row inserts, {best} clients",
            ours=ours,
            theirs=theirs,
            rounds=rounds,
        )
        await _verify(settings, secret_files)
        return measured


async def _produce(ledger: _Ledger, waiting: Iterator[int]) -> None:
    for _ in waiting:
        await ledger.append(_share())


def _share() -> AppendRequest:
    entry_id = EntryId(secrets.token_hex(16))
    body = share_body()
    return AppendRequest(
        entry_id=entry_id,
        type=EntryType.SHARE_RECORDED,
        idempotency=Idempotency(f"agency:{AGENCY}", secrets.token_hex(16), body),
        answer=Answer(201, {"kind": "share", "result": "accepted", "advice": [], "told": []}),
        agency=AGENCY,
        key=_KEY.public.thumbprint,
        nonce=secrets.token_urlsafe(16),
        child=NamedChild(
            None,
            0,
            (ChildIdentifier(f"local:{AGENCY}", entry_id, identifying=True),),
            (RoleFact("living_at", DARLINGTON),),
        ),
        facts={"level": "significant_harm", "level_as_given": "known", "consent": "not_sought"},
        obligations=(
            Obligation(
                obligation_id(entry_id, ordinal=0),
                authority_recipient(DARLINGTON),
                ("lives_in_area",),
                "same_day",
                "2026-11-25T17:00:00.000000Z",
                "working_days:England",
                "recorded",
            ),
        ),
        sections=(Section("body", body), Section("signature", _EVIDENCE)),
    )


@asynccontextmanager
async def _ledger() -> AsyncIterator[tuple[_Ledger, LedgerSettings, SecretFiles]]:
    layout = layout_of_its_own("exchange-bench-")
    layout.create()
    secret_files = SecretFiles(layout.secrets)
    server = EmbeddedPostgres(layout.postgres, password_file=layout.superuser_password_file)
    server.start()
    try:
        await migrate(server.dsn(), passwords=secret_files.role_passwords())
        settings = _settings(layout, server, secret_files)
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
        ledger = _Ledger(server, preparer, queue)
        await _register(ledger)
        yield ledger, settings, secret_files
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        pool.terminate()
    finally:
        server.destroy()


def _settings(layout: Layout, server: EmbeddedPostgres, secret_files: SecretFiles) -> LedgerSettings:
    door = f"unix:{layout.run}/none.sock"
    return LedgerSettings(
        database_url=f"postgresql:///postgres?host={server.socket_dir}&port={server.port}",
        writer_password_file=secret_files.password_file("exchange_ledger_writer"),
        relay_password_file=secret_files.password_file("exchange_ledger_relay"),
        log_key_file=secret_files.signing_key_file("ledger-log"),
        key_encryption_key_file=secret_files.key_file("ledger-key-encryption"),
        blind_index_key_file=secret_files.key_file("ledger-blind-index"),
        guard_file=layout.home / "ledger-guard",
        gateway_door=door,
        notifier_door=door,
        operator_door=door,
        auditor_door=door,
    )


async def _register(ledger: _Ledger) -> None:
    facts = AgencyFacts(AGENCY, "School", "s11_body", "England", DARLINGTON)
    key = KeyFacts(AGENCY, _KEY.public.thumbprint, _KEY.public.jwk(), rfc3339(SystemClock().now()))
    for entry_type, each in ((EntryType.AGENCY_REGISTERED, facts), (EntryType.AGENCY_KEY_ADDED, key)):
        name = secrets.token_hex(16)
        await ledger.append(
            AppendRequest(
                entry_id=EntryId(name),
                type=entry_type,
                idempotency=Idempotency("service:operator", name, b"register"),
                answer=Answer(201, {}),
                facts=msgspec.to_builtins(each),
            )
        )


async def _pgbench_table(server: EmbeddedPostgres, settings: LedgerSettings) -> Path:
    payload = share_body() + _EVIDENCE
    server.execute("CREATE TABLE public.bench (id bigserial PRIMARY KEY, payload bytea NOT NULL)")
    script = settings.guard_file.with_name("insert.sql")
    script.write_text(f"INSERT INTO public.bench (payload) VALUES (decode('{payload.hex()}', 'hex'));\n")
    return script


async def _pgbench(server: EmbeddedPostgres, script: Path, *, clients: int, seconds: int) -> float:
    process = await asyncio.create_subprocess_exec(
        str(server.bin_dir / "pgbench"),
        *("--no-vacuum", "--client", str(clients), "--jobs", "2", "--time", str(seconds), "--protocol", "prepared"),
        *("--file", str(script), server.dsn()),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    found = re.search(rb"tps = ([0-9.]+)", said)
    if process.returncode or found is None:
        raise RuntimeError(complained.decode("utf-8", "replace")[-500:])
    return float(found.group(1))


async def _verify(settings: LedgerSettings, secret_files: SecretFiles) -> None:
    verifier = log_signer(settings).verifier()
    password = secret_files.role_passwords()["exchange_auditor"]
    async with open_stored_log(settings.database_url, user="exchange_auditor", password=password) as stored:
        report = await verify_log(stored, verifiers=[verifier])
    if not report.intact:
        raise RuntimeError(f"the log does not verify: {report.findings[:3]}")
