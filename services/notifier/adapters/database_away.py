"""The errors by which SQLAlchemy says that the database does not answer now, where no SQLSTATE does."""

from sqlalchemy import exc

DATABASE_AWAY: tuple[type[Exception], ...] = (exc.OperationalError, exc.TimeoutError)
"""All of them mend themselves. What PostgreSQL says by an SQLSTATE is judged by that (``category_of``).

A value that the driver cannot send is an ``InterfaceError``, and a fault of ours: no such error is among these.
"""
