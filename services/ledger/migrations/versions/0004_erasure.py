"""Erasure: appending ``erasure.recorded`` is what erases, in the same statement, and nothing else can."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ERASER = "exchange_ledger_eraser"
AUDITOR = "exchange_auditor"

STEWARDSHIP_PREDICATE = (
    "type IN ('erasure.approved', 'erasure.proposed', 'erasure.recorded', 'hold.lifted', 'hold.placed', "
    "'retention.approved', 'retention.proposed')"
)
CONFLICT_PREDICATE = "type = 'request.conflicted'"

# An AFTER trigger runs once the whole statement has: it sees all that the same batch inserted before the erasure.
# Errors are of class 22, which the ledger answers as bad input: the batch is then decided again, one by one.
ERASE = """
CREATE FUNCTION ledger.erase() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target jsonb := convert_from(NEW.leaf, 'UTF8')::jsonb -> 'facts' -> 'target';
    child text := target ->> 'child';
    named text := target ->> 'entry';
    gone bigint[];
    place bigint;
    about text[];
BEGIN
    IF target ->> 'scope' = 'child' AND child IS NOT NULL THEN
        -- What is about this child alone goes whole, with keys of its own; what it shares with others only as far as
        -- it is sealed under this child's key.
        SELECT coalesce(array_agg(e.position), '{}') INTO gone
          FROM ledger.child_entry c JOIN ledger.entry e ON e.position = c.position
         WHERE c.ref = child AND c.position < NEW.position
           AND jsonb_array_length(convert_from(e.leaf, 'UTF8')::jsonb -> 'subjects') = 1;
        DELETE FROM ledger.data_key k USING ledger.entry e WHERE e.position = ANY (gone) AND k.key_id = e.entry_id;
        DELETE FROM ledger.sealed_section s WHERE s.position = ANY (gone);
        UPDATE ledger.answer a SET fingerprint = '' WHERE a.position = ANY (gone);
        DELETE FROM ledger.sealed_section s USING ledger.child_entry c
         WHERE c.ref = child AND c.position < NEW.position AND s.position = c.position AND s.data_key_id = child;
        DELETE FROM ledger.sealed_section s USING ledger.entry e
         WHERE e.type = 'request.conflicted' AND e.position < NEW.position
           AND s.position = e.position AND s.data_key_id = child;
        DELETE FROM ledger.child_identifier i WHERE i.ref = child;
        DELETE FROM ledger.data_key k WHERE k.key_id = child;
    ELSIF target ->> 'scope' = 'entry' AND named IS NOT NULL THEN
        SELECT e.position INTO place FROM ledger.entry e WHERE e.entry_id = named AND e.position < NEW.position;
        IF place IS NULL THEN
            RAISE EXCEPTION 'there is no such entry to erase' USING ERRCODE = 'invalid_parameter_value';
        END IF;
        SELECT coalesce(array_agg(DISTINCT found.ref), '{}') INTO about FROM (
            SELECT subject ->> 'ref' AS ref FROM ledger.entry e,
                   jsonb_array_elements(convert_from(e.leaf, 'UTF8')::jsonb -> 'subjects') AS subject
             WHERE e.position = place
             UNION SELECT s.data_key_id FROM ledger.sealed_section s WHERE s.position = place AND s.data_key_id <> named
        ) AS found;
        -- Whom the entry is about decides which holds protect it, so that the erasure must say it truly.
        IF about IS DISTINCT FROM array_remove(ARRAY[child], NULL) THEN
            RAISE EXCEPTION 'the entry is about another child than the erasure says'
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        DELETE FROM ledger.sealed_section s WHERE s.position = place;
        DELETE FROM ledger.data_key k WHERE k.key_id = named;
        UPDATE ledger.answer a SET fingerprint = '' WHERE a.position = place;
    ELSE
        RAISE EXCEPTION 'an erasure names a child or an entry' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN NULL;
END $$
"""

REFUSE_ANSWER_CHANGE = """
CREATE FUNCTION ledger.refuse_answer_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.fingerprint = '' AND current_user = 'exchange_ledger_eraser' AND pg_trigger_depth() > 1
       AND (NEW.token, NEW.position, NEW.status, NEW.body, NEW.data_key_id, NEW.nonce_token)
           IS NOT DISTINCT FROM (OLD.token, OLD.position, OLD.status, OLD.body, OLD.data_key_id, OLD.nonce_token) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the ledger is append-only: % on %.% is refused', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME;
END $$
"""


def upgrade() -> None:
    """Make the function that erases, owned by a role that nobody can log in as, and called by one trigger only."""
    op.create_index(
        "entry_stewardship", "entry", ["position"], schema="ledger", postgresql_where=sa.text(STEWARDSHIP_PREDICATE)
    )
    op.create_index(
        "entry_conflicted", "entry", ["position"], schema="ledger", postgresql_where=sa.text(CONFLICT_PREDICATE)
    )
    op.create_index("child_identifier_ref", "child_identifier", ["ref"], schema="ledger")
    op.execute(REFUSE_ANSWER_CHANGE)
    op.execute("DROP TRIGGER refuse_change ON ledger.answer")
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE DELETE ON ledger.answer"
        " FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER refuse_answer_change BEFORE UPDATE ON ledger.answer"
        " FOR EACH ROW EXECUTE FUNCTION ledger.refuse_answer_change()"
    )
    op.execute(ERASE)
    op.execute("REVOKE EXECUTE ON FUNCTION ledger.erase() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER erase AFTER INSERT ON ledger.entry FOR EACH ROW"
        " WHEN (NEW.type = 'erasure.recorded') EXECUTE FUNCTION ledger.erase()"
    )
    op.execute(f"REVOKE ALL ON ledger.used_nonce FROM {ERASER}")
    op.execute(f"GRANT SELECT ON ledger.child_entry TO {ERASER}")
    op.execute(f"GRANT SELECT (position), UPDATE (fingerprint) ON ledger.answer TO {ERASER}")
    op.execute(f"GRANT SELECT (ref) ON ledger.child_identifier TO {AUDITOR}")
    _give_function_to_eraser()


def _give_function_to_eraser() -> None:
    # Giving a function away needs, for this moment, to be able to act as who gets it, and who gets it to be let in.
    op.execute(f"GRANT {ERASER} TO CURRENT_USER")
    op.execute(f"GRANT CREATE ON SCHEMA ledger TO {ERASER}")
    op.execute(f"ALTER FUNCTION ledger.erase() OWNER TO {ERASER}")
    op.execute(f"REVOKE CREATE ON SCHEMA ledger FROM {ERASER}")
    op.execute(f"REVOKE {ERASER} FROM CURRENT_USER")
