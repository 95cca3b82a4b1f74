"""A broker for a whole test session."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.embedded_broker import EmbeddedBroker
from deploy.local.kafka import LocalKafka
from deploy.local.layout import DEFAULT_HOME, Layout

PROJECT = Path(__file__).resolve().parents[2]
JARS_CACHE = Layout(home=PROJECT / DEFAULT_HOME).kafka_jars


@contextmanager
def running_embedded_broker() -> Iterator[EmbeddedBroker]:
    """Give an embedded broker of its own, started and empty; end it afterwards."""
    run_dir = Path(tempfile.mkdtemp(prefix="exchange-test-broker-"))
    broker = EmbeddedBroker(run_dir)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()
        shutil.rmtree(run_dir, ignore_errors=True)


@contextmanager
def running_kafka() -> Iterator[LocalKafka]:
    """Give a real Kafka of its own, started and empty; end it and delete its data afterwards.

    The jars are those of the working copy's own ``.exchange``, so that they are fetched once and not once a run.
    """
    home = Path(tempfile.mkdtemp(prefix="exchange-test-kafka-"))
    kafka = LocalKafka(home, jars_cache=JARS_CACHE)
    try:
        kafka.start()
        yield kafka
    finally:
        kafka.wipe()
        shutil.rmtree(home, ignore_errors=True)
