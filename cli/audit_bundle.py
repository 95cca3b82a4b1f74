"""``exchange audit verify --bundle``: an exported file, checked by the very program that travels with it."""

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import msgspec
import typer

from cli.audit_trust import TrustedKey
from services.ledger.audit import bundle_verifier
from shared.errors import InvalidInput

UNREAD = "NOT CHECKED: "
"""How the program begins to say that it could not read the file."""


def verify_bundle(
    file: Path, key: TrustedKey, older: Sequence[Path], witnesses: Sequence[str], *, as_json: bool
) -> int:
    """Check a bundle offline, print what was found, and return the exit code. Needs no exchange.

    Raises InvalidInput when the file cannot be read to its end: then it was not checked.
    """
    arguments = [str(file), "--log-key", key.text]
    for path in older:
        arguments += ["--older", str(path)]
    for witness in witnesses:
        arguments += ["--witness-key", witness]
    if as_json:
        arguments.append("--json")
    printed = io.StringIO()
    with redirect_stdout(printed):
        code = bundle_verifier.main(arguments)
    text = printed.getvalue().rstrip("\n")
    said: dict[str, object] = msgspec.json.decode(text) if as_json else {}
    if "error" in said or text.startswith(UNREAD):
        raise InvalidInput(
            f"{file}: {said.get('error') or text.removeprefix(UNREAD)}", remedy="Have it exported or sent anew."
        )
    if as_json:
        typer.echo(msgspec.json.encode({**said, "log_key": key.as_json()}).decode())
    else:
        typer.echo(f"{key.in_words()}\n{text}")
    return code
