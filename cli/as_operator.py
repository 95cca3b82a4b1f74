"""Commands as the operator: the door they come in by, and the key files and moments that they are given."""

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
from shared.errors import InvalidInput
from shared.ledger.registry import Registry
from shared.reference.authorities import load_register
from shared.signatures.keys import PublicKey, load_signing_key, public_key_from_jwk, public_key_from_pem

KeyFile = Annotated[Path, typer.Option("--key", help="Public key as JWK or PEM; a private one is warned of")]
AsAt = Annotated[str, typer.Option(help="As it stood at a moment, such as 2026-11-24T12:00:00Z; default: now")]


@asynccontextmanager
async def operator() -> AsyncIterator[Operator]:
    """Give the operator of the exchange that is reached."""
    async with reach.ledger("operator") as client:
        yield Operator(client, register=load_register(), clock=SystemClock())


async def registry(as_at: datetime | None = None) -> Registry:
    """Return who takes part, now or as at a moment."""
    async with operator() as acting:
        return await acting.registry(as_at=as_at)


def moment(text: str) -> datetime | None:
    """Return the moment that an option gives, or None when it was left out. Raises InvalidInput."""
    return parse_rfc3339(text) if text else None


def read_public_key(path: Path) -> PublicKey:
    """Return the public key in a JWK or PEM file. Raises InvalidInput.

    Of a private key it is the public half, with a warning: nobody but its agency should have it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"the key file {path} cannot be read: {error.strerror}") from error
    if data.lstrip().startswith(b"{"):
        jwk = parse_json(data)
        if isinstance(jwk, dict):
            if "d" in jwk:
                _warn_of_private_key(path)
            return public_key_from_jwk({name: str(value) for name, value in jwk.items()})
    if b"-----BEGIN" not in data:
        raise InvalidInput(f"{path} holds no key", remedy="Give the .jwk file that exchange keygen made.")
    if b"PRIVATE KEY-----" not in data:
        return public_key_from_pem(data)
    public = load_signing_key(data).public
    _warn_of_private_key(path)
    return public


def _warn_of_private_key(path: Path) -> None:
    typer.echo(
        f"Warning: {path} holds a private key. Only its public half goes on record; only its owner should have the "
        "file: ask for the .jwk.",
        err=True,
    )
