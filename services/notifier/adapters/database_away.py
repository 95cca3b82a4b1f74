"""The errors by which SQLAlchemy and asyncpg say that the database does not answer now."""

import asyncpg
from sqlalchemy import exc

DATABASE_AWAY: tuple[type[Exception], ...] = (
    exc.OperationalError,
    exc.InterfaceError,
    exc.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
)
"""All of them mend themselves. What else the database says is a fault of ours, or of its schema."""
