"""What becomes of a plan once it is committed: what the next batch must know of it, and what each is answered."""

from collections.abc import Mapping

from services.ledger.domain.plan import Becomes, GivenAnswer, Outcome, Plan, Recent, Repeat, SameAs, StoredAnswer
from shared.errors import ExchangeError
from shared.identifiers import Position
from shared.ledger.messages import Appended


def recent_of(plan: Plan) -> Recent:
    """Return what a plan adds, for the batch after it, whose look-up cannot see it yet.

    The answers' bodies are still to come: a plan is not signed before its turn.
    """
    return Recent(
        answers={
            planned.prepared.answer_token: (
                GivenAnswer(planned.entry.position, planned.entry.id, planned.prepared.request.answer.status),
                planned.prepared.said,
            )
            for planned in plan.entries
            if planned.answers
        },
        nonces=frozenset(
            planned.prepared.nonce_token for planned in plan.entries if planned.prepared.nonce_token is not None
        ),
        versions={subject.ref: subject.version for planned in plan.entries for subject in planned.entry.subjects},
        identified={
            identifier.token: planned.prepared.child_ref
            for planned in plan.entries
            for identifier in planned.new_identifiers
            if identifier.identifying and planned.prepared.child_ref is not None
        },
    )


def answer_to(
    outcome: Outcome, *, plan: Plan, bodies: Mapping[Position, bytes], bodies_before: Mapping[Position, bytes]
) -> Appended | ExchangeError:
    """Return what a requester is answered; the bodies are those of its batch and of the batch before."""
    match outcome:
        case Repeat(StoredAnswer() as stored):
            return Appended(stored.position, stored.status, stored.body, repeated=True)
        case Repeat(given):
            return Appended(given.position, given.status, bodies_before[given.position], repeated=True)
        case Becomes(ordinal) | SameAs(ordinal):
            planned = plan.entries[ordinal]
            position, status = planned.entry.position, planned.prepared.request.answer.status
            return Appended(position, status, bodies[position], repeated=isinstance(outcome, SameAs))
        case _:
            return outcome
