"""Where the gateway shows what it counts."""

import aiohttp
from fastapi import FastAPI

from deploy.local.loopback_port import free_port
from services.gateway.api.metrics import show_metrics


def paths(app: FastAPI) -> set[str]:
    return {str(getattr(route, "path", "")) for route in app.routes}


async def test_at_a_port_of_its_own_or_at_the_agencies_port_and_never_at_both() -> None:
    beside, apart, port = FastAPI(), FastAPI(), free_port()
    show_metrics(beside, port=0)
    show_metrics(apart, port=port)
    assert ("/metrics" in paths(beside), "/metrics" in paths(apart)) == (True, False)
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as response:
        assert "gateway_requests_total" in await response.text()
