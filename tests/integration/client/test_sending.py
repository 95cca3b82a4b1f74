"""The client against a server in the exchange's place, which answers well, badly or not at all."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import pytest

from client.blocking_client import BlockingExchangeClient
from client.errors import NotReached, Refused, Unproven
from client.exchange_keys import ExchangeKeys
from client.retrying import Retrying
from conformance.answering_server import (
    AGENCY,
    AGENCY_ECDSA,
    BAD_ANSWERS,
    BODY,
    EXCHANGE,
    EXCHANGE_ECDSA,
    Answer,
    Answering,
    Turns,
    hang_up,
    serving,
    sign_answer,
    sign_problem,
    unavailable,
)
from deploy.local.loopback_port import free_port
from shared.signatures.keys import SigningKey, generate_signing_key
from shared.signatures.message import RequestParts
from shared.signatures.request_signature import read_signature

AT_ONCE = Retrying(attempts=3, first_wait_s=0.0)
KEYS = ExchangeKeys({each.public.thumbprint: each.public for each in (EXCHANGE, EXCHANGE_ECDSA)}, ())
RECORD = {"rationale": "höchste Eile"}


@contextmanager
def client(
    url: str, *, key: SigningKey | Sequence[SigningKey] = AGENCY, retrying: Retrying = AT_ONCE
) -> Iterator[BlockingExchangeClient]:
    with closing(BlockingExchangeClient(url, key=key, keys=KEYS, retrying=retrying)) as opened:
        yield opened


def by_a_proxy(_request: RequestParts) -> Answer:
    return 502, {"content-type": "text/html"}, b"<h1>Bad Gateway</h1>"


@pytest.mark.parametrize("key", [AGENCY, AGENCY_ECDSA], ids=lambda key: str(key.public.algorithm))
def test_an_answer_that_is_signed_for_the_request_is_believed(key: SigningKey) -> None:
    with serving(sign_answer) as server, client(server.url, key=key) as exchange:
        answer = exchange.share(RECORD)
    assert (answer.status, answer.body) == (201, BODY)


@pytest.mark.parametrize("bad", BAD_ANSWERS)
def test_an_answer_that_proves_nothing_is_not_believed_even_when_it_says_no(bad: str) -> None:
    with (
        serving(BAD_ANSWERS[bad]) as server,
        client(server.url) as exchange,
        pytest.raises(Unproven) as unproven,
    ):
        exchange.share(RECORD, idempotency_key="case-1")
    assert (unproven.value.outcome_unknown, unproven.value.idempotency_key) == (True, "case-1")
    assert len(server.requests) == 1


@pytest.mark.parametrize("trouble", [unavailable, hang_up, by_a_proxy])
def test_it_tries_again_with_the_same_idempotency_key_signed_anew(trouble: Answering) -> None:
    with serving(Turns(trouble, trouble, sign_answer)) as server, client(server.url) as exchange:
        assert exchange.share(RECORD).status == 201
    assert len(server.requests) == 3
    assert len({request.headers["idempotency-key"] for request in server.requests}) == 1
    assert len({read_signature(request).nonce for request in server.requests}) == 3


@pytest.mark.parametrize("trouble", [unavailable, hang_up, by_a_proxy])
def test_what_may_have_been_recorded_is_said_to_be_unknown(trouble: Answering) -> None:
    with (
        serving(trouble) as server,
        client(server.url) as exchange,
        pytest.raises(NotReached) as silence,
    ):
        exchange.share(RECORD, idempotency_key="case-2")
    assert (silence.value.outcome_unknown, silence.value.idempotency_key) == (True, "case-2")
    assert len(server.requests) == 3


def test_what_was_never_sent_is_known_not_to_be_recorded() -> None:
    with client(f"http://127.0.0.1:{free_port()}") as exchange, pytest.raises(NotReached) as silence:
        exchange.share(RECORD)
    assert not silence.value.outcome_unknown


def test_what_was_turned_away_for_coming_too_often_is_known_not_to_be_recorded() -> None:
    def too_often(request: RequestParts) -> Answer:
        return sign_problem(request, status=429, code="too-often", more={"retry-after": "3600"})

    with (
        serving(too_often) as server,
        client(server.url) as exchange,
        pytest.raises(NotReached) as silence,
    ):
        exchange.share(RECORD)
    # An hour is longer than a request can wait: it is the caller's to wait, who is told for how long.
    assert (silence.value.outcome_unknown, silence.value.retry_after_s) == (False, 3600.0)
    assert silence.value.problem is not None
    assert silence.value.problem.code == "too-often"
    assert len(server.requests) == 1


def test_a_refusal_that_is_signed_is_not_asked_again() -> None:
    def no(request: RequestParts) -> Answer:
        return sign_problem(request, status=409, code="idempotency-key-reused")

    with serving(no) as server, client(server.url) as exchange, pytest.raises(Refused) as refused:
        exchange.share(RECORD)
    assert (refused.value.problem.code, refused.value.remedy) == ("idempotency-key-reused", "mend it")
    assert len(server.requests) == 1


def only_the_old_key(request: RequestParts) -> Answer:
    if read_signature(request).key_id == AGENCY.public.thumbprint:
        return sign_answer(request)
    return sign_problem(request, status=401, code="unknown-key")


def test_while_a_new_key_is_not_registered_the_old_one_signs_the_same_request() -> None:
    with serving(only_the_old_key) as server, client(server.url, key=[generate_signing_key(), AGENCY]) as exchange:
        assert exchange.share(RECORD).status == 201
        assert exchange.share(RECORD).status == 201
    assert [read_signature(each).key_id == AGENCY.public.thumbprint for each in server.requests] == [False, True, True]
    assert server.requests[0].headers["idempotency-key"] == server.requests[1].headers["idempotency-key"]


def test_when_no_key_is_taken_the_refusal_is_given() -> None:
    with (
        serving(only_the_old_key) as server,
        client(server.url, key=[generate_signing_key(), generate_signing_key()]) as exchange,
        pytest.raises(Refused) as refused,
    ):
        exchange.share(RECORD)
    assert refused.value.problem.code == "unknown-key"
    assert len(server.requests) == 2
