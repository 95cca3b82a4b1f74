"""``exchange schemas``: the JSON Schema of each record, written into files."""

import json
from pathlib import Path
from typing import Annotated

import typer

from services.gateway.api.schemas import PUBLISHED, VERSION, published_schema


def schemas(
    folder: Annotated[Path, typer.Argument(help="Where to write them; docs/schemas in the repository")],
) -> None:
    """Write the JSON Schema of each record. Works offline."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in PUBLISHED:
        path = folder / schema_file(name)
        path.write_text(schema_text(name), "utf-8")
        typer.echo(str(path))


def schema_file(name: str) -> str:
    """Return the file name of a record's schema."""
    return f"{name}.{VERSION}.json"


def schema_text(name: str) -> str:
    """Return the text of a record's schema."""
    return json.dumps(published_schema(name), indent=2, ensure_ascii=False) + "\n"
