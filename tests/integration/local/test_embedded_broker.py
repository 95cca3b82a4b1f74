import subprocess
import sys
from pathlib import Path

import psutil

from deploy.local.embedded_broker import EmbeddedBroker
from tests.integration.local.kafka_round_trip import end_offset, read, send
from tests.machinery.broker import PROJECT

_STARTER = """
import sys, time
from pathlib import Path
from deploy.local.embedded_broker import EmbeddedBroker
broker = EmbeddedBroker(Path(sys.argv[1]))
broker.start()
print(broker.pid, flush=True)
time.sleep(600)
"""


async def test_messages_sent_idempotently_are_read_in_order(embedded_broker: EmbeddedBroker) -> None:
    messages = [str(number).encode() for number in range(20)]
    await send(embedded_broker.bootstrap_servers, topic="round-trip", messages=messages)
    assert await read(embedded_broker.bootstrap_servers, topic="round-trip", count=20) == messages


async def test_a_broker_started_again_is_empty(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path)
    broker.start()
    try:
        await send(broker.bootstrap_servers, topic="forgotten", messages=[b"one"])
        broker.stop()
        broker.start()
        assert await end_offset(broker.bootstrap_servers, topic="forgotten") == 0
    finally:
        broker.stop()


def test_it_says_nothing_of_its_own_accord(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path)
    broker.start()
    broker.stop()
    assert (tmp_path / "broker.log").read_text(encoding="utf-8") == ""


def test_the_broker_ends_when_the_process_that_started_it_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _STARTER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as starter:
        assert starter.stdout is not None
        broker = psutil.Process(int(starter.stdout.readline()))
        starter.kill()
    gone, _ = psutil.wait_procs([broker], timeout=20)
    assert gone == [broker]
