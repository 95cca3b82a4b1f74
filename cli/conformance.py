"""``exchange conformance``: hold a deployment, or an agency's own client, against the numbered MUSTs."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli import reach
from cli.parties import SCHOOL
from cli.start import examined_on
from client.files import private_key
from conformance.client_musts import CLIENT_MUSTS, ClientCommand, examine_client
from conformance.gateway_musts import GATEWAY_MUSTS, examine_gateway
from conformance.musts import Verdict, report
from shared.errors import InvalidInput

app = typer.Typer(no_args_is_help=True, help="Numbered MUSTs for deployments and clients; see docs/conformance.md.")

OUR_CLIENT = (sys.executable, "-m", "client", "share", "{record}", "--url", "{url}", "--key", "{key}")


@app.command("list")
def list_musts() -> None:
    """List every MUST with its source."""
    for must in (*GATEWAY_MUSTS, *CLIENT_MUSTS):
        typer.echo(f"{must.number}  {must.text}  [{must.source}]")


@app.command()
def gateway(
    key: Annotated[Path, typer.Option(help="A private key that is registered there, PKCS#8 PEM")],
    url: Annotated[str, typer.Option(help="The deployment; default: the exchange running here")] = "",
) -> None:
    """Examine a deployment. It records a dozen test concerns there, of a child named Conformance-Test."""
    _end(reach.run(examine_gateway(url or reach.addresses().gateway_url, key=private_key(key))))


@app.command()
def client(
    command: Annotated[
        list[str], typer.Argument(help="After --: the client, with {url} {key} {record} {idempotency_key} to be put in")
    ],
    without: Annotated[list[str] | None, typer.Option(help="A MUST to leave out, by its number")] = None,
) -> None:
    """Examine a client: a command that exits with 0 only when its record was accepted."""
    if shutil.which(command[0]) is None:
        raise InvalidInput(f"there is no command {command[0]}", remedy="Give the client as you would run it, after --.")
    _end(reach.run(examine_client(ClientCommand(command), without=frozenset(without or ()))))


@app.command()
def here() -> None:
    """Examine an exchange started for this in a folder of its own, and the Python client; nothing has to run."""

    async def work() -> list[Verdict]:
        ours = ClientCommand((*OUR_CLIENT, "--idempotency-key", "{idempotency_key}"))
        return [*await examined_on(SCHOOL, examine_gateway), *await examine_client(ours)]

    _end(reach.run(work()))


def _end(verdicts: Sequence[Verdict]) -> None:
    for line in report(verdicts):
        typer.echo(line)
    raise typer.Exit(0 if all(each.met for each in verdicts) else 1)
