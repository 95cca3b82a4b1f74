"""Every error that the gateway or its signatures can raise has a problem type of its own, and every type its error."""

from collections.abc import Iterator

import services.gateway.bootstrap
import services.ledger.bootstrap
from services.gateway.api.problem_types import PROBLEMS
from shared.errors import ExchangeError


def errors(of: type[ExchangeError] = ExchangeError) -> Iterator[type[ExchangeError]]:
    """Give every kind of error there is once gateway and ledger are loaded."""
    for each in of.__subclasses__():
        yield each
        yield from errors(each)


LOADED = (services.gateway.bootstrap, services.ledger.bootstrap)
OF_THE_GATEWAY = ("services.gateway", "shared.signatures")


def test_every_error_of_the_gateway_has_a_problem_type() -> None:
    assert {each.code for each in errors() if each.__module__.startswith(OF_THE_GATEWAY)} <= PROBLEMS.keys()


def test_every_problem_type_is_the_code_of_an_error() -> None:
    assert PROBLEMS.keys() <= {each.code for each in errors()}
