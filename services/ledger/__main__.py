"""Runs the ledger: ``python -m services.ledger``."""

import sys

import structlog
import uvloop

from services.ledger.bootstrap import run_ledger
from shared.errors import ExchangeError
from shared.process.collector import collect_rarely
from shared.process.logs import configure_logs
from shared.process.serving import stop_on_signals
from shared.process.settings import LedgerSettings, read_settings


async def _run() -> None:
    await run_ledger(read_settings(LedgerSettings), stop=stop_on_signals())


def main() -> int:
    """Run until told to stop. Returns 0 then, and 1 when the ledger must not or cannot go on."""
    configure_logs("ledger")
    collect_rarely()
    try:
        uvloop.run(_run())
    except ExchangeError as error:
        structlog.get_logger().error("ledger_stopped", code=error.code, detail=error.detail, remedy=error.remedy)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
