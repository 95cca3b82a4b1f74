"""The peer that everybody has: PostgreSQL's own pgbench, inserting single rows of the same payload."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

from benchmarks.appends import payload
from deploy.local.postgres import EmbeddedPostgres

CLIENTS = (4, 8, 16, 32, 64)

_TABLE = "CREATE TABLE public.bench (id bigserial PRIMARY KEY, payload bytea NOT NULL)"


@dataclass(frozen=True, slots=True)
class Pgbench:
    """pgbench at whichever number of clients it was found to be fastest with."""

    server: EmbeddedPostgres
    script: Path
    clients: int

    @property
    def label(self) -> str:
        """What the result calls it."""
        return f"pgbench single-row inserts, {self.clients} clients"

    async def rate(self, inserts: int) -> float:
        """Return inserts a second over so many."""
        return await _run(self.server, self.script, clients=self.clients, inserts=inserts)


async def fastest_pgbench(server: EmbeddedPostgres, *, folder: Path, inserts: int) -> Pgbench:
    """Return pgbench at the number of clients it is fastest with on that server, each tried with so many inserts."""
    server.execute(_TABLE)
    script = folder / "insert.sql"
    script.write_text(f"INSERT INTO public.bench (payload) VALUES (decode('{payload().hex()}', 'hex'));\n")
    rates = {clients: await _run(server, script, clients=clients, inserts=inserts) for clients in CLIENTS}
    return Pgbench(server, script, max(rates, key=lambda clients: rates[clients]))


async def _run(server: EmbeddedPostgres, script: Path, *, clients: int, inserts: int) -> float:
    # A number of inserts and not a time: on a busy machine a short time may pass before the first of them.
    each = str(max(1, inserts // clients))
    process = await asyncio.create_subprocess_exec(
        str(server.bin_dir / "pgbench"),
        *("--no-vacuum", "--client", str(clients), "--jobs", "2", "--transactions", each, "--protocol", "prepared"),
        *("--file", str(script), server.dsn()),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    found = re.search(rb"tps = ([0-9.]+)", said)
    if process.returncode or found is None:
        raise RuntimeError(complained.decode("utf-8", "replace")[-500:])
    return float(found.group(1))
