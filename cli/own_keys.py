"""``exchange registration``, ``rotate-key``, ``revoke-key``: an agency looks after its own keys."""

from pathlib import Path
from typing import Annotated

import typer

from cli.asking import ask_as
from cli.revocation_reason import CODES, check_listed
from cli.send import KeyFile, Url
from client.files import private_key


def registration(key: KeyFile, url: Url = "") -> None:
    """Show how your agency is registered, with its keys and endpoints."""
    ask_as(lambda client: client.registration(), key=key, url=url)


def rotate_key(
    new: Annotated[Path, typer.Argument(help="The new private key (PEM), as keygen made it")],
    key: KeyFile,
    valid_from: Annotated[str | None, typer.Option(help="When it begins to count, if not at once")] = None,
    valid_until: Annotated[str | None, typer.Option(help="When it ends, such as 2027-11-24T00:00:00Z")] = None,
    url: Url = "",
) -> None:
    """Add a new key to your agency's, signed by one it has. Both sign from then on; revoke the old one later."""
    signer = private_key(new)
    ask_as(lambda client: client.add_key(signer, valid_from=valid_from, valid_until=valid_until), key=key, url=url)


def revoke_key(
    thumbprint: Annotated[str, typer.Argument(help="Which key, from `exchange registration`")],
    key: KeyFile,
    reason: Annotated[str, typer.Option(help=f"One of the codes: {CODES}")] = "rotated",
    compromised_from: Annotated[
        str | None,
        typer.Option(help="What it signed from then on is suspect; left out of compromised: all that it ever signed"),
    ] = None,
    url: Url = "",
) -> None:
    """Revoke a key of your agency's, now and for good; also the one that signs this.

    Report a theft at once, though you do not know since when: `--reason compromised` alone takes it to be from when the
    key was first valid. The earliest moment ever given counts, so give a later one now if you know it.
    """
    check_listed(reason)
    ask_as(
        lambda client: client.revoke_key(thumbprint, reason=reason, compromised_from=compromised_from),
        key=key,
        url=url,
    )
