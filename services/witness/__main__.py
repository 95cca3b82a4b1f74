"""Runs the witness: ``python -m services.witness``."""

import sys

import structlog
import uvloop

from services.witness.bootstrap import run_witness
from shared.errors import ExchangeError
from shared.process.logs import configure_logs
from shared.process.serving import stop_on_signals
from shared.process.settings import WitnessSettings, read_settings


async def _run() -> None:
    await run_witness(read_settings(WitnessSettings), stop=stop_on_signals())


def main() -> int:
    """Run until told to stop. Returns 0 then, and 1 when it cannot go on."""
    configure_logs("witness")
    try:
        uvloop.run(_run())
    except ExchangeError as error:
        structlog.get_logger().error("witness_stopped", code=error.code, detail=error.detail, remedy=error.remedy)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
