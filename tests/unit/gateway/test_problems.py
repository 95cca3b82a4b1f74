"""What a problem says of what was to be recorded, and what its sender can do about it."""

import orjson
import pytest

from services.gateway.api.problem_types import PROBLEMS
from services.gateway.api.problems import GatewayFailed, outcome_of, problem_body
from services.ledger.audit.damage import damaged
from shared.errors import ExchangeError, IntegrityFailure, Unavailable

AGAIN = "Send the same again with the same Idempotency-Key: it is recorded once at most."


def told(error: ExchangeError) -> tuple[str | None, str]:
    """The outcome and the remedy."""
    problem = orjson.loads(problem_body(error, outcome=outcome_of(error)))
    return problem.get("outcome"), problem["remedy"]


def test_nobody_is_asked_to_repeat_what_a_damaged_ledger_cannot_answer() -> None:
    assert told(damaged("entry 7 is not as it was")) == (None, PROBLEMS["ledger-damaged"].cure)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (GatewayFailed("something failed here"), AGAIN),
        (IntegrityFailure("what is stored contradicts itself", remedy="Call us."), f"Call us. {AGAIN}"),
        (Unavailable("no answer", outcome_unknown=True), AGAIN),
        (Unavailable("full", remedy="Wait a minute.", outcome_unknown=True), f"Wait a minute. {AGAIN}"),
        # One that says so itself does not say it twice.
        (Unavailable("x", remedy="Repeat it with its Idempotency-Key.", outcome_unknown=True), None),
    ],
)
def test_what_may_have_been_recorded_is_to_be_sent_again_beside_what_else_helps(
    error: ExchangeError, remedy: str | None
) -> None:
    assert told(error) == ("unknown", remedy or error.remedy)


def test_what_was_not_recorded_has_the_remedy_of_its_error_or_of_its_kind() -> None:
    assert told(Unavailable("full", remedy="Wait a minute.")) == (None, "Wait a minute.")
    assert told(Unavailable("full")) == (None, PROBLEMS["unavailable"].cure)
