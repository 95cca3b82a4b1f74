"""``exchange correct``, ``retract``, ``dispute``, ``review`` …: what an agency says of an earlier record."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated

import typer

from cli.send import IdempotencyKey, KeyFile, ReceiptFile, Record, Url, send_record
from client.amending import amendment_path
from client.sending import Sending

Of = Annotated[str, typer.Argument(help="The id that the answer to that record gave")]


class Kind(StrEnum):
    """What the earlier record is."""

    SHARE = "share"
    WITHHOLDING = "withholding"
    WHEREABOUTS = "whereabouts"


KindOption = Annotated[Kind, typer.Option(help="What that record is")]


def correct(
    of: Of,
    record: Record,
    key: KeyFile,
    kind: KindOption = Kind.SHARE,
    url: Url = "",
    idempotency_key: IdempotencyKey = None,
    keep: ReceiptFile = None,
) -> None:
    """Correct a record of yours: everybody who was told of it is told."""
    path = amendment_path("correct", of, of=kind)
    send_record(Sending("correct", path, record, key, idempotency_key, keep), url=url)


def retract(
    of: Of,
    record: Record,
    key: KeyFile,
    kind: KindOption = Kind.SHARE,
    url: Url = "",
    idempotency_key: IdempotencyKey = None,
    keep: ReceiptFile = None,
) -> None:
    """Take back a record of yours: everybody who was told of it is told."""
    path = amendment_path("retract", of, of=kind)
    send_record(Sending("retract", path, record, key, idempotency_key, keep), url=url)


def dispute(
    of: Of,
    record: Record,
    key: KeyFile,
    kind: KindOption = Kind.SHARE,
    url: Url = "",
    idempotency_key: IdempotencyKey = None,
    keep: ReceiptFile = None,
) -> None:
    """Have it kept beside a record, yours or one you were told of, that somebody says it is not so."""
    path = amendment_path("dispute", of, of=kind)
    send_record(Sending("dispute", path, record, key, idempotency_key, keep), url=url)


def withdraw_consent(
    of: Of,
    record: Record,
    key: KeyFile,
    url: Url = "",
    idempotency_key: IdempotencyKey = None,
    keep: ReceiptFile = None,
) -> None:
    """Record that consent to a share was withdrawn. The share stands."""
    path = amendment_path("withdraw-consent", of)
    send_record(Sending("withdraw-consent", path, record, key, idempotency_key, keep), url=url)


def review(
    of: Of,
    record: Record,
    key: KeyFile,
    url: Url = "",
    idempotency_key: IdempotencyKey = None,
    keep: ReceiptFile = None,
) -> None:
    """Review a withholding of yours: confirm it, or decide to share. A second decision-maker decides by this."""
    path = amendment_path("review", of, of="withholding")
    send_record(Sending("review", path, record, key, idempotency_key, keep), url=url)


COMMANDS: Mapping[str, Callable[..., None]] = {
    "correct": correct,
    "retract": retract,
    "dispute": dispute,
    "withdraw-consent": withdraw_consent,
    "review": review,
}
"""Each command by its name."""
