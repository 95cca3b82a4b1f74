"""``exchange keygen``, ``share``, ``withhold`` and ``whereabouts``: an agency's side, from the command line."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import orjson
import typer

from cli import reach
from client.exchange_client import Answer, ExchangeClient
from shared.canonical_json import Json, parse_json
from shared.errors import InvalidInput
from shared.process.settings import read_secret
from shared.signatures.keys import Algorithm, generate_signing_key, load_signing_key

Record = Annotated[Path, typer.Argument(help="The record as a JSON file; see docs/api.md and examples/")]
KeyFile = Annotated[Path, typer.Option("--key", help="The agency's private key, PKCS#8 PEM")]
Url = Annotated[str, typer.Option(help="The gateway; default: the exchange running here")]
IdempotencyKey = Annotated[str, typer.Option(help="Give the same to repeat a record; default: a new one, printed")]
ReceiptFile = Annotated[Path | None, typer.Option("--keep", help="Where to keep the whole answer as evidence")]


def keygen(
    file: Annotated[Path, typer.Argument(help="Where to write the private key (PEM); the public one goes beside")],
    algorithm: Annotated[Algorithm, typer.Option(help="ed25519, or ecdsa-p256-sha256")] = Algorithm.ED25519,
) -> None:
    """Make a key pair for an agency. Give the operator the .jwk file; keep the other."""
    key = generate_signing_key(algorithm)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise InvalidInput(f"{file} is there already", remedy="Choose another name; no key is overwritten.") from error
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(key.pem())
    public = file.with_suffix(".jwk")
    public.write_bytes(orjson.dumps(key.public.jwk(), option=orjson.OPT_INDENT_2))
    typer.echo(f"private key: {file}\npublic key:  {public}\nkeyid:       {key.public.thumbprint}")


def share(
    record: Record, key: KeyFile, url: Url = "", idempotency_key: IdempotencyKey = "", keep: ReceiptFile = None
) -> None:
    """Share a concern."""
    _send("/v1/shares", record, key, url, idempotency_key, keep)


def withhold(
    record: Record, key: KeyFile, url: Url = "", idempotency_key: IdempotencyKey = "", keep: ReceiptFile = None
) -> None:
    """Record a decision not to share, with its reason."""
    _send("/v1/withholdings", record, key, url, idempotency_key, keep)


def whereabouts(
    record: Record, key: KeyFile, url: Url = "", idempotency_key: IdempotencyKey = "", keep: ReceiptFile = None
) -> None:
    """Report where a child is."""
    _send("/v1/whereabouts", record, key, url, idempotency_key, keep)


def _send(path: str, record: Path, key: Path, url: str, idempotency_key: str, keep: Path | None) -> None:
    try:
        body = record.read_bytes()
    except OSError as error:
        raise InvalidInput(f"the record {record} cannot be read: {error.strerror}") from error
    if not isinstance(parse_json(body), Mapping):
        raise InvalidInput("the record is not one JSON object")
    chosen = idempotency_key or secrets.token_hex(16)
    typer.echo(f"Idempotency-Key: {chosen}")
    answer, proven = reach.run(_post(url or reach.addresses().gateway_url, path, body, key, chosen))
    if keep is not None:
        keep.write_bytes(answer.body)
    said: dict[str, Json] = {name: value for name, value in answer.content.items() if name != "receipt"}
    typer.echo(orjson.dumps(said, option=orjson.OPT_INDENT_2).decode())
    typer.echo(f"Receipt: verified offline against the signed checkpoint of {proven} entries.")


async def _post(url: str, path: str, body: bytes, key: Path, idempotency_key: str) -> tuple[Answer, int]:
    async with ExchangeClient(url, key=load_signing_key(read_secret(key))) as client:
        answer = await client.post_bytes(path, body, idempotency_key=idempotency_key)
        return answer, answer.receipt_checkpoint(await client.keys()).size
