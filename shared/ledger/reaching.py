"""How a caller reaches the ledger: by one address, or by those of all the processes that may be the writer."""

from collections.abc import Sequence

from shared.ledger.client import LedgerClient
from shared.process.address import Address, TlsFiles
from shared.process.failover import Failover
from shared.process.peer import Peer
from shared.process.remote import Remote

REPEATABLE = frozenset(
    {
        # Each append is decided by its idempotency key: a repeat gets the original answer.
        "/append",
        "/append-many",
        # Recorded once for each purpose, audit run, or signed request, however often they are asked for.
        "/break-glass",
        "/open-section",
        "/open-signatures",
        # Wraps what is left to wrap.
        "/rewrap-data-keys",
        # Reads.
        "/child-known",
        "/encryption-keys",
        "/entries",
        "/entry-status",
        "/obligation",
        "/overdue-reviews",
        "/owed",
        "/queue",
        "/record-history",
        "/registry-entries",
        "/resolve-child",
        "/resolve-children",
        "/standing",
        "/stewardship-entries",
        "/tile",
        "/tree-head",
        "/wait",
        "/who-knew",
    }
)
"""The calls that may be sent again, the same bytes, while it is not known what came of them."""

NEVER_REPEATED = frozenset(
    {
        # Uses up a nonce: its repeat would be refused as a replay, and an honest reader with it.
        "/admit-read",
        # One signed request is one look: a repeat is refused as a replay, and its reader signs anew.
        "/chronology",
        "/find-child",
        # Done already, it is refused: no such key.
        "/destroy-encryption-key",
        # Makes a key each time.
        "/rotate-encryption-key",
    }
)
"""The calls whose unknown outcome is the caller's to resolve."""


def ledger_at(addresses: Sequence[Address], *, timeout_s: float, tls: TlsFiles | None) -> LedgerClient:
    """Return a client of the ledger at whichever of these addresses it serves. ``tls`` is needed for TLS addresses."""
    return LedgerClient(_peer(addresses, timeout_s=timeout_s, tls=tls))


def _peer(addresses: Sequence[Address], *, timeout_s: float, tls: TlsFiles | None) -> Peer:
    if len(addresses) == 1:
        return Remote(addresses[0], timeout_s=timeout_s, tls=tls)
    # A host that has vanished must leave time to ask the others.
    connect_s = timeout_s / (2 * len(addresses))
    remotes = [Remote(each, timeout_s=timeout_s, connect_timeout_s=connect_s, tls=tls) for each in addresses]
    return Failover(remotes, timeout_s=timeout_s, repeatable=REPEATABLE)
