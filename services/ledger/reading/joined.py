"""Joins the parts by which agencies read."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass

from services.ledger.adapters.postgres_reader import PostgresReader
from services.ledger.as_recorded import AsPublished
from services.ledger.open_section import SectionOpener
from services.ledger.prepare_append import AppendPreparer, Secrets
from services.ledger.reading.find_child import ChildFinder, LoopBeat
from services.ledger.reading.part_in_case import NowNamed
from services.ledger.reading.prove_reader import ReaderProver
from services.ledger.reading.read_chronology import ChronologyReader
from services.ledger.reading.record_look import LookRecorder
from services.ledger.request_queue import Queue
from shared.clock import Clock
from shared.ledger.messages import Appended, AppendRequest, EntriesPage
from shared.ledger.registry_copy import RegistryCopy
from shared.reference.authorities import AuthorityRegister
from shared.reference.working_days import local_day


class CommittedRegistry:
    """Implements RegistryEntries by what is committed."""

    def __init__(self, reader: PostgresReader) -> None:
        self._reader = reader

    async def entries(self, *, after: int, limit: int = 500, registry_only: bool = False) -> EntriesPage:
        """Return entries after a position, in order."""
        stored = await self._reader.entries(after=after, limit=limit, registry_only=registry_only)
        return EntriesPage(stored, stored[-1].position + 1 if stored else 0)


@dataclass(frozen=True, slots=True)
class ReadingParts:
    """The use cases of reading."""

    chronologies: ChronologyReader
    finder: ChildFinder


def names_in_force(register: AuthorityRegister, *, clock: Clock) -> Callable[[], NowNamed]:
    """Return what gives, at any moment, the way from an authority's code to the one in force on that day."""

    def today() -> NowNamed:
        on = local_day(clock.now())
        return lambda code: register.resolve(code, on=on).single or code

    return today


def join_reading(
    reader: PostgresReader,
    *,
    registry: RegistryCopy,
    published: AsPublished,
    opener: SectionOpener,
    preparer: AppendPreparer,
    queue: Queue,
    secrets: Secrets,
    now_named: Callable[[], NowNamed],
    clock: Clock,
    real_clock: Clock,
) -> ReadingParts:
    """Return the use cases of reading over a ledger's parts. Signatures age by ``real_clock``, in a sandbox too."""

    async def append(request: AppendRequest) -> Appended:
        return await queue.submit(await preparer.prepare(request))

    recorder = LookRecorder(append, os.urandom)
    prover = ReaderProver(registry=registry, clock=clock, real_clock=real_clock)
    return ReadingParts(
        chronologies=ChronologyReader(
            entries=reader, published=published, opener=opener, prover=prover, recorder=recorder, now_named=now_named
        ),
        finder=ChildFinder(
            index=reader,
            tokens=secrets.blind_index.identifier_tokens,
            prover=prover,
            recorder=recorder,
            now_named=now_named,
            random=os.urandom,
            beat=LoopBeat(now=lambda: asyncio.get_running_loop().time(), sleep=asyncio.sleep),
        ),
    )
