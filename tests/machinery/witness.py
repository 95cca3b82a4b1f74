"""A witness as the real process, in a folder of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

from deploy.local.loopback_port import free_port
from services.witness.keys import load_cosigner, new_key_files
from shared.transparency.cosignature import CosignatureVerifier, MlDsaCosignatureVerifier

STARTS_WITHIN_S = 30


@dataclass
class WitnessProcess:
    """Keys, state and port survive ``kill`` and ``start``, as they do on a machine."""

    folder: Path
    name: str
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @classmethod
    def prepared(cls, folder: Path, *, log_keys: Sequence[str], name: str = "witness.example/w") -> "WitnessProcess":
        """Return a witness with new keys that has not been started."""
        folder.mkdir(parents=True, exist_ok=True)
        for file_name, content in new_key_files().items():
            (folder / file_name).write_bytes(content)
            (folder / file_name).chmod(0o600)
        (folder / "logs").write_text("# the logs it watches\n" + "\n".join(log_keys), "utf-8")
        return cls(folder, name, free_port())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def verifiers(self) -> tuple[CosignatureVerifier | MlDsaCosignatureVerifier, ...]:
        ed25519, ml_dsa = self.folder / "witness-ed25519.pem", self.folder / "witness-ml-dsa-44.pem"
        return load_cosigner(self.name, ed25519_file=ed25519, ml_dsa_file=ml_dsa).verifiers()

    def start(self) -> None:
        """Start it, and return when it answers."""
        environment = {
            **os.environ,
            "WITNESS_NAME": self.name,
            "WITNESS_PORT": str(self.port),
            "WITNESS_KEY_FILE": str(self.folder / "witness-ed25519.pem"),
            "WITNESS_ML_DSA_KEY_FILE": str(self.folder / "witness-ml-dsa-44.pem"),
            "WITNESS_LOG_KEYS_FILE": str(self.folder / "logs"),
            "WITNESS_STATE_FOLDER": str(self.state),
            "WITNESS_REQUEST_TIMEOUT_S": "2",
        }
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "services.witness"], env=environment, stderr=log)
        until = time.monotonic() + STARTS_WITHIN_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((self.folder / "log").read_text("utf-8")) from None
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """End it at once, wherever it is. Idempotent."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def ask(self, body: bytes) -> requests.Response:
        return requests.post(f"{self.url}/add-checkpoint", data=body, timeout=10)
