"""Structured logs: one JSON object a line on standard error, holding codes and references and never content."""

import contextlib
import logging
import sys
import threading
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from traceback import walk_tb
from types import TracebackType

import orjson
import structlog

SHOWN_OF_A_PATH = 3
"""How many parts of a source file's path name it."""

MOST_LINES = 60
"""Of a trace: what recurses for ever has a thousand."""

DEEPEST = 8
"""How far it is followed from an error to what that arose from."""

log = structlog.get_logger()


class LossyLogger(structlog.WriteLogger):
    """Loses a line that cannot be written: none is worth the process that it tells about.

    Where the logs stand on a disk that is full, what they report on must go on all the same.
    """

    def msg(self, message: str) -> None:
        """Write a line, or lose it."""
        with contextlib.suppress(OSError):
            super().msg(message)

    info = warning = error = msg


class LibraryLines(logging.Formatter):
    """Writes what a library logs as a line like the service's own.

    Of an error that is logged with it only the kind and the place are kept: its text may quote what was sent.
    """

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        said: dict[str, object] = {
            "service": self._service,
            "library": record.name,
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "event": _event(record),
        }
        if record.exc_info and record.exc_info[1] is not None:
            said |= fault(record.exc_info[1])
        return orjson.dumps(said, default=lambda value: type(value).__name__).decode()


def fault(error: BaseException) -> dict[str, object]:
    """Return of an error what may stand in a log: its kind, and where it arose. Never its text.

    The trace leads from the outermost call to the innermost, and on to what the error arose from.
    """
    return {"kind": type(error).__name__, "trace": _trace(error)[:MOST_LINES]}


def configure_logs(service: str) -> None:
    """Send all logs of this process to standard error as JSON lines, each naming the service.

    A line that cannot be written is lost, and nothing else is: logging never raises OSError. What nobody caught is such
    a line too. Libraries log at WARNING and above, so that their debug output can never carry a body or a key.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_text,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda: LossyLogger(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler()
    handler.setFormatter(LibraryLines(service))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.captureWarnings(capture=True)
    # A line that cannot be made would otherwise be told with all that was to stand in it.
    logging.raiseExceptions = False
    # aiokafka reports an empty cluster's first moments as errors; what matters is measured as lag instead.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    sys.excepthook = _process_failed
    sys.unraisablehook = lambda failed: log.error("failed_while_cleaning_up", **_fault_or_none(failed.exc_value))
    threading.excepthook = lambda failed: log.error("thread_failed", **_fault_or_none(failed.exc_value))


def _process_failed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    log.error("process_failed", **fault(error))


def _fault_or_none(error: BaseException | None) -> dict[str, object]:
    return fault(error) if error is not None else {}


def _without_text(_logger: object, _method: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    """Put an error's kind and place where a line was to have its text."""
    asked = event.pop("exc_info", None)
    error = asked if isinstance(asked, BaseException) else sys.exc_info()[1] if asked else None
    if error is not None:
        event.update(fault(error))
    return event


def _event(record: logging.LogRecord) -> str:
    """Return a library's message with errors by their kind. Of several lines the first: the others quote."""
    arguments = record.args
    if isinstance(arguments, Mapping):
        arguments = {name: _by_kind(value) for name, value in arguments.items()}
    elif arguments is not None:
        arguments = tuple(_by_kind(value) for value in arguments)
    try:
        text = str(record.msg) % arguments if arguments else str(_by_kind(record.msg))
    except (TypeError, ValueError, KeyError):
        text = "a message that cannot be made"
    first = text.strip().partition("\n")[0]
    # The event loop names the callback that failed together with all that was handed to it.
    return first.partition("(")[0] if record.name == "asyncio" else first


def _by_kind(value: object) -> object:
    return type(value).__name__ if isinstance(value, BaseException) else value


def _trace(error: BaseException, *, depth: int = 0) -> list[str]:
    lines = [
        _place(frame.f_code.co_filename, line, frame.f_code.co_qualname) for frame, line in walk_tb(error.__traceback__)
    ]
    if depth == DEEPEST:
        return lines
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            lines += [f"one of them: {type(each).__name__}", *_trace(each, depth=depth + 1)]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        lines += [f"arose from {type(cause).__name__}", *_trace(cause, depth=depth + 1)]
    return lines


def _place(file: str, line: int, function: str) -> str:
    return f"{'/'.join(Path(file).parts[-SHOWN_OF_A_PATH:])}:{line}:{function}"
