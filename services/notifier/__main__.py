"""Runs the notifier: ``python -m services.notifier``."""

import sys

import structlog
import uvloop

from services.notifier.bootstrap import run_notifier
from shared.errors import ExchangeError
from shared.process.logs import configure_logs
from shared.process.serving import stop_on_signals
from shared.process.settings import NotifierSettings, read_settings


async def _run() -> None:
    await run_notifier(read_settings(NotifierSettings), stop=stop_on_signals())


def main() -> int:
    """Run until told to stop. Returns 0 then, and 1 when it cannot go on."""
    configure_logs("notifier")
    try:
        uvloop.run(_run())
    except ExchangeError as error:
        structlog.get_logger().error("notifier_stopped", code=error.code, detail=error.detail, remedy=error.remedy)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
