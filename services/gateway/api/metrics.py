"""What the gateway counts. Labels are routes, statuses and codes, and never anything that was sent."""

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest, start_http_server
from starlette.responses import Response

REQUESTS = Counter("gateway_requests_total", "Requests answered", ["route", "status"])
REFUSALS = Counter("gateway_refusals_total", "Requests refused, by problem code", ["code"])
SECONDS = Histogram(
    "gateway_request_seconds",
    "Time from the whole request to its answer",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


def show_metrics(app: FastAPI, *, port: int) -> None:
    """Show all that is counted at a loopback port of its own; at ``/metrics`` of the application when that is 0."""
    if port:
        start_http_server(port, addr="127.0.0.1")
        return

    async def get_metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    app.add_api_route("/metrics", get_metrics, methods=["GET"], response_model=None, include_in_schema=False)
