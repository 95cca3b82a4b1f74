import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.local.kafka import LocalKafka
from shared.errors import Conflict
from tests.integration.local.kafka_round_trip import end_offset, read, send
from tests.machinery.broker import JARS_CACHE, PROJECT

_STARTER = """
import sys, time
from pathlib import Path
from deploy.local.kafka import LocalKafka
kafka = LocalKafka(Path(sys.argv[1]), jars_cache=Path(sys.argv[2]))
kafka.start()
print(kafka.bootstrap_servers, flush=True)
time.sleep(600)
"""

pytestmark = pytest.mark.kafka


async def test_messages_sent_idempotently_are_read_in_order(kafka: LocalKafka) -> None:
    topic, messages = f"round-trip-{uuid4()}", [str(number).encode() for number in range(20)]
    await send(kafka.bootstrap_servers, topic=topic, messages=messages)
    assert await read(kafka.bootstrap_servers, topic=topic, count=20) == messages


async def test_kill_9_and_a_restart_keep_the_messages_and_the_port(kafka: LocalKafka) -> None:
    topic, servers = f"kept-{uuid4()}", kafka.bootstrap_servers
    await send(servers, topic=topic, messages=[b"one", b"two"])
    kafka.crash()
    kafka.start()
    assert kafka.bootstrap_servers == servers
    assert await read(servers, topic=topic, count=2) == [b"one", b"two"]


async def test_wiped_it_starts_empty_on_the_same_port(kafka: LocalKafka) -> None:
    topic, servers = f"wiped-{uuid4()}", kafka.bootstrap_servers
    await send(servers, topic=topic, messages=[b"one"])
    kafka.wipe()
    kafka.start()
    assert kafka.bootstrap_servers == servers
    assert await end_offset(servers, topic=topic) == 0


def test_a_node_whose_supervisor_was_killed_is_followed_by_another_on_the_same_port(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _STARTER, str(tmp_path), str(JARS_CACHE)]
    successor = LocalKafka(tmp_path, jars_cache=JARS_CACHE)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as starter:
        assert starter.stdout is not None
        servers = starter.stdout.readline().strip()
        with pytest.raises(Conflict):
            successor.start()
        starter.kill()
    try:
        successor.start()
        assert successor.bootstrap_servers == servers
    finally:
        successor.stop()
