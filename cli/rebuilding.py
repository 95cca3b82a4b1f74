"""``exchange rebuild-projection``: a table that is derived from the log, made anew from it."""

from typing import Annotated

import asyncpg
import typer
from sqlalchemy import make_url

from cli import reach
from deploy.local.layout import Layout
from deploy.local.postgres_cluster import SUPERUSER
from services.ledger.adapters.no_connection import NO_CONNECTION, why_no_connection
from services.ledger.rebuild_projection import PROJECTIONS, rebuild_projection
from shared.errors import InvalidInput
from shared.process.secret_files import read_password


def rebuild(
    name: Annotated[str, typer.Argument(help="One of: " + ", ".join(PROJECTIONS))],
    database_url: Annotated[
        str,
        typer.Option(
            envvar="DATABASE_URL",
            help="As the role that owns the tables, which `exchange migrate` was given; default: the exchange here",
        ),
    ] = "",
) -> None:
    """Rebuild a table derived from the log beside the old one, then swap them. The ledger goes on meanwhile."""
    if name not in PROJECTIONS:
        raise InvalidInput(f"{name!r} is no table that can be rebuilt", remedy="Use: " + ", ".join(PROJECTIONS))
    rows = reach.run(_rebuild(name, database_url or _owners_url()))
    typer.echo(f"{name} was rebuilt from the log: {rows} rows")


def _owners_url() -> str:
    """Return the URL of the database running here, as its owner. It carries a password, so it is never printed.

    Raises Unavailable when no exchange runs here, InvalidInput when its database is not its own.
    """
    here, password_file = reach.addresses(), Layout.from_environment().superuser_password_file
    if not password_file.exists():
        raise InvalidInput(
            "the exchange here has its database elsewhere, and does not keep how its owner gets in",
            remedy="Give --database-url, as the role that `exchange migrate` was given.",
        )
    owned = make_url(here.database_url).set(username=SUPERUSER, password=read_password(password_file))
    return owned.render_as_string(hide_password=False)


async def _rebuild(name: str, database_url: str) -> int:
    try:
        connection = await asyncpg.connect(database_url)
    except NO_CONNECTION as error:
        raise why_no_connection(error) from error
    try:
        return await rebuild_projection(connection, name)
    except asyncpg.InsufficientPrivilegeError as error:
        raise InvalidInput(
            "that role does not own the ledger's tables", remedy="Use the role that `exchange migrate` was given."
        ) from error
    finally:
        await connection.close()
