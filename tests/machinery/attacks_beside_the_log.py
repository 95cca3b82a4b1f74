"""Ways to falsify what is stored beside the log: sealed sections, keys, answers, indexes. One statement each."""

from shared.vocabulary import EntryType
from tests.machinery.attacks_on_the_log import at
from tests.machinery.laboratory import Interval, Laboratory

SHARED = f"SELECT position FROM ledger.entry WHERE type = '{EntryType.SHARE_RECORDED}'"
CLIMBED = "SELECT position FROM ledger.obligation_step"
OWED = "SELECT position FROM ledger.obligation"
ANSWERED_WITH_NONCE = "SELECT position FROM ledger.answer WHERE nonce_token IS NOT NULL"

# Which rows may be attacked, and what is done at the position chosen.
STATEMENTS = {
    "a sealed section edited": (
        SHARED,
        "UPDATE ledger.sealed_section SET content = content || 'x'::bytea WHERE position = $1 AND name = 'body'",
    ),
    "a sealed section missing": (
        SHARED,
        "DELETE FROM ledger.sealed_section WHERE position = $1 AND name = 'signature'",
    ),
    "the payload of another entry": (
        SHARED,
        "UPDATE ledger.sealed_section s SET content = o.content FROM (SELECT content FROM ledger.sealed_section"
        " WHERE position <> $1 AND name = 'body' LIMIT 1) AS o WHERE s.position = $1 AND s.name = 'body'",
    ),
    "a section nobody committed to": (SHARED, "INSERT INTO ledger.sealed_section VALUES ($1, 'note', 'nobody', 'x')"),
    "a section renamed": (
        SHARED,
        "UPDATE ledger.sealed_section SET name = 'note' WHERE position = $1 AND name = 'body'",
    ),
    "a section under another child's key": (
        SHARED,
        "UPDATE ledger.sealed_section s SET data_key_id = (SELECT key_id FROM ledger.data_key k"
        " WHERE k.key_id <> s.data_key_id LIMIT 1) WHERE position = $1",
    ),
    "a key erased without an entry": (
        SHARED,
        "DELETE FROM ledger.data_key WHERE key_id IN"
        " (SELECT data_key_id FROM ledger.sealed_section WHERE position = $1)",
    ),
    "an edited answer": (SHARED, "UPDATE ledger.answer SET body = '{}'::bytea WHERE position = $1"),
    "an edited receipt": (
        SHARED,
        # The third byte is of the inclusion path's first hash.
        "UPDATE ledger.answer SET body = set_byte(body, 2, get_byte(body, 2) # 1) WHERE position = $1",
    ),
    "the answer of another request": (
        SHARED,
        "UPDATE ledger.answer a SET body = o.body FROM (SELECT body FROM ledger.answer WHERE position <> $1"
        " ORDER BY position LIMIT 1) AS o WHERE a.position = $1",
    ),
    "an answer missing": (SHARED, "DELETE FROM ledger.answer WHERE position = $1"),
    "a nonce used twice": (
        ANSWERED_WITH_NONCE + " AND position > (SELECT min(position) FROM ledger.answer WHERE nonce_token IS NOT NULL)",
        "UPDATE ledger.answer SET nonce_token = (SELECT nonce_token FROM ledger.answer WHERE nonce_token IS NOT NULL"
        " ORDER BY position LIMIT 1) WHERE position = $1",
    ),
    "an obligation missing": (OWED, "DELETE FROM ledger.obligation WHERE position = $1"),
    "an obligation to somebody else": (
        OWED,
        "UPDATE ledger.obligation SET recipient = 'queue:nowhere' WHERE position = $1",
    ),
    "an obligation forged": (
        SHARED,
        "INSERT INTO ledger.obligation (obligation_id, position, recipient) VALUES ('forged-0', $1, 'queue:nowhere')",
    ),
    "a step forged": (
        SHARED,
        "INSERT INTO ledger.obligation_step (obligation_id, position, state, owner, recorded_at)"
        " SELECT obligation_id, $1, 'received', NULL, '2026-01-01T00:00:00.000000Z' FROM ledger.obligation LIMIT 1",
    ),
    "a step missing": (CLIMBED, "DELETE FROM ledger.obligation_step WHERE position = $1"),
    "a step higher than it was": (CLIMBED, "UPDATE ledger.obligation_step SET state = 'decided' WHERE position = $1"),
    "a step by somebody else": (CLIMBED, "UPDATE ledger.obligation_step SET owner = 'nobody' WHERE position = $1"),
    "a step sooner than it was": (
        CLIMBED,
        "UPDATE ledger.obligation_step SET recorded_at = '2020-01-01T00:00:00.000000Z' WHERE position = $1",
    ),
    "the history of another child": (SHARED, "UPDATE ledger.child_entry SET ref = repeat('0', 32) WHERE position = $1"),
    "a child's history with a hole": (SHARED, "DELETE FROM ledger.child_entry WHERE position = $1"),
    "an authority put in another's role": (
        SHARED,
        "UPDATE ledger.child_entry SET roles = ARRAY['living_at:E06000001'] WHERE position = $1",
    ),
    "a child found by what another's entry recorded": (
        SHARED,
        "UPDATE ledger.child_identifier SET position = $1"
        " WHERE ref NOT IN (SELECT ref FROM ledger.child_entry WHERE position = $1)",
    ),
    "an entry in another child's history too": (
        SHARED,
        "INSERT INTO ledger.child_entry (ref, version, position, roles) VALUES (repeat('0', 32), 1, $1, '{}')",
    ),
}


async def attack(lab: Laboratory, name: str) -> Interval:
    """Carry one of STATEMENTS out and return where it must be found."""
    candidates, statement = STATEMENTS[name]
    position = await lab.pick_position(candidates)
    await lab.run(statement, position)
    return at(position)


async def leave_something_beside_no_entry(lab: Laboratory) -> Interval:
    size = await lab.size()
    await lab.run("INSERT INTO ledger.sealed_section VALUES ($1, 'body', 'nobody', 'x')", size + 3)
    return at(size + 3)
