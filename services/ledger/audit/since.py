"""Going on from an older checkpoint: what it vouches for need not be read again."""

from dataclasses import dataclass, field

from services.ledger.audit.child_versions import ChildVersions
from services.ledger.audit.stored_log import StoredLog
from shared.entries import Entry, parse_entry
from shared.errors import ExchangeError, IntegrityFailure
from shared.identifiers import ChildRef
from shared.ledger.registry import Registry
from shared.ledger.stewardship import Stewardship
from shared.transparency.checkpoint import Checkpoint
from shared.transparency.merkle import EMPTY, Frontier


@dataclass(frozen=True, slots=True)
class Start:
    """What is known where a check begins: the tree, the registry and its entries, children's versions, the time."""

    frontier: Frontier = EMPTY
    registry: Registry = field(default_factory=Registry)
    versions: ChildVersions = field(default_factory=ChildVersions)
    last_time: str = ""
    registered: tuple[Entry, ...] = ()
    stewardship: Stewardship = field(default_factory=Stewardship)


async def start_after(stored: StoredLog, checkpoint: Checkpoint) -> Start:
    """Return where to go on after a checkpoint that the auditor kept.

    The stored edge of the tree must have that checkpoint's root: then only entries after it can make any later root,
    and the work is that of what is new. What lies before is taken as checked when the checkpoint was kept. Raises
    IntegrityFailure when the log has no such tree: it was rewritten, or it was never the log of that checkpoint.
    """
    frontier = EMPTY
    async for head in stored.heads(start=max(0, checkpoint.size - 1)):
        if head.size == checkpoint.size:
            frontier = _frontier(head.frontier)
        break
    if frontier.size != checkpoint.size or frontier.root() != checkpoint.root:
        raise IntegrityFailure(f"the log does not hold the tree of {checkpoint.size} entries that was signed before")
    last_time = ""
    async for row in stored.rows(start=max(0, checkpoint.size - 1)):
        last_time = parse_entry(row.leaf).time
        break
    versions = ChildVersions()
    async for ref, version in stored.last_versions(before=checkpoint.size):
        versions.put(ChildRef(ref), version)
    registered = tuple([parse_entry(leaf) async for leaf in stored.registry_leaves(before=checkpoint.size)])
    return Start(
        frontier=frontier,
        registry=Registry().with_entries(registered),
        versions=versions,
        last_time=last_time,
        registered=registered,
        stewardship=await _stewardship(stored, before=checkpoint.size),
    )


async def _stewardship(stored: StoredLog, *, before: int) -> Stewardship:
    state = Stewardship()
    async for leaf in stored.stewardship_leaves(before=before):
        state = state.with_entry(parse_entry(leaf))
    return state


def _frontier(data: bytes) -> Frontier:
    try:
        return Frontier.from_bytes(data)
    except ExchangeError:
        return EMPTY
