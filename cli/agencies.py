"""``exchange agency`` and ``exchange authority``: who takes part, with which keys, and where pushes go."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cli import reach
from cli.operator import Operator
from shared.canonical_json import parse_json
from shared.clock import SystemClock, parse_rfc3339
from shared.entries import Entry
from shared.errors import InvalidInput
from shared.ledger.registry import Registry
from shared.reference.authorities import load_register
from shared.signatures.keys import PublicKey, load_signing_key, public_key_from_jwk

agency_app = typer.Typer(help="Register agencies and their keys.", no_args_is_help=True)
key_app = typer.Typer(help="An agency's keys. Add the new one before the old one ends.", no_args_is_help=True)
authority_app = typer.Typer(help="Authorities' endpoints.", no_args_is_help=True)
endpoint_app = typer.Typer(help="Where notifications are pushed.", no_args_is_help=True)
agency_app.add_typer(key_app, name="key")
authority_app.add_typer(endpoint_app, name="endpoint")

KeyFile = Annotated[Path, typer.Option("--key", help="Public key as JWK, or a PEM (its public half is used)")]


@agency_app.command("add")
def add_agency(
    agency: Annotated[str, typer.Argument(help="Id: lower-case letters, digits, hyphens")],
    name: Annotated[str, typer.Option(help="Its name")],
    duty_class: Annotated[
        str, typer.Option(help="s11_body, designated_education_childcare, contracted_provider or voluntary_other")
    ],
    home_authority: Annotated[str, typer.Option(help="GSS code of the authority it works in")],
    acts_for: Annotated[str, typer.Option(help="authority:<GSS> or police:<GSS> that it acknowledges for")] = "",
    agreement: Annotated[str, typer.Option(help="The sharing agreement it takes part under")] = "",
    policy_document: Annotated[str, typer.Option(help="Its appropriate policy document")] = "",
    role: Annotated[list[str] | None, typer.Option(help="auditor: it may read the ledger; repeatable")] = None,
) -> None:
    """Register an agency, or change its registration."""

    async def work() -> None:
        async with _operator() as operator:
            position = await operator.register_agency(
                agency,
                name=name,
                duty_class=duty_class,
                home_authority=home_authority,
                acts_for=acts_for or None,
                agreement=agreement or None,
                policy_document=policy_document or None,
                roles=role or (),
            )
            typer.echo(f"{agency} is registered (entry {position}). Next: exchange agency key add {agency} --key …")

    reach.run(work())


@agency_app.command("list")
def list_agencies() -> None:
    """List agencies with their keys and endpoints."""
    registry = reach.run(_registry())
    for facts in registry.agencies.values():
        typer.echo(f"{facts.agency}: {facts.name} ({facts.duty_class}, home {facts.home_authority})")
        for key in registry.keys.values():
            if key.agency == facts.agency:
                state = "revoked" if key.revoked_at else f"until {key.valid_until}" if key.valid_until else "valid"
                state += f", suspect from {key.compromised_from}" if key.compromised_from else ""
                typer.echo(f"  key {key.thumbprint} {state}")


@key_app.command("add")
def add_key(
    agency: str,
    key: KeyFile,
    valid_until: Annotated[str, typer.Option(help="When it ends, such as 2027-11-24T00:00:00Z")] = "",
) -> None:
    """Let a key sign for an agency from now on."""

    async def work() -> None:
        async with _operator() as operator:
            public = read_public_key(key)
            ends: datetime | None = parse_rfc3339(valid_until) if valid_until else None
            position = await operator.add_key(agency, public, valid_until=ends)
            typer.echo(f"{public.thumbprint} may sign for {agency} (entry {position})")

    reach.run(work())


@key_app.command("revoke")
def revoke_key(
    thumbprint: str,
    reason: Annotated[str, typer.Option(help="A code: rotated, lost, compromised …")] = "rotated",
    compromised_from: Annotated[str, typer.Option(help="What it signed from this moment on is suspect")] = "",
) -> None:
    """Revoke a key, now and for good."""

    async def work() -> None:
        async with _operator() as operator:
            since = parse_rfc3339(compromised_from) if compromised_from else None
            position = await operator.revoke_key(thumbprint, reason=reason, compromised_from=since)
            typer.echo(f"{thumbprint} is revoked (entry {position})")
            if since is not None:
                _show_suspects(await operator.suspects(thumbprint))

    reach.run(work())


@key_app.command("suspects")
def list_suspects(thumbprint: str) -> None:
    """List what a compromised key signed from its compromise on, by position, time and type, for people to look at."""

    async def work() -> None:
        async with _operator() as operator:
            _show_suspects(await operator.suspects(thumbprint))

    reach.run(work())


def _show_suspects(entries: list[Entry]) -> None:
    for entry in entries:
        typer.echo(f"  {entry.position}  {entry.time}  {entry.type}  {entry.id}")
    typer.echo(f"{len(entries)} entries are suspect" if entries else "Nothing that it signed is suspect")


@endpoint_app.command("add")
def add_endpoint(
    recipient: Annotated[str, typer.Argument(help="authority:<GSS>, police:<GSS> or agency:<id>")],
    url: Annotated[str, typer.Option(help="Where it takes pushes")],
    key: KeyFile,
) -> None:
    """Push a recipient's notifications to a URL; its signed answers must be by this key."""

    async def work() -> None:
        async with _operator() as operator:
            position = await operator.register_endpoint(recipient, url=url, key=read_public_key(key))
            typer.echo(f"{recipient} takes pushes at {url} (entry {position})")

    reach.run(work())


@endpoint_app.command("list")
def list_endpoints() -> None:
    """List endpoints."""
    for facts in reach.run(_registry()).endpoints.values():
        typer.echo(f"{facts.endpoint}: {facts.recipient} at {facts.url}, key {facts.thumbprint}")


@endpoint_app.command("withdraw")
def withdraw_endpoint(endpoint: Annotated[str, typer.Argument(help="Its name, from `endpoint list`")]) -> None:
    """Stop pushing to an endpoint. What is owed stays owed, in the human queue."""

    async def work() -> None:
        async with _operator() as operator:
            typer.echo(f"{endpoint} is withdrawn (entry {await operator.withdraw_endpoint(endpoint)})")

    reach.run(work())


def read_public_key(path: Path) -> PublicKey:
    """Return the public key in a JWK file, or the public half of a PEM file. Raises InvalidInput."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"the key file {path} cannot be read: {error.strerror}") from error
    if data.lstrip().startswith(b"{"):
        jwk = parse_json(data)
        if isinstance(jwk, dict):
            return public_key_from_jwk({name: str(value) for name, value in jwk.items()})
    if b"-----BEGIN" not in data:
        raise InvalidInput(f"{path} holds no key", remedy="Give the .jwk or .pem file that exchange keygen made.")
    return load_signing_key(data).public


@asynccontextmanager
async def _operator() -> AsyncIterator[Operator]:
    async with reach.ledger("operator") as client:
        yield Operator(client, register=load_register(), clock=SystemClock())


async def _registry() -> Registry:
    async with _operator() as operator:
        return await operator.registry()
