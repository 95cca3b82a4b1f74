"""Where a log's static files are read from: a folder, the ledger's door, an HTTP prefix or a bundle."""

from typing import Protocol


class TileSource(Protocol):
    """Reads what lies below a log's prefix (C2SP tlog-tiles v0.1.0): ``checkpoint`` and ``tile/…``."""

    async def read(self, path: str) -> bytes:
        """Return the bytes at a path below the prefix, unverified.

        Raises NotFound when nothing is there, InvalidInput for a path that no log has, Unavailable when the source
        does not answer.
        """
        ...
