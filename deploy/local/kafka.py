"""One real Apache Kafka on this machine: a KRaft node that is broker and controller at once."""

import base64
import json
import os
import shutil
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from string import Template

import psutil
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from deploy.local.kafka_jars import fetched_jars
from deploy.local.leash import end, spawn_logged
from deploy.local.loopback_port import LOOPBACK, free_port, is_free
from deploy.local.occupancy import Occupancy
from shared.errors import Unavailable

TEMPLATE = Path(__file__).resolve().parent.parent / "kafka" / "server.properties"

_START_WITHIN_S = 60.0
_GRACE_S = 20.0
_POLL_S = 0.1
_ANSWER_WITHIN_S = 2.0


@dataclass(frozen=True, slots=True)
class _Ports:
    broker: int
    controller: int


class LocalKafka:
    """A handle on one Kafka node whose data, settings and ports stand in one folder.

    It ends when the process that started it ends. Its port is chosen at the first start and kept, so that clients
    find it again after a restart; only when another program has taken it is there a new one. Methods block.
    """

    def __init__(self, home: Path, *, jars_cache: Path, log_file: Path | None = None) -> None:
        self._home = home.absolute()
        self._jars_cache = jars_cache.absolute()
        self._log_file = log_file or self._home / "kafka.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._occupancy = Occupancy(self._home)

    @property
    def data_dir(self) -> Path:
        """Where the topics' files are."""
        return self._home / "data"

    @property
    def log_file(self) -> Path:
        """What Kafka wrote, warnings and above."""
        return self._log_file

    @property
    def bootstrap_servers(self) -> str:
        """The node's ``host:port``, the same after a restart. Raises Unavailable before the first start."""
        ports = self._recorded_ports()
        if ports is None:
            raise Unavailable("Kafka was not started yet")
        return f"{LOOPBACK}:{ports.broker}"

    @property
    def pid(self) -> int:
        """The number of the node's process. Raises Unavailable while it does not run."""
        if self._process is None:
            raise Unavailable("Kafka is not running")
        return self._process.pid

    def start(self) -> None:
        """Fetch Kafka when it is not there, prepare its storage when new, start it, and return when it answers.

        Does nothing when it runs already. Raises Unavailable, naming the log, when it does not come up, and Conflict
        when another living process runs a node on this folder.
        """
        if self._process is not None and self._process.poll() is None:
            return
        java = shutil.which("java")
        if java is None:
            raise Unavailable("Kafka needs java, which is not on PATH", remedy="install a JRE, or use BROKER=embedded")
        class_path = f"{fetched_jars(self._jars_cache)}{os.sep}*"
        self._occupancy.claim()
        self._end_predecessor()
        self._write_settings(self._settled_ports())
        options = ["-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", class_path]
        if not (self.data_dir / "meta.properties").exists():
            self._format([java, *options])
        argv = [java, *options, "kafka.Kafka", str(self._settings_file)]
        self._process = spawn_logged(argv, log_file=self._log_file, working_directory=self._home)
        self._pid_file.write_text(f"{self._process.pid}\n", encoding="ascii")
        self._await_answer(self._process)

    def stop(self) -> None:
        """End the node cleanly, by force after a while. Its messages stay. Idempotent."""
        if self._process is not None:
            end(self._process, grace_s=_GRACE_S)
            self._process = None
        self._forget()

    def crash(self) -> None:
        """Kill the node at once. Its messages stay; the next `start` recovers them."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._forget()

    def wipe(self) -> None:
        """Stop the node and delete all its topics, messages and groups. The next `start` is empty, on the same port."""
        self.stop()
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def _forget(self) -> None:
        self._pid_file.unlink(missing_ok=True)
        self._occupancy.release()

    @property
    def _settings_file(self) -> Path:
        return self._home / "server.properties"

    @property
    def _ports_file(self) -> Path:
        return self._home / "ports.json"

    @property
    def _pid_file(self) -> Path:
        return self._home / "kafka.pid"

    def _recorded_ports(self) -> _Ports | None:
        try:
            recorded = json.loads(self._ports_file.read_text(encoding="utf-8"))
            return _Ports(broker=int(recorded["broker"]), controller=int(recorded["controller"]))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise Unavailable(f"{self._ports_file} cannot be read", remedy="delete it: new ports are chosen") from error

    def _settled_ports(self) -> _Ports:
        """Return the recorded ports, each replaced by a free one where it is missing or taken; record the outcome."""
        recorded = self._recorded_ports()
        broker = recorded.broker if recorded is not None and is_free(recorded.broker) else free_port()
        if recorded is not None and is_free(recorded.controller):
            controller = recorded.controller
        else:
            controller = free_port(other_than={broker})
        ports = _Ports(broker=broker, controller=controller)
        partial = self._ports_file.with_suffix(".partial")
        partial.write_text(json.dumps({"broker": broker, "controller": controller}), encoding="utf-8")
        partial.replace(self._ports_file)
        return ports

    def _write_settings(self, ports: _Ports) -> None:
        template = Template(TEMPLATE.read_text(encoding="utf-8"))
        filled = template.substitute(
            broker_port=ports.broker, controller_port=ports.controller, data_dir=self.data_dir.as_posix()
        )
        self._settings_file.write_text(filled, encoding="utf-8")

    def _format(self, java: list[str]) -> None:
        # A half-formatted folder has no meta.properties: it holds nothing worth keeping.
        shutil.rmtree(self.data_dir, ignore_errors=True)
        # Kafka writes a cluster's id as 22 characters of URL-safe base64, and refuses a leading dash on its own
        # command line.
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
        argv = [*java, "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self._settings_file)]
        done = subprocess.run(argv, capture_output=True, check=False, cwd=self._home)
        if done.returncode != 0:
            said = (done.stdout + done.stderr).decode(errors="replace").strip()
            raise Unavailable(f"Kafka's storage could not be prepared: {said[-600:]}")

    def _await_answer(self, process: subprocess.Popen[bytes]) -> None:
        give_up_at = time.monotonic() + _START_WITHIN_S
        while not self._answers():
            if process.poll() is not None:
                raise Unavailable(f"Kafka ended with {process.returncode} while starting; see {self._log_file}")
            if time.monotonic() > give_up_at:
                self.crash()
                raise Unavailable(f"Kafka did not answer after {_START_WITHIN_S:.0f} s; see {self._log_file}")
            time.sleep(_POLL_S)

    def _answers(self) -> bool:
        ports = self._recorded_ports()
        if ports is None or is_free(ports.broker):
            return False
        client = AdminClient({"bootstrap.servers": f"{LOOPBACK}:{ports.broker}", "log_level": 0})
        try:
            return bool(client.list_topics(timeout=_ANSWER_WITHIN_S).brokers)
        except KafkaException:
            return False

    def _end_predecessor(self) -> None:
        """Wait for a node on this folder whose supervisor was killed, and which may still be ending; then kill it.

        It belongs to nobody: a living owner would hold the folder.
        """
        try:
            process = psutil.Process(int(self._pid_file.read_text(encoding="ascii")))
            ours = str(self._settings_file) in process.cmdline()
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
            # No number, no process, or one of somebody else's: nothing of ours is left.
            return
        if ours and psutil.wait_procs([process], timeout=_GRACE_S)[1]:
            process.kill()
            psutil.wait_procs([process], timeout=_GRACE_S)
