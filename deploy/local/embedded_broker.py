"""The broker inside librdkafka, in a process of its own: Kafka's protocol without Java, and without a disk.

It keeps 5 MiB for each partition, serves one member in each group, takes a new port with each start, and forgets
everything when it ends. Nothing may depend on its quirks: the design target is Apache Kafka.
"""

import argparse
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from confluent_kafka import KafkaException, Producer

from deploy.local.leash import end, spawn_logged
from shared.errors import Unavailable

_START_WITHIN_S = 20.0
_GRACE_S = 5.0
_POLL_S = 0.02
_PARENT_CHECK_S = 0.5


class EmbeddedBroker:
    """A handle on the broker's process. It ends when the process that started it ends. Methods block."""

    def __init__(self, run_dir: Path, *, log_file: Path | None = None) -> None:
        self._run_dir = run_dir
        self._log_file = log_file or run_dir / "broker.log"
        self._address_file = run_dir / "embedded-broker.address"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap_servers(self) -> str:
        """The broker's ``host:port``, another one after each start. Raises Unavailable while it does not run."""
        if self._process is None:
            raise Unavailable("the embedded broker is not running")
        return self._address_file.read_text(encoding="ascii").strip()

    @property
    def pid(self) -> int:
        """The number of the broker's process. Raises Unavailable while it does not run."""
        if self._process is None:
            raise Unavailable("the embedded broker is not running")
        return self._process.pid

    def start(self) -> None:
        """Start the broker, empty, and return when it takes connections. Does nothing when it runs already."""
        if self._process is not None and self._process.poll() is None:
            return
        self._run_dir.mkdir(parents=True, exist_ok=True)
        self._address_file.unlink(missing_ok=True)
        argv = [sys.executable, "-m", "deploy.local.embedded_broker", "--address-file", str(self._address_file)]
        project = Path(__file__).resolve().parents[2]
        python_path = os.pathsep.join(filter(None, [str(project), os.environ.get("PYTHONPATH", "")]))
        process = spawn_logged(argv, log_file=self._log_file, environment={**os.environ, "PYTHONPATH": python_path})
        give_up_at = time.monotonic() + _START_WITHIN_S
        while not self._address_file.exists():
            if process.poll() is not None:
                raise Unavailable(f"the embedded broker ended with {process.returncode}; see {self._log_file}")
            if time.monotonic() > give_up_at:
                end(process, grace_s=0.0)
                raise Unavailable(f"the embedded broker was not ready in time; see {self._log_file}")
            time.sleep(_POLL_S)
        self._process = process

    def stop(self) -> None:
        """End the broker and all it held. Idempotent."""
        if self._process is not None:
            end(self._process, grace_s=_GRACE_S)
            self._process = None
        self._address_file.unlink(missing_ok=True)


def serve(address_file: Path) -> None:
    """Be the broker: write its ``host:port`` to ``address_file``, whole or not at all, and stay until SIGTERM.

    It leaves too when its parent dies, also where the kernel cannot tell it so.
    """
    signals = {signal.SIGTERM, signal.SIGINT}
    # Blocked before librdkafka starts its threads, so that no thread of it takes a signal meant for this loop.
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    parent_pid = os.getppid()
    silent = logging.getLogger("librdkafka")
    silent.addHandler(logging.NullHandler())
    silent.propagate = False
    # The cluster lives as long as this producer; the listed brokers tell the port it was given.
    producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "unused:1"}, logger=silent)
    brokers = producer.list_topics(timeout=_START_WITHIN_S).brokers.values()
    address = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    partial = address_file.with_name(f".{address_file.name}.{os.getpid()}")
    partial.write_text(f"{address}\n", encoding="ascii")
    partial.replace(address_file)
    while signal.sigtimedwait(signals, _PARENT_CHECK_S) is None and os.getppid() == parent_pid:
        pass


def main() -> int:
    """Run the broker from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description="Kafka's protocol from memory, for one machine without Java.")
    parser.add_argument("--address-file", type=Path, required=True, help="where to write host:port once it answers")
    try:
        serve(parser.parse_args().address_file)
    except KafkaException as error:
        sys.stderr.write(f"the embedded broker did not start: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
