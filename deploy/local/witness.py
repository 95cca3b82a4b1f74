"""A witness beside the exchange on one machine: it shows the protocol at work. One that protects stands elsewhere."""

import sys
from pathlib import Path

from deploy.local.exchange import LocalExchange
from deploy.local.layout import Layout
from deploy.local.loopback_port import free_port
from deploy.local.readiness import port_accepts
from deploy.local.supervisor import ChildSpec
from services.witness.keys import load_cosigner

NAME = "witness.localhost/beside"


def policy_file_of(layout: Layout) -> Path:
    """Return the policy file that the ledger of an installation is given when it has a witness beside it."""
    return layout.home / "witness" / "policy"


class LocalWitness:
    """One witness of one installation. Its keys and its memory stay between runs; its port is new each time."""

    def __init__(self, exchange: LocalExchange) -> None:
        self._exchange = exchange
        self._policy_file = policy_file_of(exchange.layout)
        self._port = free_port()

    def prepare(self) -> None:
        """Write down who is to be asked, and whom to watch: before the ledger starts."""
        self._exchange.layout.create()
        self._policy_file.parent.mkdir(mode=0o700, exist_ok=True)
        key_file = self._exchange.secrets.signing_key_file("witness")
        (verifier,) = load_cosigner(NAME, ed25519_file=key_file, ml_dsa_file=None).verifiers()
        policy = f"witness beside {verifier.verifier_key()} http://127.0.0.1:{self._port}\nquorum beside\n"
        self._policy_file.write_text(policy, "utf-8")
        self._log_keys_file.write_text(self._exchange.log_verifier_key() + "\n", "utf-8")

    async def start(self) -> None:
        """Start it under the exchange's supervisor, and return when it listens."""
        environment = {
            "WITNESS_NAME": NAME,
            "WITNESS_PORT": str(self._port),
            "WITNESS_KEY_FILE": str(self._exchange.secrets.signing_key_file("witness")),
            "WITNESS_LOG_KEYS_FILE": str(self._log_keys_file),
            "WITNESS_STATE_FOLDER": str(self._policy_file.parent / "state"),
        }
        argv = [sys.executable, "-m", "services.witness"]
        await self._exchange.start_child(
            ChildSpec(name="witness", argv=argv, environment=environment, ready=port_accepts(self._port))
        )

    @property
    def _log_keys_file(self) -> Path:
        return self._policy_file.parent / "log-keys"
