"""Joins the witness's parts: the one place that knows them all."""

import asyncio

import structlog
from prometheus_client import start_http_server

from services.witness.adapters.evidence_files import EvidenceFiles
from services.witness.adapters.sqlite_memory import SqliteMemory
from services.witness.api.app import make_app
from services.witness.cosign_checkpoint import CheckpointCosigner
from services.witness.domain.judging import WatchedLogs
from services.witness.keys import load_cosigner, load_log_keys
from shared.clock import SystemClock
from shared.process.serving import Door, HttpAddress, serve
from shared.process.settings import WitnessSettings

MEMORY_FILE = "cosigned.sqlite"
EVIDENCE_FOLDER = "evidence"

log = structlog.get_logger()


async def run_witness(settings: WitnessSettings, *, stop: asyncio.Event) -> None:
    """Be a witness until ``stop`` is set. Raises InvalidInput for wrong settings, Unavailable when it cannot keep."""
    logs = WatchedLogs(load_log_keys(settings.log_keys_file))
    cosigner = load_cosigner(settings.name, ed25519_file=settings.key_file, ml_dsa_file=settings.ml_dsa_key_file)
    clock = SystemClock()
    memory = SqliteMemory(settings.state_folder / MEMORY_FILE)
    try:
        use_case = CheckpointCosigner(
            logs=logs,
            cosigner=cosigner,
            memory=memory,
            evidence=EvidenceFiles(settings.state_folder / EVIDENCE_FOLDER, clock=clock),
            clock=clock,
        )
        for verifier in cosigner.verifiers():
            log.info("witnessing", verifier_key=verifier.verifier_key(), logs=sorted(logs.origins))
        if settings.metrics_port:
            start_http_server(settings.metrics_port, addr="127.0.0.1")
        app = make_app(use_case, origins=logs.origins, timeout_s=settings.request_timeout_s)
        await serve(app, [Door("logs", HttpAddress(settings.host, settings.port))], stop=stop)
    finally:
        memory.close()
