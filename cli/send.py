"""``exchange keygen`` and the sending of records: an agency's or an authority's side, from the command line."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import orjson
import typer

from cli import reach
from cli.asking import ask_as
from cli.ledgers import show_ledgers
from client.files import make_key_pair, record_bytes
from client.sending import PATHS, Sending, send
from shared.errors import InvalidInput
from shared.identifiers import parse_entry_id, parse_obligation_id
from shared.signatures.keys import Algorithm

Record = Annotated[Path, typer.Argument(help="The record as a JSON file; see docs/api.md and docs/examples/")]
KeyFile = Annotated[Path, typer.Option("--key", help="The sender's private key, PKCS#8 PEM")]
Url = Annotated[str, typer.Option(help="The gateway; default: the exchange running here")]
IdempotencyKey = Annotated[
    str | None, typer.Option(help="Give the same to repeat a record; default: a new one, printed")
]
ReceiptFile = Annotated[
    Path | None, typer.Option("--keep", help="A new file in which to keep the whole answer as evidence")
]


class Assessed(StrEnum):
    """What can be assessed before it is recorded."""

    SHARE = "share"
    WITHHOLD = "withhold"


def keygen(
    file: Annotated[Path, typer.Argument(help="Where to write the private key (PEM); the public one goes beside")],
    algorithm: Annotated[Algorithm, typer.Option(help="ed25519, or ecdsa-p256-sha256")] = Algorithm.ED25519,
) -> None:
    """Make a key pair, for an agency or (ed25519) for the log. An agency gives the operator the .jwk file alone."""
    key, public = make_key_pair(file, algorithm=algorithm)
    typer.echo(f"private key: {file}\npublic key:  {public}\nkeyid:       {key.public.thumbprint}")


def share(
    record: Record, key: KeyFile, url: Url = "", idempotency_key: IdempotencyKey = None, keep: ReceiptFile = None
) -> None:
    """Share a concern."""
    send_record(Sending("share", PATHS["share"], record, key, idempotency_key, keep), url=url)


def withhold(
    record: Record, key: KeyFile, url: Url = "", idempotency_key: IdempotencyKey = None, keep: ReceiptFile = None
) -> None:
    """Record a decision not to share, with its reason."""
    send_record(Sending("withhold", PATHS["withhold"], record, key, idempotency_key, keep), url=url)


def whereabouts(
    record: Record, key: KeyFile, url: Url = "", idempotency_key: IdempotencyKey = None, keep: ReceiptFile = None
) -> None:
    """Report where a child is."""
    send_record(Sending("whereabouts", PATHS["whereabouts"], record, key, idempotency_key, keep), url=url)


def housing_notice(
    record: Record, key: KeyFile, url: Url = "", idempotency_key: IdempotencyKey = None, keep: ReceiptFile = None
) -> None:
    """Record a housing notice (Housing Act 1996 s.213AA), agreed to or refused; no safeguarding share."""
    send_record(Sending("housing-notice", PATHS["housing-notice"], record, key, idempotency_key, keep), url=url)


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
    send_record(Sending("acknowledge", path, record, key, idempotency_key, keep), url=url)


def assess(
    kind: Annotated[Assessed, typer.Argument(help="What the record would be")],
    record: Record,
    key: KeyFile,
    url: Url = "",
) -> None:
    """Show what recording a share or a withholding would do, and what the rules say; nothing is recorded."""
    body = orjson.loads(record_bytes(record, command=kind))
    ask_as(lambda client: client.assess(body), key=key, url=url)


def where() -> None:
    """Print the address of the gateway that runs here."""
    typer.echo(reach.addresses().gateway_url)


def status(
    record: Annotated[str, typer.Argument(help="The id that the answer to the record gave")] = "",
    key: Annotated[Path | None, typer.Option("--key", help="The sender's private key, for a record")] = None,
    url: Url = "",
) -> None:
    """Show what became of a record that you sent. For an operator, without a record: which ledger serves."""
    if not record:
        show_ledgers()
        return
    if key is None:
        raise InvalidInput("a record is shown to who sent it", remedy="Name the sender's private key with --key.")
    entry = parse_entry_id(record)
    ask_as(lambda client: client.read_share(entry), key=key, url=url)


def send_record(sending: Sending, *, url: str) -> None:
    """Send a record to a gateway, by default that of the exchange running here, and say what it answered."""
    reach.run(send(sending, url=lambda: url or reach.addresses().gateway_url, say=typer.echo))
