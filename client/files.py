"""Keys, records and answers as files: what every command line that sends needs."""

import os
from collections.abc import Mapping
from pathlib import Path

import orjson

from client.exchange_keys import ExchangeKeys, parse_keys
from shared.errors import InvalidInput
from shared.process.secret_files import read_secret
from shared.signatures.keys import Algorithm, SigningKey, generate_signing_key, load_signing_key

FORMATS = {
    "share": "safeguarding-exchange/share/v1",
    "withhold": "safeguarding-exchange/withholding/v1",
    "whereabouts": "safeguarding-exchange/whereabouts/v1",
    "housing-notice": "safeguarding-exchange/housing-notice/v1",
    "acknowledge": "safeguarding-exchange/acknowledgement/v1",
    "search": "safeguarding-exchange/search/v1",
    "correct": "safeguarding-exchange/correction/v1",
    "retract": "safeguarding-exchange/retraction/v1",
    "dispute": "safeguarding-exchange/dispute/v1",
    "withdraw-consent": "safeguarding-exchange/consent-withdrawal/v1",
    "review": "safeguarding-exchange/review/v1",
}
"""Which command sends records of which format."""


def make_key_pair(file: Path, *, algorithm: Algorithm) -> tuple[SigningKey, Path]:
    """Write a new private key to a file of its owner's, and the public one beside it; return the key and that file.

    Raises InvalidInput when either file is there already: nothing is overwritten.
    """
    public = file.with_suffix(".jwk")
    if public == file:
        raise InvalidInput(
            f"{file} is where the public key goes", remedy="Name the private key's file, such as my.pem."
        )
    key = generate_signing_key(algorithm)
    write_new(file, key.pem(), mode=0o600)
    write_new(public, orjson.dumps(key.public.jwk(), option=orjson.OPT_INDENT_2), mode=0o644)
    return key, public


def private_key(path: Path) -> SigningKey:
    """Return the key in a PEM file. Raises InvalidInput, saying which file, when it holds none."""
    if path.read_bytes().lstrip().startswith(b"{"):
        raise InvalidInput(f"{path} is the public key", remedy="Give the .pem file that keygen made beside it.")
    try:
        return load_signing_key(read_secret(path))
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error.detail}", remedy=error.remedy) from error


def exchange_keys(path: Path) -> ExchangeKeys:
    """Return the exchange's keys as kept in a file. Raises InvalidInput, saying which file, when it holds none."""
    try:
        return parse_keys(path.read_bytes())
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error.detail}", remedy="Keep what GET /v1/keys answers.") from error


def record_bytes(path: Path, *, command: str) -> bytes:
    """Return a record's file as it will be signed. Raises InvalidInput when it is no record, or for another command."""
    body = path.read_bytes()
    try:
        record = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(
            f"{path} is not JSON in UTF-8: line {error.lineno}, column {error.colno}",
            remedy="Mend it there; docs/examples/ shows whole records.",
        ) from error
    if not isinstance(record, Mapping):
        raise InvalidInput(f"{path} is not one JSON object", remedy="See docs/examples/ for whole records.")
    meant = next((name for name, format_ in FORMATS.items() if record.get("format") == format_), command)
    if meant != command:
        # The gateway would take it for what the path says, and tell people who should not be told.
        raise InvalidInput("the record says that it is for another command", remedy=f"Use: exchange {meant}")
    return body


def write_new(file: Path, content: bytes, *, mode: int) -> None:
    """Write a file that is not there yet. Raises InvalidInput when it is."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise InvalidInput(f"{file} is there already", remedy="Choose another name; nothing is overwritten.") from error
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
