"""How far an obligation has come, from the row that its entry and its steps make."""

import asyncpg

from services.ledger.domain.ladder import ASSIGNED, QUEUED, SETTLED, highest
from shared.entries import Obligation, parse_entry
from shared.identifiers import is_queue
from shared.ledger.messages import ObligationState
from shared.vocabulary import LadderState


def obligation_state(row: asyncpg.Record) -> ObligationState:
    """Return the state that a row of an obligation tells."""
    entry = parse_entry(row["leaf"])
    obligation: Obligation = next(owed for owed in entry.obligations if owed.id == row["obligation_id"])
    steps = list(zip(row["states"] or [], row["times"] or [], row["owners"] or [], strict=True))
    state = highest({reached for reached, _, _ in steps})
    since = next((time for reached, time, _ in steps if reached == state), entry.time)
    owner = next(((name, time) for reached, time, name in reversed(steps) if reached == ASSIGNED), (None, None))
    in_queue = is_queue(obligation.recipient)
    queued_at = next((time for reached, time, _ in steps if reached == QUEUED), None)
    return ObligationState(
        obligation=obligation,
        entry_id=entry.id,
        entry_type=entry.type,
        position=entry.position,
        child=entry.subjects[0].ref if entry.subjects else None,
        state=state.value,
        since=since if state is not LadderState.OWED else entry.time,
        queued=in_queue or (queued_at is not None and state.value not in SETTLED),
        owner=owner[0],
        owner_since=owner[1],
        outcome=_outcome(row["decision"]),
    )


def _outcome(decision: bytes | None) -> str | None:
    outcome = parse_entry(decision).facts.get("outcome") if decision is not None else None
    return outcome if isinstance(outcome, str) else None
