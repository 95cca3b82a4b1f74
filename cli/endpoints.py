"""``exchange authority endpoint``: where notifications are pushed."""

from typing import Annotated

import typer

from cli import reach
from cli.as_operator import KeyFile, operator, read_public_key, registry

authority_app = typer.Typer(help="Authorities' endpoints.", no_args_is_help=True)
endpoint_app = typer.Typer(help="Where notifications are pushed.", no_args_is_help=True)
authority_app.add_typer(endpoint_app, name="endpoint")


@endpoint_app.command("add")
def add_endpoint(
    recipient: Annotated[str, typer.Argument(help="authority:<GSS>, police:<GSS> or agency:<id>")],
    url: Annotated[str, typer.Option(help="Where it takes pushes")],
    key: KeyFile,
) -> None:
    """Push a recipient's notifications to a URL; its signed answers must be by this key."""

    async def work() -> None:
        async with operator() as acting:
            position = await acting.register_endpoint(recipient, url=url, key=read_public_key(key))
            typer.echo(f"{recipient} takes pushes at {url} (entry {position})")

    reach.run(work())


@endpoint_app.command("list")
def list_endpoints() -> None:
    """List endpoints."""
    for facts in reach.run(registry()).endpoints.values():
        typer.echo(f"{facts.endpoint}: {facts.recipient} at {facts.url}, key {facts.thumbprint}")


@endpoint_app.command("withdraw")
def withdraw_endpoint(endpoint: Annotated[str, typer.Argument(help="Its name, from `endpoint list`")]) -> None:
    """Stop pushing to an endpoint. What is owed stays owed, in the human queue."""

    async def work() -> None:
        async with operator() as acting:
            typer.echo(f"{endpoint} is withdrawn (entry {await acting.withdraw_endpoint(endpoint)})")

    reach.run(work())
