"""Structured logs: one JSON object a line on standard error, holding codes and references and never content."""

import contextlib
import logging
import sys

import structlog


class LossyLogger(structlog.WriteLogger):
    """Loses a line that cannot be written: none is worth the process that it tells about.

    Where the logs stand on a disk that is full, what they report on must go on all the same.
    """

    def msg(self, message: str) -> None:
        """Write a line, or lose it."""
        with contextlib.suppress(OSError):
            super().msg(message)

    info = warning = error = msg


def configure_logs(service: str) -> None:
    """Send all logs of this process to standard error as JSON lines, each naming the service.

    A line that cannot be written is lost, and nothing else is: logging never raises OSError.
    Libraries log at WARNING and above, so that their debug output can never carry a body or a key.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda: LossyLogger(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(
        level=logging.WARNING, format='{"service": "' + service + '", "library": "%(name)s", "event": "%(message)s"}'
    )
    # aiokafka reports an empty cluster's first moments as errors; what matters is measured as lag instead.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
