"""Ways to falsify the log itself: its rows, their order, its heads. Each returns where it must be found."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from shared.entries import Entry, encode_entry
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint, sign_checkpoint
from shared.transparency.merkle import leaf_hash
from shared.transparency.signed_note import NoteSigner
from tests.machinery.laboratory import Interval, Laboratory, edited


def spoken(entry: Entry) -> bool:
    """Return whether an entry is an agency's own, past the first."""
    return entry.agency is not None


def at(position: int) -> Interval:
    """Return the interval of one position."""
    return position, position


async def edit(lab: Laboratory) -> Interval:
    entry = await lab.pick(spoken)
    leaf = encode_entry(replace(entry, facts=edited(entry)))
    await lab.run("UPDATE ledger.entry SET leaf = $2 WHERE position = $1", entry.position, leaf)
    return at(entry.position)


async def edit_the_hash_alone(lab: Laboratory) -> Interval:
    entry = await lab.pick(lambda _entry: True)
    await lab.run("UPDATE ledger.entry SET leaf_hash = $2 WHERE position = $1", entry.position, leaf_hash(b"other"))
    return at(entry.position)


async def edit_with_its_hash(lab: Laboratory) -> Interval:
    entry = await lab.pick(spoken)
    await lab.put(entry.position, encode_entry(replace(entry, facts=edited(entry))))
    return await lab.batch_of(entry.position)


async def put_in_an_entry_of_another_log(lab: Laboratory) -> Interval:
    entry = await lab.pick(spoken)
    await lab.put(entry.position, encode_entry(Entry(entry.position, entry.id, entry.type, entry.time)))
    return await lab.batch_of(entry.position)


async def drop(lab: Laboratory) -> Interval:
    entry = await lab.pick(lambda entry: entry.position > 0)
    await lab.run("DELETE FROM ledger.entry WHERE position = $1", entry.position)
    return at(entry.position)


async def drop_a_run(lab: Laboratory) -> Interval:
    first = lab.random.randrange(1, await lab.size() - 5)
    await lab.run("DELETE FROM ledger.entry WHERE position BETWEEN $1 AND $1 + 2", first)
    return first, first + 2


async def drop_and_close_up(lab: Laboratory) -> Interval:
    size = await lab.size()
    gone = lab.random.randrange(1, size - 1)
    await lab.run("DELETE FROM ledger.entry WHERE position = $1", gone)
    await lab.run("UPDATE ledger.entry SET position = position - 1 WHERE position > $1", gone)
    return at(gone)


async def swap(lab: Laboratory) -> Interval:
    first = lab.random.randrange(1, await lab.size() - 1)
    await lab.run(
        "UPDATE ledger.entry SET position = $1 - position WHERE position IN ($2, $3)", 2 * first + 1, first, first + 1
    )
    return at(first + 1)


async def insert_in_the_middle(lab: Laboratory) -> Interval:
    middle = lab.random.randrange(1, await lab.size() - 1)
    await lab.run("UPDATE ledger.entry SET position = position + 1 WHERE position >= $1", middle)
    await lab.run(
        "INSERT INTO ledger.entry SELECT $1, entry_id, type, leaf, leaf_hash FROM ledger.entry WHERE position = 0",
        middle,
    )
    return at(middle)


async def insert_at_the_end(lab: Laboratory) -> Interval:
    size = await lab.size()
    entry = await lab.pick(spoken)
    leaf = encode_entry(replace(entry, position=size, id="f" * 32))
    await lab.run(
        "INSERT INTO ledger.entry VALUES ($1, $2, $3, $4, $5)", size, "f" * 32, entry.type, leaf, leaf_hash(leaf)
    )
    return at(size)


async def renumber_to_the_end(lab: Laboratory) -> Interval:
    size = await lab.size()
    position = lab.random.randrange(1, size - 1)
    await lab.run("UPDATE ledger.entry SET position = $2 WHERE position = $1", position, size + 7)
    return at(size + 7)


async def repeat_an_entry(lab: Laboratory) -> Interval:
    size = await lab.size()
    entry = await lab.pick(spoken)
    await lab.run(
        "INSERT INTO ledger.entry SELECT $2, entry_id, type, leaf, leaf_hash FROM ledger.entry WHERE position = $1",
        entry.position,
        size,
    )
    return at(size)


async def cut_off_the_end(lab: Laboratory) -> Interval:
    """Rows and heads both gone: only what was kept outside the database tells."""
    size = await lab.size()
    left = await lab.pick_position("SELECT previous_size FROM ledger.tree_head WHERE previous_size > 0")
    await lab.run("DELETE FROM ledger.entry WHERE position >= $1", left)
    await lab.run("DELETE FROM ledger.tree_head WHERE size > $1", left)
    return left, size - 1


