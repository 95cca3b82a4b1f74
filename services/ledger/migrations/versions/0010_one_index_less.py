"""Erase a child's identifiers by where they were recorded, so that one random-order index less grows with the log.

A child's entries are found by its reference anyway, and each identifier was recorded by one of them.
"""

from alembic import op

from shared.process.indexes import drop_index

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

AUDITOR = "exchange_auditor"
ERASER = "exchange_ledger_eraser"

ERASE = """
CREATE OR REPLACE FUNCTION ledger.erase() RETURNS trigger
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
        DELETE FROM ledger.child_identifier i USING ledger.child_entry c
         WHERE c.ref = child AND i.position = c.position AND i.ref = child;
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


def upgrade() -> None:
    """Have the function that erases find them so, then drop the index that nothing needs any more."""
    # Replacing a function needs, for this moment, to be able to act as who owns it.
    op.execute(f"GRANT {ERASER} TO CURRENT_USER")
    op.execute(ERASE)
    op.execute(f"REVOKE {ERASER} FROM CURRENT_USER")
    op.execute(f"GRANT SELECT (position) ON ledger.child_identifier TO {AUDITOR}")
    drop_index("child_identifier_ref", "child_identifier", schema="ledger")
