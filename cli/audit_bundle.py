"""``exchange audit verify --bundle``: an exported file, checked by the very program that travels with it."""

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import msgspec
import typer

from cli.audit_text import Circumstances
from services.ledger.audit import bundle_verifier
from shared.errors import InvalidInput

UNREAD = "NOT CHECKED: "
"""How the program begins to say that it could not read the file."""


def verify_bundle(
    file: Path, circumstances: Circumstances, older: Sequence[Path], witnesses: Sequence[str], *, as_json: bool
) -> int:
    """Check a bundle offline, print what was found, and return the exit code. Needs no exchange.

    Raises InvalidInput when the file cannot be read to its end: then it was not checked.
    """
    arguments = [str(file), "--log-key", circumstances.key.text]
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
        raise InvalidInput(str(said.get("error") or text.removeprefix(UNREAD)))
    if as_json:
        cosigned: object = said.pop("cosigned_by")
        said |= {**circumstances.as_json(), "witnesses": _witnesses(cosigned)}
        typer.echo(msgspec.json.encode(said).decode())
    else:
        for line in (*circumstances.in_words(), text):
            typer.echo(line)
    return code


def _witnesses(cosigned: object) -> list[dict[str, object]]:
    """Return how far each witness's key vouches, in the form of every other audit."""
    reached = msgspec.convert(cosigned, dict[str, int])
    named = ((key.rpartition("+"), size) for key, size in reached.items())
    return [{"name": name, "key_id": key_id, "cosigned": size or None} for (name, _, key_id), size in named]
