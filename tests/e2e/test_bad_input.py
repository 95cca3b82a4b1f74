"""Bad input answers by its own name, through the real gateway, and leaves nothing behind."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest

from shared.signatures.content_digest import content_digest
from shared.signatures.keys import SigningKey, generate_signing_key
from shared.signatures.message import RequestParts, Tag
from shared.signatures.request_signature import sign_request
from tests.machinery.exchange import NURSERY, SCHOOL, TestExchange
from tests.machinery.people import share

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass(frozen=True)
class Sent:
    """One request as a test sends it: in order unless something is made wrong."""

    body: bytes = field(default_factory=lambda: orjson.dumps(share()))
    key: SigningKey | None = None
    method: str = "POST"
    path: str = "/v1/shares"
    content_type: str = "application/json"
    created_ago_s: int = 0
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    idempotency_key: str = field(default_factory=lambda: secrets.token_hex(8))
    change_headers: Callable[[dict[str, str]], None] = lambda headers: None
    body_on_the_wire: bytes | None = None


async def send(exchange: TestExchange, sent: Sent) -> tuple[int, Mapping[str, object]]:
    """Send it, and return status and problem document."""
    headers = {
        "content-type": sent.content_type,
        "content-digest": content_digest(sent.body),
        "idempotency-key": sent.idempotency_key,
    }
    url = exchange.local.gateway_url
    signed = sign_request(
        RequestParts(sent.method, urlsplit(url).netloc, sent.path.encode(), headers),
        key=sent.key or exchange.parties.key(SCHOOL),
        tag=Tag.REQUEST,
        created=int(datetime.now(UTC).timestamp()) - sent.created_ago_s,
        nonce=sent.nonce,
        has_body=sent.method == "POST",
    )
    headers.update(signed)
    sent.change_headers(headers)
    body = sent.body if sent.body_on_the_wire is None else sent.body_on_the_wire
    async with (
        aiohttp.ClientSession(skip_auto_headers=["content-type"]) as session,
        session.request(sent.method, url + sent.path, data=body or None, headers=headers) as response,
    ):
        return response.status, orjson.loads(await response.read())


def uncover(component: str) -> Callable[[dict[str, str]], None]:
    """Return a change that takes a component out of what is said to be covered."""

    def change(headers: dict[str, str]) -> None:
        headers["signature-input"] = headers["signature-input"].replace(f'"{component}"', "").replace("  ", " ")
        headers["signature-input"] = headers["signature-input"].replace("( ", "(").replace(" )", ")")

    return change


def without(*names: str) -> Callable[[dict[str, str]], None]:
    """Return a change that leaves headers out."""

    def change(headers: dict[str, str]) -> None:
        for name in names:
            headers.pop(name, None)

    return change


def with_header(name: str, value: str) -> Callable[[dict[str, str]], None]:
    """Return a change that sends another value of a header."""

    def change(headers: dict[str, str]) -> None:
        headers[name] = value

    return change


REFUSED: dict[str, tuple[Sent, int, str]] = {
    "wrong digest": (Sent(body_on_the_wire=b'{"changed": true}'), 400, "digest-mismatch"),
    "no digest": (Sent(change_headers=without("content-digest")), 400, "digest-missing"),
    "not JSON": (Sent(body=b"{not json"), 400, "not-json"),
    "nothing at all": (Sent(body=b""), 400, "not-json"),
    "invalid UTF-8": (Sent(body=b'{"rationale": "\xff\xfe"}'), 400, "invalid-utf8"),
    "no idempotency key": (Sent(change_headers=without("idempotency-key")), 400, "idempotency-key-missing"),
    "not signed": (Sent(change_headers=without("signature", "signature-input")), 401, "signature-missing"),
    "unreadable signature": (Sent(change_headers=with_header("signature", "sig1=:?:")), 401, "signature-malformed"),
    "two signatures": (
        Sent(change_headers=lambda headers: headers.update({"signature": headers["signature"] + ", sig2=:AA==:"})),
        401,
        "signature-malformed",
    ),
    "unknown key": (Sent(key=generate_signing_key()), 401, "unknown-key"),
    "stale": (Sent(created_ago_s=600), 401, "signature-stale"),
    "from the future": (Sent(created_ago_s=-600), 401, "signature-stale"),
    "method not covered": (Sent(change_headers=uncover("@method")), 401, "signature-component-uncovered"),
    "digest not covered": (Sent(change_headers=uncover("content-digest")), 401, "signature-component-uncovered"),
    "key not covered": (Sent(change_headers=uncover("idempotency-key")), 401, "signature-component-uncovered"),
    "another idempotency key than signed": (
        Sent(change_headers=with_header("idempotency-key", "another")),
        401,
        "signature-invalid",
    ),
    "over the limit": (Sent(body=b'{"rationale":"' + b"x" * 262_144 + b'"}'), 413, "too-large"),
    "wrong content type": (Sent(content_type="text/plain"), 415, "wrong-content-type"),
    "wrong types": (Sent(body=b'{"child": {"family_name": 7}}'), 422, "wrong-types"),
    "not an object": (Sent(body=b"[]"), 422, "wrong-types"),
    "nobody and nowhere": (Sent(body=orjson.dumps(share({}))), 422, "nobody-and-nowhere"),
    "nothing in it": (
        Sent(body=orjson.dumps({"child": {"family_name": "Marrow-Tate"}})),
        422,
        "nothing-said",
    ),
    "unknown path": (Sent(path="/v1/nothing"), 404, "not-found"),
    "wrong method": (Sent(method="PUT"), 405, "method-not-allowed"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_each_kind_of_bad_input_is_refused_by_its_own_name_and_says_what_to_do(
    exchange: TestExchange, case: str
) -> None:
    sent, status, code = REFUSED[case]
    async with exchange.ledger() as ledger:
        before = (await ledger.tree_head()).size
        answered, problem = await send(exchange, sent)
        after = (await ledger.tree_head()).size
    assert (answered, problem["type"]) == (status, f"/problems/{code}")
    assert problem["detail"]
    assert problem["remedy"]
    records = [each for each in await exchange.entries() if each.position >= before and each.agency is not None]
    assert not records, f"{after - before} entries were added"


async def test_a_signature_by_another_registered_key_than_keyid_names_is_refused(exchange: TestExchange) -> None:
    other = exchange.parties.key(NURSERY)
    school = exchange.parties.key(SCHOOL)
    forged = replace(school, key=other.key)
    status, problem = await send(exchange, Sent(key=forged))
    assert (status, problem["type"]) == (401, "/problems/signature-invalid")


async def test_a_revoked_key_is_refused(exchange: TestExchange) -> None:
    key = generate_signing_key()
    async with exchange.operator() as operator:
        await operator.add_key(SCHOOL.id, key.public)
        status, answer = await send(exchange, Sent(key=key))
        assert status == 201, answer
        await operator.revoke_key(key.public.thumbprint, reason="lost", by="p.ellis")
    status, problem = await send(exchange, Sent(key=key))
    assert (status, problem["type"]) == (401, "/problems/key-revoked")


async def test_a_replayed_nonce_is_refused_and_a_retry_is_not(exchange: TestExchange) -> None:
    nonce = secrets.token_urlsafe(16)
    first = Sent(nonce=nonce)
    assert (await send(exchange, first))[0] == 201
    assert (await send(exchange, first))[0] == 201
    status, problem = await send(exchange, Sent(nonce=nonce))
    assert (status, problem["type"]) == (401, "/problems/nonce-replayed")


async def test_the_same_key_with_another_body_is_refused_and_the_attempt_recorded(exchange: TestExchange) -> None:
    key = secrets.token_hex(8)
    _, original = await send(exchange, Sent(idempotency_key=key))
    status, problem = await send(exchange, Sent(idempotency_key=key))
    assert (status, problem["type"]) == (409, "/problems/idempotency-key-reused")
    conflicts = [entry for entry in await exchange.entries() if entry.type == "request.conflicted"]
    assert original["id"] in conflicts[-1].causes


async def test_another_agencys_record_cannot_be_read(exchange: TestExchange) -> None:
    _, mine = await send(exchange, Sent())
    theirs = Sent(method="GET", path=f"/v1/shares/{mine['id']}", body=b"", key=exchange.parties.key(NURSERY))
    status, problem = await send(exchange, theirs)
    assert (status, problem["type"]) == (403, "/problems/not-your-record")
    assert (await send(exchange, replace(theirs, key=exchange.parties.key(SCHOOL), nonce=secrets.token_hex(16))))[
        0
    ] == 200


async def test_no_problem_document_repeats_what_was_sent(exchange: TestExchange) -> None:
    body = orjson.dumps({"child": {"family_name": ["Zebulon-Quartermaine"]}, "rationale": "Zebulon-Quartermaine"})
    _, problem = await send(exchange, Sent(body=body))
    assert "Zebulon" not in orjson.dumps(problem).decode()
