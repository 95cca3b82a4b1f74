"""``exchange audit verify --bundle``: an exported file, checked by the very program that travels with it."""

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import msgspec
import typer

from cli.audit_outcome import INTACT, NOT_CHECKED
from cli.audit_text import Circumstances, witnesses_text
from cli.audit_trust import Held
from services.ledger.audit import bundle_verifier
from services.ledger.audit.cosignatures import check_cosignatures
from services.ledger.audit.findings import Report, WitnessStanding
from shared.errors import InvalidInput
from shared.transparency.verifier_key import parse_verifier_key

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
    standing = _standing(file, circumstances.held, witnesses) if code == INTACT else []
    if as_json:
        said |= {**circumstances.as_json(), "witnesses": msgspec.to_builtins(standing)}
        typer.echo(msgspec.json.encode(said).decode())
    else:
        for line in (*circumstances.in_words(), text, *witnesses_text(standing)):
            typer.echo(line)
    return NOT_CHECKED if any(each.cosigned is None for each in standing) else code


def _standing(file: Path, held: Held, witnesses: Sequence[str]) -> list[WitnessStanding]:
    """Return how each witness's key stands that was given, by the checkpoints of a bundle that was found intact.

    The program says who cosigned by name alone, and two keys may bear one name.
    """
    report, bundle = Report(), bundle_verifier.Bundle(file)
    members = [note for member in ("heads", "cosigned") for note in bundle.records(member, 4)]
    notes = [bundle.read("checkpoint"), *members, *held.notes()]
    check_cosignatures(report, notes, [parse_verifier_key(text) for text in witnesses])
    return report.witnesses
