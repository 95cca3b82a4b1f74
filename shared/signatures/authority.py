"""Where a request goes, as it is signed (RFC 9421 section 2.2).

The authority is in lower case, without the scheme's own port.
"""

import re
from urllib.parse import urlsplit

from shared.errors import InvalidInput

_DEFAULT_PORTS = {"http": "80", "https": "443"}
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?\Z")


def normal_authority(authority: str, *, scheme: str) -> str:
    """Return a host, with its port unless that is the scheme's own, in lower case.

    Raises InvalidInput for anything but a host and a port, and for a scheme that is neither http nor https.
    """
    found = _AUTHORITY.match(authority.lower()) if authority.isascii() else None
    if found is None or scheme not in _DEFAULT_PORTS:
        raise InvalidInput("not the authority of an http or https URL", remedy="Give a host, and a port if need be.")
    host, port = found.groups()
    return host if port is None or port.lstrip("0") == _DEFAULT_PORTS[scheme] else f"{host}:{port}"


def authority_of(url: str) -> str:
    """Return the authority that a request to an http or https URL is signed with. Raises InvalidInput."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise InvalidInput("not a URL") from error
    return normal_authority(parts.netloc, scheme=parts.scheme)


def target_of(url: str) -> bytes:
    """Return the target of a request to a URL, as it is sent: its path and its query, if it has one.

    Raises InvalidInput for what is no URL, or has characters that cannot be sent.
    """
    try:
        parts = urlsplit(url)
        return ((parts.path or "/") + (f"?{parts.query}" if parts.query else "")).encode("latin-1")
    except ValueError as error:
        raise InvalidInput("not a URL that can be sent to") from error
