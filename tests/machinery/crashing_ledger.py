"""A ledger process that kills itself at a named step: the real ledger, its ports wrapped from outside."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
import uvloop
from aiokafka import AIOKafkaProducer

from services.ledger.adapters import guard_file
from services.ledger.adapters.kafka_relay import idempotent_producer
from services.ledger.bootstrap import Ledger, joined
from services.ledger.ports import CommittedBatch, Guard, Guarded, Head, Log, LookedUp
from shared.errors import ExchangeError
from shared.identifiers import ChildRef
from shared.process.logs import configure_logs
from shared.process.serving import stop_on_signals
from shared.process.settings import LedgerSettings
from tests.machinery.crash import Crash, die
from tests.machinery.crashing_publisher import CrashingFiles, CrashingWitnesses

TWIN = "takes itself for elected whatever the database says"
"""Not a crash: a process that writes although another one holds the lock."""


@dataclass(slots=True)
class CrashingLog:
    """The log, dying around its calls."""

    log: Log
    crash: Crash

    async def win(self) -> bool:
        won = await self.log.win() or self.crash.step == TWIN
        if won:
            self.crash.at("takeover: after the lock, before the guard check")
        return won

    async def keep(self) -> None:
        if self.crash.step == TWIN:
            await asyncio.Event().wait()
        await self.log.keep()

    async def close(self) -> None:
        await self.log.close()

    async def head(self) -> Head | None:
        return await self.log.head()

    async def time(self) -> datetime:
        return await self.log.time()

    async def look_up(
        self,
        *,
        answer_tokens: Sequence[bytes],
        nonce_tokens: Sequence[bytes],
        children: Sequence[ChildRef],
        identifier_tokens: Sequence[bytes],
    ) -> LookedUp:
        self.crash.at("append: before the look-up")
        return await self.log.look_up(
            answer_tokens=answer_tokens,
            nonce_tokens=nonce_tokens,
            children=children,
            identifier_tokens=identifier_tokens,
        )

    async def commit(self, batch: CommittedBatch) -> None:
        self.crash.at("append: before the commit")
        self.crash.at("takeover: before the first commit")
        await self.log.commit(batch)
        self.crash.at("append: after the commit, before the guard")


@dataclass(slots=True)
class CrashingGuard:
    """The guard, dying around its writes, or in the middle of one with half a record on the disk."""

    guard: Guard
    path: Path
    crash: Crash

    def recall(self) -> Guarded | None:
        return self.guard.recall()

    async def remember(self, head: Head) -> None:
        if self.crash.reached("append: inside the guard's write"):
            self._tear(head)
        await self.guard.remember(head)
        self.crash.at("append: after the guard, before the answer")

    def _tear(self, head: Head) -> None:
        before = self.path.read_bytes()
        guard_file.GuardFile(self.path).remember_now(head)
        after = self.path.read_bytes()
        # The bytes up to the first that differ, and a few more: what a disk may hold when the power goes.
        first = next(index for index, (old, new) in enumerate(zip(before, after, strict=True)) if old != new)
        self.path.write_bytes(after[: first + 40] + before[first + 40 :])
        die()


class CrashingProducer:
    """A producer that dies before a record is sent, or once the broker has acknowledged it."""

    def __init__(self, producer: AIOKafkaProducer, crash: Crash) -> None:
        self._producer = producer
        self._crash = crash

    async def start(self) -> None:
        await self._producer.start()

    async def stop(self) -> None:
        await self._producer.stop()

    async def partitions_for(self, topic: str) -> set[int]:
        return set(await self._producer.partitions_for(topic))

    async def send(self, topic: str, **record: object) -> Awaitable[object]:
        self._crash.at("relay: before a send")
        return self._acknowledged(await self._producer.send(topic, **record))

    async def _acknowledged(self, sent: Awaitable[object]) -> object:
        done = await sent
        self._crash.at("relay: after the acknowledgement, before the cursor")
        return done


def wrap(ledger: Ledger, crash: Crash) -> None:
    """Put the crash around every port of a ledger."""
    writer = ledger.writer
    connect, sign = writer.connect, writer.sign_head

    async def connect_crashing() -> Log:
        return CrashingLog(await connect(), crash)

    def sign_crashing(size: int, root: bytes) -> bytes:
        crash.at("append: after deciding, before the signature")
        note = sign(size, root)
        crash.at("append: after the signature")
        return note

    writer.connect, writer.sign_head = connect_crashing, sign_crashing
    writer.guard = CrashingGuard(writer.guard, ledger.settings.guard_file, crash)
    if ledger.publisher is not None and ledger.settings.tiles_directory is not None:
        ledger.publisher.files = CrashingFiles(ledger.settings.tiles_directory, crash)
        ledger.publisher.witnesses = CrashingWitnesses(ledger.publisher.witnesses, crash)
    if ledger.relay is not None:
        ledger.relay.make_producer = lambda servers: CrashingProducer(idempotent_producer(servers), crash)


async def _run(settings: LedgerSettings, crash: Crash, limit: Callable[[], None]) -> None:
    stop = stop_on_signals()
    async with joined(settings) as ledger:
        wrap(ledger, crash)
        limit()
        await ledger.run(stop=stop)


def be_a_ledger(
    settings: Mapping[str, str], log_file: str, crash: Crash, limit: Callable[[], None] = lambda: None
) -> None:
    """Run as a process of its own, all that it says going to a file; ``limit`` takes something away from it first."""
    descriptor = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    configure_logs("ledger")
    try:
        uvloop.run(_run(LedgerSettings.model_validate(settings), crash, limit))
    except ExchangeError as error:
        structlog.get_logger().error("ledger_stopped", code=error.code, detail=error.detail, remedy=error.remedy)
        sys.exit(1)
    except asyncio.CancelledError:
        sys.exit(1)
