"""What a check of the ledger ends with: intact, not intact, or could not be checked, in exit codes and in words."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import typer

from shared.errors import ExchangeError

INTACT, NOT_INTACT, NOT_CHECKED = 0, 1, 2


@contextmanager
def ending_unchecked(*, as_json: bool) -> Iterator[None]:
    """End with exit code 2 where what is inside raises an error of ours, or of a named file.

    Whoever could not look has found nothing: not that all is well, and no falsification either. With ``as_json`` the
    error is JSON on standard output as the report would be, ``intact`` being null.
    """
    try:
        yield
    except ExchangeError as error:
        _say(error.detail, error.remedy, as_json=as_json)
        raise typer.Exit(NOT_CHECKED) from error
    except OSError as error:
        if error.filename is None:
            raise
        _say(f"{error.filename}: {error.strerror}", "", as_json=as_json)
        raise typer.Exit(NOT_CHECKED) from error


def _say(detail: str, remedy: str, *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode({"intact": None, "error": detail, "remedy": remedy}).decode())
    else:
        typer.echo(f"error: could not be checked: {detail}" + (f"\n{remedy}" if remedy else ""), err=True)
