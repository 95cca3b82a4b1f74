"""How an auditor's command reaches the ledger's database: the one running here, or the one named."""

from dataclasses import dataclass
from pathlib import Path

import typer

from cli import reach
from shared.errors import NotFound, Unavailable
from shared.process.secret_files import read_password

AUDITOR = "exchange_auditor"


@dataclass(frozen=True, slots=True)
class Access:
    """A database and the password of the role that may only read it."""

    database_url: str
    password: str


def access_to(database_url: str, password_file: Path | None) -> Access:
    """Return the access that was named, the rest taken from the exchange that runs here.

    Raises Unavailable when something is left out and none runs here.
    """
    here = reach.addresses() if not (database_url and password_file) else None
    return Access(
        database_url or (here.database_url if here else ""),
        read_password(password_file or Path(here.auditor_password_file if here else "")),
    )


def on_the_command_line(context: typer.Context, name: str) -> bool:
    """Return whether an option was given there: DATABASE_URL in the environment is only a default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


async def published_checkpoint() -> list[bytes]:
    """Return the checkpoint that the exchange running here published last, with its cosignatures; none if none is."""
    try:
        async with reach.ledger("auditor") as ledger:
            return [await ledger.tile("checkpoint")]
    except (NotFound, Unavailable):
        return []
