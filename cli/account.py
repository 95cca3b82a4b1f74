"""Who gives a command that goes on record: an account, since entries hold no names in clear."""

from typing import Annotated

import typer

By = Annotated[str, typer.Option(help="The account of who does this, never a name")]
