"""``exchange``: the one command, for whoever runs the exchange, takes part in it, or audits it."""

import os
import runpy
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli import (
    agencies,
    amending,
    approvers,
    audit,
    conformance,
    endpoints,
    erasing,
    keys,
    own_keys,
    queues,
    reach,
    reading,
    rebuilding,
    retention,
    rules,
    schemas,
    send,
    start,
    witness,
)
from cli.agency_keys import MAY_BEGIN_WITH_A_HYPHEN
from deploy.migrate import ROLES, migrate
from shared.errors import ExchangeError, InvalidInput
from shared.process.secret_files import read_password

app = typer.Typer(
    help="Agencies tell children's social care what they know about a child at risk, and nobody can pretend otherwise.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(agencies.agency_app, name="agency")
app.add_typer(conformance.app, name="conformance")
app.add_typer(endpoints.authority_app, name="authority")
app.add_typer(audit.app, name="audit")
app.add_typer(queues.queue_app, name="queue")
app.add_typer(keys.app, name="key")
app.add_typer(witness.app, name="witness")
app.add_typer(erasing.hold_app, name="hold")
app.add_typer(approvers.approver_app, name="approver")
app.add_typer(erasing.erasure_app, name="erasure")
app.add_typer(retention.retention_app, name="retention")
app.add_typer(rules.app, name="rules")
app.command("owed")(queues.show_owed)
app.command("keygen")(send.keygen)
app.command("share")(send.share)
app.command("withhold")(send.withhold)
app.command("whereabouts")(send.whereabouts)
app.command("housing-notice")(send.housing_notice)
for amendment, command in amending.COMMANDS.items():
    app.command(amendment)(command)
app.command("registration")(own_keys.registration)
app.command("rotate-key")(own_keys.rotate_key)
app.command("revoke-key", context_settings=MAY_BEGIN_WITH_A_HYPHEN)(own_keys.revoke_key)
app.command("acknowledge")(send.acknowledge)
app.command("status")(send.status)
app.command("assess")(send.assess)
app.command("where")(send.where)
app.command("chronology")(reading.chronology)
app.command("search")(reading.search)
app.command("schemas")(schemas.schemas)
app.command("rebuild-projection")(rebuilding.rebuild)


@app.command()
def run() -> None:
    """Start everything on this machine and stay until Ctrl-C; on an empty ledger, play the story first."""
    raise typer.Exit(reach.run(start.run_here()))


@app.command()
def sandbox() -> None:
    """Start an exchange to develop against: test numbers only, time and faults on demand; see docs/sandbox.md."""
    raise typer.Exit(reach.run(start.run_sandbox()))


@app.command()
def demo() -> None:
    """Start everything in a folder of its own, play the story, check every step, stop. Exits 0 or 1."""
    raise typer.Exit(reach.run(start.demonstrate()))


@app.command()
def gateway() -> None:
    """Run the gateway alone, with its settings from the environment (see docs/operations.md)."""
    runpy.run_module("services.gateway", run_name="__main__")


@app.command()
def ledger() -> None:
    """Run the ledger alone, with its settings from the environment (see docs/operations.md)."""
    runpy.run_module("services.ledger", run_name="__main__")


@app.command()
def notifier() -> None:
    """Run the notifier alone, with its settings from the environment (see docs/operations.md)."""
    runpy.run_module("services.notifier", run_name="__main__")


@app.command("migrate")
def migrate_command(
    database_url: Annotated[str, typer.Option(envvar="DATABASE_URL", help="A role that may create roles and schemas")],
) -> None:
    """Bring a database up to date. Takes each role's password from the file that <ROLE>_PASSWORD_FILE names."""
    passwords = {}
    for role in ROLES:
        named = os.environ.get(f"{role.upper()}_PASSWORD_FILE", "")
        if not named:
            raise InvalidInput(f"{role.upper()}_PASSWORD_FILE is not set", remedy="Name a file that holds it.")
        passwords[role] = read_password(Path(named))
    reach.run(migrate(database_url, passwords=passwords))
    typer.echo("the database is up to date")


def main() -> None:
    """Run the command line. An error of ours, or of a named file, is one line and what to do, and exit code 1."""
    try:
        app()
    except ExchangeError as error:
        typer.echo(f"error: {error.detail}" + (f"\n{error.remedy}" if error.remedy else ""), err=True)
        sys.exit(1)
    except OSError as error:
        if error.filename is None:
            raise
        typer.echo(f"error: {error.filename}: {error.strerror}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
