"""Where one process finds another: a Unix socket on one machine, mutual TLS between machines."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from shared.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A socket in the file system; who may open it is whom its directory lets in."""

    path: Path

    def __str__(self) -> str:
        return f"unix:{self.path}"


@dataclass(frozen=True, slots=True)
class TlsAddress:
    """A host and port where both sides prove who they are with a certificate."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"tls://[{self.host}]:{self.port}" if ":" in self.host else f"tls://{self.host}:{self.port}"


Address = UnixAddress | TlsAddress


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """This side's certificate and key, and the authority that the other side's certificate must come from."""

    certificate: Path
    private_key: Path
    peer_authority: Path


def parse_address(text: str) -> Address:
    """Return the address that ``unix:/path`` or ``tls://host:port`` names. Raises InvalidInput for anything else."""
    if text.startswith("unix:") and len(text) > len("unix:"):
        return UnixAddress(Path(text.removeprefix("unix:")))
    if text.startswith("tls://"):
        host, _, port = text.removeprefix("tls://").rpartition(":")
        if host and port.isascii() and port.isdigit() and 0 < int(port) < 65_536:
            return TlsAddress(host.strip("[]"), int(port))
    raise InvalidInput("not an address: unix:/path/to.sock or tls://host:port is expected")


def parse_addresses(text: str) -> tuple[Address, ...]:
    """Return the addresses in a list with commas, at least one. Raises InvalidInput when one is none."""
    return tuple(parse_address(each.strip()) for each in text.split(","))


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """Return a context that proves this side and accepts only servers certified by the peer's authority.

    Raises InvalidInput when one of the files cannot be read or holds something else.
    """
    names = ", ".join(path.name for path in (files.certificate, files.private_key, files.peer_authority))
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(files.peer_authority))
        context.load_cert_chain(files.certificate, files.private_key)
    except ssl.SSLError as error:
        raise InvalidInput(f"{names} are not a certificate, its key, and an authority: {error.reason}") from error
    except OSError as error:
        raise InvalidInput(f"{names} cannot all be read: {error.strerror}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
