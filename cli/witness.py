"""``exchange witness``: cosigning the checkpoints of logs that others run, and what a log that forked left behind."""

import os
import runpy
from pathlib import Path
from typing import Annotated

import typer

from services.witness.adapters.evidence_files import read_evidence
from services.witness.bootstrap import EVIDENCE_FOLDER
from services.witness.keys import load_cosigner, new_key_files

app = typer.Typer(help="Cosign the checkpoints of logs that others run, so that none of them can rewrite its history.")


@app.callback(invoke_without_command=True)
def run(context: typer.Context) -> None:
    """Run a witness, with its settings from the environment (see docs/operations.md)."""
    if context.invoked_subcommand is None:
        runpy.run_module("services.witness", run_name="__main__")


@app.command()
def keygen(
    name: Annotated[str, typer.Argument(help="The witness's name: a URL prefix without scheme, its own for ever")],
    folder: Annotated[Path, typer.Argument(help="Where the two private keys go")],
) -> None:
    """Make a witness's two keys, which are never overwritten, and print what logs and auditors need to know them."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = {folder / file_name: content for file_name, content in new_key_files().items()}
    for path, content in files.items():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    ed25519_file, ml_dsa_file = files
    for verifier in load_cosigner(name, ed25519_file=ed25519_file, ml_dsa_file=ml_dsa_file).verifiers():
        typer.echo(verifier.verifier_key())


@app.command()
def evidence(
    state_folder: Annotated[Path, typer.Option(envvar="WITNESS_STATE_FOLDER", help="The witness's state folder")],
) -> None:
    """List what shows that a log has forked. Exits 1 when there is any, 0 when there is none."""
    kept = read_evidence(state_folder / EVIDENCE_FOLDER)
    for each in kept:
        typer.echo(
            f"{each.found_at} {each.suspicion.value}: {each.cosigned.origin}\n"
            f"  cosigned here: size {each.cosigned.size}, root {each.cosigned.root.hex()}\n"
            f"  then brought:  size {each.presented.size}, root {each.presented.root.hex()}\n"
            f"  both notes, with the keys that open them: {each.path}\n"
            + "\n".join(f"  key {key.verifier_key()}" for key in each.log_keys)
        )
    typer.echo(f"{len(kept)} pieces of evidence")
    raise typer.Exit(1 if kept else 0)