async def cut_off_the_rows_alone(lab: Laboratory) -> Interval:
    size = await lab.size()
    await lab.run("DELETE FROM ledger.entry WHERE position >= $1", size - 1)
    return at(size - 1)


async def name_another_type(lab: Laboratory) -> Interval:
    entry = await lab.pick(spoken)
    await lab.run("UPDATE ledger.entry SET type = 'content.opened' WHERE position = $1", entry.position)
    return at(entry.position)


async def name_another_id(lab: Laboratory) -> Interval:
    entry = await lab.pick(spoken)
    await lab.run("UPDATE ledger.entry SET entry_id = repeat('0', 32) WHERE position = $1", entry.position)
    return at(entry.position)


async def recompute_with_the_old_signatures(lab: Laboratory) -> Interval:
    entry = await lab.pick(spoken)
    await lab.put(entry.position, encode_entry(replace(entry, facts=edited(entry))))
    await lab.recompute(None)
    return await lab.batch_of(entry.position)


async def recompute_with_a_key_of_its_own(lab: Laboratory) -> Interval:
    entry = await lab.pick(spoken)
    await lab.put(entry.position, encode_entry(replace(entry, facts=edited(entry))))
    await lab.recompute(NoteSigner(lab.exchange.local.options.origin, Ed25519PrivateKey.generate()))
    return await lab.batch_of(entry.position)


async def rewrite_and_sign_with_the_logs_own_key(lab: Laboratory) -> Interval:
    entry = await lab.pick(spoken)
    await lab.put_signed(entry, facts=edited(entry))
    return 0, await lab.size() - 1


async def forge_a_checkpoint_of_another_log(lab: Laboratory) -> Interval:
    size = await lab.pick_position("SELECT size FROM ledger.tree_head")
    other = lab.own_signer("ledger.example/another")
    note = sign_checkpoint(Checkpoint(other.name, TreeSize(size), leaf_hash(b"")), [other])
    await lab.run("UPDATE ledger.tree_head SET checkpoint = $2 WHERE size = $1", size, note)
    return await lab.batch_of(size - 1)


async def break_a_signature(lab: Laboratory) -> Interval:
    size = await lab.pick_position("SELECT size FROM ledger.tree_head")
    await lab.run(
        "UPDATE ledger.tree_head SET checkpoint = overlay(checkpoint PLACING 'AAAA' FROM length(checkpoint) - 20)"
        " WHERE size = $1",
        size,
    )
    return await lab.batch_of(size - 1)


async def fork(lab: Laboratory) -> Interval:
    """The log's own key signed another tree of a size it had signed before."""
    size = await lab.pick_position("SELECT size FROM ledger.tree_head")
    signer = lab.own_signer()
    note = sign_checkpoint(Checkpoint(signer.name, TreeSize(size), leaf_hash(b"fork")), [signer])
    await lab.run(
        "INSERT INTO ledger.tree_head SELECT previous_size, size, frontier, $2 FROM ledger.tree_head WHERE size = $1",
        size,
        note,
    )
    return await lab.batch_of(size - 1)


async def repeat_a_head(lab: Laboratory) -> Interval:
    size = await lab.pick_position("SELECT size FROM ledger.tree_head")
    await lab.run("INSERT INTO ledger.tree_head SELECT * FROM ledger.tree_head WHERE size = $1", size)
    return await lab.batch_of(size - 1)


async def remove_a_head(lab: Laboratory) -> Interval:
    size = await lab.pick_position("SELECT size FROM ledger.tree_head WHERE size < (SELECT count(*) FROM ledger.entry)")
    batch = await lab.batch_of(size - 1)
    await lab.run("DELETE FROM ledger.tree_head WHERE size = $1", size)
    return batch


async def exchange_two_checkpoints(lab: Laboratory) -> Interval:
    size = await lab.pick_position("SELECT size FROM ledger.tree_head WHERE size < (SELECT count(*) FROM ledger.entry)")
    await lab.run(
        "UPDATE ledger.tree_head h SET checkpoint = o.checkpoint FROM ledger.tree_head o"
        " WHERE h.size = $1 AND o.previous_size = $1",
        size,
    )
    return await lab.batch_of(size - 1)


async def edit_a_frontier(lab: Laboratory) -> Interval:
    size = await lab.pick_position("SELECT size FROM ledger.tree_head")
    await lab.run(
        "UPDATE ledger.tree_head SET frontier = set_byte(frontier, 9, get_byte(frontier, 9) # 1) WHERE size = $1", size
    )
    return await lab.batch_of(size - 1)
