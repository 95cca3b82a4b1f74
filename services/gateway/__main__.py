"""Runs the gateway: ``python -m services.gateway``."""

import sys

import structlog
import uvloop

from services.gateway.bootstrap import run_gateway
from shared.errors import ExchangeError
from shared.process.collector import collect_rarely
from shared.process.logs import configure_logs
from shared.process.serving import stop_on_signals
from shared.process.settings import GatewaySettings, read_settings


async def _run() -> None:
    await run_gateway(read_settings(GatewaySettings), stop=stop_on_signals())


def main() -> int:
    """Run until told to stop. Returns 0 then, and 1 when it cannot go on."""
    configure_logs("gateway")
    collect_rarely()
    try:
        uvloop.run(_run())
    except ExchangeError as error:
        structlog.get_logger().error("gateway_stopped", code=error.code, detail=error.detail, remedy=error.remedy)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
