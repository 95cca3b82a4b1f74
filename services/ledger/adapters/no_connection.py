"""Why a database gave no connection: what somebody has to mend, told apart from what may pass by itself."""

import asyncpg

from shared.errors import ExchangeError, InvalidInput, Unavailable

NO_CONNECTION = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, ValueError)
"""What ``asyncpg.connect`` raises; a URL's port that is no number is a plain ValueError."""


def why_no_connection(error: Exception) -> ExchangeError:
    """Return the error for one of ``NO_CONNECTION``; nothing of the URL, which may hold a password, is repeated."""
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return InvalidInput(
            "the database refuses that role or its password", remedy="Check the role and the password, or its file."
        )
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return InvalidInput("the database server has no database of that name", remedy="Check the end of the URL.")
    # A name that does not resolve and a refused connection are OSErrors, and no ValueErrors.
    if isinstance(error, ValueError):
        return InvalidInput(
            "the database's URL cannot be read", remedy="Write it as postgresql://ROLE:PASSWORD@HOST:PORT/DATABASE."
        )
    return Unavailable(
        "the database cannot be reached: its server does not answer",
        remedy="Check that it runs, and the host and port of the URL.",
    )
