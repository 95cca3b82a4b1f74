"""Which broker this machine uses, and why."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from deploy.local.embedded_broker import EmbeddedBroker
from deploy.local.kafka import LocalKafka
from deploy.local.layout import Layout
from shared.errors import InvalidInput

FindProgram = Callable[[str], str | None]


class BrokerKind(StrEnum):
    """What carries the entries from the ledger to the notifier."""

    KAFKA = "kafka"
    EMBEDDED = "embedded"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class BrokerChoice:
    """One kind of broker and, in a sentence for a person, why it is that one.

    ``bootstrap_servers`` is set for an external broker only: the others have an address once they run.
    """

    kind: BrokerKind
    reason: str
    bootstrap_servers: str | None = None


class Broker(Protocol):
    """A broker that can be started and stopped. Both calls block and are idempotent."""

    @property
    def bootstrap_servers(self) -> str:
        """Return ``host:port`` of the running broker. Raises Unavailable when it was not started."""
        ...

    def start(self) -> None:
        """Start it and return when it answers. Raises Unavailable when it does not."""
        ...

    def stop(self) -> None:
        """End it and return when it is gone."""
        ...


@dataclass(frozen=True, slots=True)
class ExternalBroker:
    """A broker that somebody else runs: nothing is started and nothing stopped."""

    bootstrap_servers: str

    def start(self) -> None:
        """Do nothing: it is not ours."""

    def stop(self) -> None:
        """Do nothing: it is not ours."""


def choose_broker(environment: Mapping[str, str], *, find_program: FindProgram | None = None) -> BrokerChoice:
    """Return the broker that the environment asks for.

    ``KAFKA_BOOTSTRAP_SERVERS`` names one that runs already; ``BROKER`` is ``kafka`` or ``embedded``; with neither it
    is Apache Kafka where ``java`` and ``mvn`` are on PATH, and the embedded one elsewhere. Raises InvalidInput for any
    other ``BROKER``, and for ``kafka`` on a machine without Java.
    """
    find = find_program or (lambda name: shutil.which(name, path=environment.get("PATH")))
    wanted = environment.get("BROKER", "").strip()
    if wanted not in ("", BrokerKind.KAFKA, BrokerKind.EMBEDDED):
        raise InvalidInput(
            f"BROKER={wanted!r} is no broker", remedy="use BROKER=kafka or BROKER=embedded, or leave it unset"
        )
    servers = environment.get("KAFKA_BOOTSTRAP_SERVERS", "").strip()
    if servers:
        reason = f"KAFKA_BOOTSTRAP_SERVERS is set: the broker at {servers} is used and none is started"
        return BrokerChoice(kind=BrokerKind.EXTERNAL, reason=reason, bootstrap_servers=servers)
    missing = [program for program in ("java", "mvn") if find(program) is None]
    if wanted == BrokerKind.KAFKA:
        if "java" in missing:
            raise InvalidInput("BROKER=kafka needs java, which is not on PATH", remedy="install it or unset BROKER")
        return BrokerChoice(kind=BrokerKind.KAFKA, reason="real Apache Kafka, because BROKER=kafka asks for it")
    if wanted == BrokerKind.EMBEDDED:
        reason = "the embedded broker, because BROKER=embedded asks for it; it keeps nothing on disk"
        return BrokerChoice(kind=BrokerKind.EMBEDDED, reason=reason)
    if missing:
        reason = f"the embedded broker, because {' and '.join(missing)} cannot be found; it keeps nothing on disk"
        return BrokerChoice(kind=BrokerKind.EMBEDDED, reason=reason)
    return BrokerChoice(kind=BrokerKind.KAFKA, reason="real Apache Kafka, because java and mvn were found")


def make_broker(choice: BrokerChoice, *, layout: Layout) -> Broker:
    """Return the chosen broker, not started yet, with its files in ``layout``."""
    if choice.kind is BrokerKind.EXTERNAL:
        if choice.bootstrap_servers is None:
            raise InvalidInput("an external broker without an address")
        return ExternalBroker(bootstrap_servers=choice.bootstrap_servers)
    if choice.kind is BrokerKind.KAFKA:
        return LocalKafka(layout.kafka, jars_cache=layout.kafka_jars, log_file=layout.log_file("kafka"))
    return EmbeddedBroker(layout.run, log_file=layout.log_file("broker"))
