"""Work that is done over and over: a turn that fails is counted by what to do about it, and followed by the next.

What a line says of a fault is where in the code it arose and what kind it is, never its text: that may hold content.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import structlog
from prometheus_client import Counter

from shared.errors import Conflict, ExchangeError, IntegrityFailure, InvalidInput, NotFound, NotPermitted, Unavailable
from shared.process.logs import fault

FAULT = "Fault"
"""The category of what nobody raised on purpose: a fault in the code."""

FAILED = Counter(
    "exchange_turns_failed_total", "Turns that ended in an error, by what to do about it", ["work", "category"]
)

_CATEGORIES = (InvalidInput, NotPermitted, NotFound, Conflict, Unavailable, IntegrityFailure)

_SAID_BY_DATABASES: dict[str, type[ExchangeError]] = {
    "08": Unavailable,
    "53": Unavailable,
    "57": Unavailable,
    "40": Conflict,
}
"""By class of SQLSTATE (PostgreSQL, appendix A): the connection, resources, and an operator's stop; a rollback."""

Item = TypeVar("Item")

log = structlog.get_logger()


async def take_turns(
    turn: Callable[[], Awaitable[float]],
    *,
    work: str,
    retry_after_s: float,
    away: tuple[type[Exception], ...] = (),
) -> None:
    """Take turns until cancelled. Each says how many seconds to rest before the next; a failed one ``retry_after_s``.

    ``away`` are the kinds of error that say that what the work needs does not answer, beside those of the network. A
    task of some library's that was cancelled ends a turn, and nothing more.
    """
    while True:
        try:
            rest_s = await turn()
        except asyncio.CancelledError:
            if must_end():
                raise
            FAILED.labels(work, Unavailable.__name__).inc()
            log.warning(f"{work}_interrupted", category=Unavailable.__name__, kind="CancelledError")
            rest_s = retry_after_s
        except Exception as error:
            note_failure(error, work=work, away=away)
            rest_s = retry_after_s
        await asyncio.sleep(rest_s)


async def each_apart(
    items: Iterable[Item],
    do: Callable[[Item], Awaitable[bool]],
    *,
    work: str,
    away: tuple[type[Exception], ...] = (),
) -> int:
    """Do something with each of several things, and return with how many it was done; what fails holds up no other.

    Raises what says that something which all of them need does not answer.
    """
    done = 0
    for item in items:
        try:
            done += await do(item)
        except Exception as error:
            if category_of(error, away=away) == Unavailable.__name__:
                raise
            note_failure(error, work=work, away=away)
    return done


def must_end() -> bool:
    """Return whether somebody wants the present task to end, now that it was given a CancelledError.

    A library that cancels a task of its own and waits for it raises one as well, and nobody asked for that.
    """
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def note_failure(error: Exception, *, work: str, away: tuple[type[Exception], ...] = (), **references: str) -> None:
    """Count that a piece of work failed, and log of what kind it was and where in the code; never what it says.

    What mends itself once something answers again is a warning; all else is an error that a person must look into.
    """
    category = category_of(error, away=away)
    FAILED.labels(work, category).inc()
    write = log.warning if category in (Unavailable.__name__, Conflict.__name__) else log.error
    code = error.code if isinstance(error, ExchangeError) else None
    write(
        f"{work}_interrupted",
        category=category,
        code=code,
        **fault(error),
        **references,
    )


def category_of(error: Exception, *, away: tuple[type[Exception], ...] = ()) -> str:
    """Return what to do about an error: the name of its category, or FAULT for what nobody raised on purpose.

    What a database says of itself in an SQLSTATE goes before the kind of error in which a library wraps it.
    """
    for category in _CATEGORIES:
        if isinstance(error, category):
            return category.__name__
    said = _SAID_BY_DATABASES.get(sqlstate_of(error)[:2])
    if said is not None:
        return said.__name__
    # So SQLAlchemy marks an error after which the connection is gone, whatever the error was.
    lost = getattr(error, "connection_invalidated", False)
    return Unavailable.__name__ if lost or isinstance(error, (OSError, TimeoutError, *away)) else FAULT


def sqlstate_of(error: Exception) -> str:
    """Return the SQLSTATE that an error carries, by itself or in what it wraps; empty where there is none."""
    stated = getattr(getattr(error, "orig", None), "sqlstate", None) or getattr(error, "sqlstate", None)
    return stated if isinstance(stated, str) else ""
