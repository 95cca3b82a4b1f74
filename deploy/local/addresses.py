"""How to reach a running installation: written by it when it is up, read by the command line."""

import msgspec

from deploy.local.layout import Layout
from shared.errors import Unavailable


class Addresses(msgspec.Struct, frozen=True):
    """How to reach a running installation, and by which key its log is known. Secrets are named by their files."""

    gateway_url: str
    sockets: str
    database_url: str
    log_key: str
    auditor_password_file: str
    guard_file: str


def read_addresses(layout: Layout) -> Addresses:
    """Return the addresses of the installation that runs in a layout. Raises Unavailable when none does."""
    try:
        return msgspec.json.decode(layout.addresses_file.read_bytes(), type=Addresses)
    except (OSError, msgspec.MsgspecError) as error:
        raise Unavailable(
            f"no exchange is running in {layout.home}", remedy="Start it with `make run`, or name its EXCHANGE_HOME."
        ) from error
