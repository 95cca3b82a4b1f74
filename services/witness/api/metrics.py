"""What the witness counts."""

from prometheus_client import Counter

ANSWERS = Counter("witness_answers_total", "Requests to cosign, by what was answered", ["answer"])
