"""What the gateway counts. Labels are routes, statuses and codes, and never anything that was sent."""

from prometheus_client import Counter, Histogram

REQUESTS = Counter("gateway_requests_total", "Requests answered", ["route", "status"])
REFUSALS = Counter("gateway_refusals_total", "Requests refused, by problem code", ["code"])
SECONDS = Histogram(
    "gateway_request_seconds",
    "Time from the whole request to its answer",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
