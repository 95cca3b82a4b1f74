"""``exchange keygen`` and the sending of records: an agency's or an authority's side, from the command line."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import orjson
import typer

from cli import reach
from client.exchange_client import Answer, ExchangeClient
from shared.canonical_json import Json
from shared.errors import InvalidInput
from shared.identifiers import parse_entry_id, parse_obligation_id
from shared.process.settings import read_secret
from shared.signatures.keys import Algorithm, SigningKey, generate_signing_key, load_signing_key

Record = Annotated[Path, typer.Argument(help="The record as a JSON file; see docs/api.md and docs/examples/")]
KeyFile = Annotated[Path, typer.Option("--key", help="The sender's private key, PKCS#8 PEM")]
Url = Annotated[str, typer.Option(help="The gateway; default: the exchange running here")]
IdempotencyKey = Annotated[
    str | None, typer.Option(help="Give the same to repeat a record; default: a new one, printed")
]
ReceiptFile = Annotated[
    Path | None, typer.Option("--keep", help="A new file in which to keep the whole answer as evidence")
]

FORMATS = {
    "share": "safeguarding-exchange/share/v1",
    "withhold": "safeguarding-exchange/withholding/v1",
    "whereabouts": "safeguarding-exchange/whereabouts/v1",
    "acknowledge": "safeguarding-exchange/acknowledgement/v1",
}
"""Which command sends records of which format."""


@dataclass(frozen=True, slots=True)
class _Sending:
    """One record on its way: by which command, where to, signed by whom, and what for."""

    command: str
    path: str
    record: Path
    key: Path
    url: str
    idempotency_key: str | None
    keep: Path | None


def keygen(
    file: Annotated[Path, typer.Argument(help="Where to write the private key (PEM); the public one goes beside")],
    algorithm: Annotated[Algorithm, typer.Option(help="ed25519, or ecdsa-p256-sha256")] = Algorithm.ED25519,
) -> None:
    """Make a key pair for an agency. Give the operator the .jwk file; keep the other."""
    public = file.with_suffix(".jwk")
    if public == file:
        raise InvalidInput(
            f"{file} is where the public key goes", remedy="Name the private key's file, such as my.pem."
        )
    key = generate_signing_key(algorithm)
    _write_new(file, key.pem(), mode=0o600)
    _write_new(public, orjson.dumps(key.public.jwk(), option=orjson.OPT_INDENT_2), mode=0o644)
    typer.echo(f"private key: {file}\npublic key:  {public}\nkeyid:       {key.public.thumbprint}")


def share(
    record: Record, key: KeyFile, url: Url = "", idempotency_key: IdempotencyKey = None, keep: ReceiptFile = None
) -> None:
    """Share a concern."""
    _send(_Sending("share", "/v1/shares", record, key, url, idempotency_key, keep))


def withhold(
    record: Record, key: KeyFile, url: Url = "", idempotency_key: IdempotencyKey = None, keep: ReceiptFile = None
) -> None:
    """Record a decision not to share, with its reason."""
    _send(_Sending("withhold", "/v1/withholdings", record, key, url, idempotency_key, keep))


def whereabouts(
    record: Record, key: KeyFile, url: Url = "", idempotency_key: IdempotencyKey = None, keep: ReceiptFile = None
) -> None:
    """Report where a child is."""
    _send(_Sending("whereabouts", "/v1/whereabouts", record, key, url, idempotency_key, keep))


def acknowledge(
    notification: Annotated[str, typer.Argument(help="The notification's id, as it was pushed")],
    record: Record,
    key: KeyFile,
    url: Url = "",
    idempotency_key: IdempotencyKey = None,
    keep: ReceiptFile = None,
) -> None:
    """Say that a notification arrived, who owns it, or what was decided, as whom it was sent to."""
    path = f"/v1/notifications/{parse_obligation_id(notification)}/acknowledgements"
    _send(_Sending("acknowledge", path, record, key, url, idempotency_key, keep))


def status(
    record: Annotated[str, typer.Argument(help="The id that the answer to the record gave")],
    key: KeyFile,
    url: Url = "",
) -> None:
    """Show what became of a record that you sent: who was told, and how far each has come."""
    entry, signer = parse_entry_id(record), private_key(key)

    async def work() -> Answer:
        async with ExchangeClient(url or reach.addresses().gateway_url, key=signer) as client:
            return await client.read_share(entry)

    _print(reach.run(work()))


def _send(sending: _Sending) -> None:
    body = _record_bytes(sending)
    signer = private_key(sending.key)
    if sending.idempotency_key is not None and not sending.idempotency_key:
        raise InvalidInput(
            "the idempotency key is empty", remedy="Leave the option out, or give the key of the record."
        )
    chosen = sending.idempotency_key or secrets.token_hex(16)
    if sending.keep is not None:
        # Taken before anything is sent: an answer that cannot be kept is evidence lost.
        _write_new(sending.keep, b"", mode=0o600)
    typer.echo(f"Idempotency-Key: {chosen}")
    try:
        answer, proven = reach.run(_post(sending, body, signer, chosen))
    except BaseException:
        if sending.keep is not None:
            sending.keep.unlink(missing_ok=True)
        raise
    if sending.keep is not None:
        sending.keep.write_bytes(answer.body)
    _print(answer)
    typer.echo(f"Receipt: verified offline against the signed checkpoint of {proven} entries.")


async def _post(sending: _Sending, body: bytes, signer: SigningKey, idempotency_key: str) -> tuple[Answer, int]:
    async with ExchangeClient(sending.url or reach.addresses().gateway_url, key=signer) as client:
        answer = await client.post_bytes(sending.path, body, idempotency_key=idempotency_key)
        return answer, answer.receipt_checkpoint(await client.keys()).size


def _record_bytes(sending: _Sending) -> bytes:
    body = sending.record.read_bytes()
    try:
        record = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(
            f"{sending.record} is not JSON in UTF-8: line {error.lineno}, column {error.colno}",
            remedy="Mend it there; docs/examples/ shows whole records.",
        ) from error
    if not isinstance(record, Mapping):
        raise InvalidInput(f"{sending.record} is not one JSON object", remedy="See docs/examples/ for whole records.")
    meant = next((name for name, format_ in FORMATS.items() if record.get("format") == format_), sending.command)
    if meant != sending.command:
        # The gateway would take it for what the path says, and tell people who should not be told.
        raise InvalidInput("the record says that it is for another command", remedy=f"Use: exchange {meant}")
    return body


def private_key(path: Path) -> SigningKey:
    """Return the key in a PEM file. Raises InvalidInput, saying which file, when it holds none."""
    if path.read_bytes().lstrip().startswith(b"{"):
        raise InvalidInput(
            f"{path} is the public key", remedy="Give the .pem file that exchange keygen made beside it."
        )
    try:
        return load_signing_key(read_secret(path))
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error.detail}", remedy=error.remedy) from error


def _print(answer: Answer) -> None:
    said: dict[str, Json] = {name: value for name, value in answer.content.items() if name != "receipt"}
    typer.echo(orjson.dumps(said, option=orjson.OPT_INDENT_2).decode())


def _write_new(file: Path, content: bytes, *, mode: int) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise InvalidInput(f"{file} is there already", remedy="Choose another name; nothing is overwritten.") from error
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
