"""Whatever is sent in headers and bodies, the answer is one that docs/api.md names, and never that we failed.

The requests are the same on every run. Those that are signed are signed well, so that what is wrong with them is met
by what stands behind the signature.
"""

import json
import secrets
import string
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.gateway.api.problem_types import PROBLEMS
from shared.canonical_json import Json
from shared.signatures.content_digest import content_digest
from shared.signatures.message import RequestParts, Tag
from shared.signatures.request_signature import sign_request
from tests.machinery.exchange import SCHOOL, TestExchange
from tests.machinery.people import share

pytestmark = pytest.mark.asyncio(loop_scope="session")

SAME_EVERY_RUN = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FAILURE = "internal"

in_headers = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=60)
keys = st.text(string.ascii_lowercase + string.digits + "*-_.", min_size=1, max_size=8)
bare_items = st.one_of(
    st.integers(-(10**16), 10**16).map(str),
    st.decimals(-(10**13), 10**13, places=4, allow_nan=False).map(str),
    st.text(string.printable[:95], max_size=12).map(
        lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    ),
    st.binary(max_size=70).map(lambda octets: f":{orjson.dumps(octets.hex()).decode()[1:-1]}:"),
    st.sampled_from(["?0", "?1", "?2", "token", "*/x", "@1795520000", '%"caf%c3%a9"', ":", '"', "::", ":====:"]),
    st.sampled_from(['"@method"', '"@path";req', '"content-digest";sf', '"@query-param";name="a"', '"@status"']),
)
parameters = st.lists(
    st.tuples(keys | st.sampled_from(["created", "nonce", "keyid", "tag", "alg", "expires"]), bare_items)
).map(lambda pairs: "".join(f";{name}={value}" for name, value in pairs))
inner_lists = st.tuples(st.lists(st.tuples(bare_items, parameters).map("".join), max_size=8), parameters).map(
    lambda parts: f"({' '.join(parts[0])}){parts[1]}"
)
dictionaries = st.lists(
    st.tuples(st.just("sig1") | keys, inner_lists | bare_items).map("=".join), min_size=1, max_size=3
).map(", ".join)
headers = in_headers | dictionaries

texts = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    ["NOT_KNOWN", "\x00", "\u202e", "\ufeff", "\U0010ffff", "2026-02-30", "9" * 400, "\u0130\u017f", " \x1f"]
)
numbers = (
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([2**53, 2**64, -(2**63), 1e308])
)
anything = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
MEMBERS = [*share(), "verbal_at", "verbal_to", "advice_sought", "attachments", "incident_ref", "place", "recipients"]


async def send(exchange: TestExchange, body: bytes, changed: Mapping[str, str], path: str = "/v1/shares") -> None:
    """Send a signed request with some headers changed afterwards. Fails unless the answer is one that is documented."""
    sent = {
        "content-type": "application/json",
        "content-digest": content_digest(body),
        "idempotency-key": secrets.token_hex(8),
    }
    url = exchange.local.gateway_url
    sent |= sign_request(
        RequestParts("POST", urlsplit(url).netloc, path.encode(), sent),
        key=exchange.parties.key(SCHOOL),
        tag=Tag.REQUEST,
        created=int(datetime.now(UTC).timestamp()),
        nonce=secrets.token_urlsafe(16),
        has_body=True,
    )
    raw = {name: value.strip() for name, value in (sent | dict(changed)).items()}
    async with (
        aiohttp.ClientSession() as session,
        session.post(url + path, data=body, headers=raw) as response,
    ):
        answered = orjson.loads(await response.read())
    if response.status in (200, 201):
        return
    code = str(answered["type"]).removeprefix("/problems/")
    assert code in PROBLEMS
    assert code != FAILURE
    assert (answered["status"], response.status) == (PROBLEMS[code].status, PROBLEMS[code].status)
    assert response.status < 500


def changes(*names: str) -> st.SearchStrategy[dict[str, str]]:
    """Draw new values for some of these headers."""
    return st.dictionaries(st.sampled_from(names), headers, min_size=1)


@SAME_EVERY_RUN
@given(changed=changes("signature", "signature-input", "content-digest", "idempotency-key", "content-type"))
async def test_any_header_is_answered_by_a_documented_problem(exchange: TestExchange, changed: dict[str, str]) -> None:
    await send(exchange, orjson.dumps(share()), changed)


@SAME_EVERY_RUN
@given(body=st.binary(max_size=200) | texts.map(str.encode))
async def test_any_bytes_are_answered_by_a_documented_problem(exchange: TestExchange, body: bytes) -> None:
    await send(exchange, body, {})


@SAME_EVERY_RUN
@given(members=st.dictionaries(st.sampled_from(MEMBERS), anything, max_size=4))
async def test_any_json_in_any_member_is_recorded_or_answered_by_a_documented_problem(
    exchange: TestExchange, members: dict[str, Json]
) -> None:
    await send(exchange, json.dumps({**share(), **members}).encode(), {})


@SAME_EVERY_RUN
@given(text=texts, path=st.sampled_from(["/v1/shares", "/v1/assessments", "/v1/withholdings", "/v1/whereabouts"]))
async def test_any_text_where_text_belongs_is_taken(exchange: TestExchange, text: str, path: str) -> None:
    record: dict[str, Json] = {
        **share(),
        "reasons": [text],
        "rationale": text,
        "decided_at": text,
        "where": {"role": text, "authority": "E06000047", "lines": [text]},
        "recipients": [text],
    }
    await send(exchange, orjson.dumps(record), {}, path)


@SAME_EVERY_RUN
@given(
    escapes=st.lists(st.sampled_from(["\\ud800", "\\udfff", "\\u0000", "\\ud83d\\ude00", "\\x", "\\u12"]), min_size=1)
)
async def test_escapes_that_are_no_characters_are_answered_by_a_documented_problem(
    exchange: TestExchange, escapes: list[str]
) -> None:
    whole = orjson.dumps(share(rationale="HERE")).replace(b"HERE", "".join(escapes).encode())
    await send(exchange, whole, {})
