"""What a deployment MUST answer, examined from outside with one registered key. A few test concerns stay there."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
import orjson

from client.answer import verify_receipt
from client.exchange_keys import ExchangeKeys, read_keys
from conformance.musts import Must, Verdict, examine, expect
from shared.canonical_json import Json
from shared.signatures.content_digest import content_digest, verify_content_digest
from shared.signatures.keys import SigningKey, generate_signing_key
from shared.signatures.message import RequestParts, ResponseParts, Tag
from shared.signatures.request_signature import sign_request
from shared.signatures.response_signature import response_key_id, verify_response

TIMEOUT_S = 30.0
RECORD: Mapping[str, Json] = {
    "format": "safeguarding-exchange/share/v1",
    "practitioner": {"name": "Marian Oduya-Finch", "role": "designated safeguarding lead"},
    "child": {"family_name": "Conformance-Test", "given_names": "Ellis", "address": {"authority": "E06000005"}},
    "concern": {"level": "early_help", "seen_or_said": "This is a test of conformance. No child is meant."},
    "rationale": "To see whether a deployment answers as it must.",
}


@dataclass(frozen=True, slots=True)
class Came:
    """An answer as it came, with the request that it must be bound to."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    request: RequestParts

    @property
    def problem(self) -> str:
        """The code of the problem document that it is, or nothing."""
        try:
            said = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return ""
        return str(said.get("type", "")).rpartition("/")[2] if isinstance(said, dict) else ""


@dataclass(frozen=True, slots=True)
class Sending:
    """What differs in one request from a good one. ``unsigned`` are headers put in after signing; "" takes one out."""

    body: bytes = b""
    idempotency_key: str | None = None
    key: SigningKey | None = None
    created: datetime | None = None
    nonce: str | None = None
    tag: Tag = Tag.REQUEST
    target: str = "/v1/shares"
    unsigned: Mapping[str, str] | None = None


async def examine_gateway(base_url: str, *, key: SigningKey) -> list[Verdict]:
    """Return what became of each MUST at a deployment where ``key`` is registered."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
        examiner = _Examiner(session, base_url.rstrip("/"), key)
        return [await examine(must, getattr(examiner, name)) for must, name in _EXAMINED.items()]


_API, _RFC9421 = "docs/api.md", "RFC 9421"
_EXAMINED: Mapping[Must, str] = {
    Must("G-01", "A deployment accepts a good share with 201 and a signed answer bound to it.", _API): "accepts",
    Must("G-02", "The answer's receipt proves offline that the entry is in the log.", "C2SP tlog-proof"): "proves",
    Must("G-03", "The same bytes under the same key get the same answer, whoever signs them anew.", _API): "repeats",
    Must("G-04", "Other bytes under a used key are refused with 409.", _API): "tells_conflicts",
    Must("G-05", "A nonce is taken once.", _API): "takes_nonces_once",
    Must("G-06", "A request without a signature is refused with 401.", _API): "demands_signatures",
    Must("G-07", "A body that is not the one digested is refused with 400.", "RFC 9530"): "checks_digests",
    Must(
        "G-08", "A signature by another key under a registered keyid is refused with 401.", _RFC9421
    ): "checks_signatures",
    Must("G-09", "A key that is not registered is refused with 401.", _API): "knows_keys",
    Must("G-10", "A signature older than 300 s is refused with 401.", _API): "refuses_stale",
    Must("G-11", "A signature made for another purpose is refused with 401.", _RFC9421): "checks_tags",
    Must("G-12", "A header that was changed after signing is refused with 401.", _RFC9421): "checks_components",
    Must(
        "G-13", "A concern with nothing but a place and a sentence is accepted, with advice.", _API
    ): "refuses_no_concern",
    Must("G-14", "An authority that nobody knows is put to a person, never refused.", _API): "puts_to_a_person",
    Must("G-15", "A district is never told as children's social care; its county is.", _API): "routes_districts",
    Must("G-16", "A withholding for a misconception is recorded and challenged.", _API): "challenges",
    Must("G-17", "A refusal is a signed problem document that says what to do.", "RFC 9457"): "explains",
    Must("G-18", "An answer repeats nothing of what was sent in confidence.", _API): "repeats_nothing",
    Must("G-19", "What became of a record is told to its sender, and to no stranger.", _API): "tells_the_sender",
    Must("G-20", "A body that is not JSON is refused with 400, and one over 256 KiB with 413.", _API): "bounds_bodies",
}
GATEWAY_MUSTS = tuple(_EXAMINED)


class _Examiner:
    """Sends good and bad requests, each under its own idempotency key."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, key: SigningKey) -> None:
        self._session = session
        self._base = base_url
        self._authority = base_url.partition("://")[2].lower()
        self._key = key
        self._keys: ExchangeKeys | None = None

    async def accepts(self) -> None:
        came = await self._send(_record())
        expect(came.status == 201, f"{came.status} {came.problem}")
        await self._check_signed(came)

    async def proves(self) -> None:
        came = await self._send(_record())
        verify_receipt(came.body, await self._published())

    async def repeats(self) -> None:
        sending = _record(idempotency_key=secrets.token_hex(8))
        first, again = await self._send(sending), await self._send(sending)
        expect(first.status == again.status == 201, f"{first.status}, then {again.status}")
        expect(first.body == again.body, "another body the second time")

    async def tells_conflicts(self) -> None:
        key = secrets.token_hex(8)
        await self._send(_record(idempotency_key=key))
        await self._expect(_record(idempotency_key=key, rationale="another"), 409, "idempotency-key-reused")

    async def takes_nonces_once(self) -> None:
        nonce = secrets.token_urlsafe(16)
        await self._send(_record(nonce=nonce))
        await self._expect(_record(nonce=nonce), 401, "nonce-replayed")

    async def demands_signatures(self) -> None:
        await self._expect(_record(unsigned={"signature": "", "signature-input": ""}), 401, "signature-missing")

    async def checks_digests(self) -> None:
        other = content_digest(b"another body")
        await self._expect(_record(unsigned={"content-digest": other}), 400, "digest-mismatch")

    async def checks_signatures(self) -> None:
        good, stranger = await self._signed(_record()), generate_signing_key()
        forged = await self._signed(_record(key=stranger))
        came = await self._post(good, {**good.headers, "signature": forged.headers["signature"]}, _record().body)
        expect((came.status, came.problem) == (401, "signature-invalid"), f"{came.status} {came.problem}")

    async def knows_keys(self) -> None:
        await self._expect(_record(key=generate_signing_key()), 401, "unknown-key")

    async def refuses_stale(self) -> None:
        await self._expect(_record(created=datetime.now(UTC) - timedelta(seconds=310)), 401, "signature-stale")

    async def checks_tags(self) -> None:
        await self._expect(_record(tag=Tag.PUSH), 401, "signature-tag")

    async def checks_components(self) -> None:
        await self._expect(_record(unsigned={"idempotency-key": secrets.token_hex(8)}), 401, "signature-invalid")

    async def refuses_no_concern(self) -> None:
        body = {"concern": {"seen_or_said": "A test."}, "place": {"description": "by the river"}}
        came = await self._send(Sending(orjson.dumps(body)))
        expect(came.status == 201, f"{came.status} {came.problem}")
        expect(orjson.loads(came.body)["advice"], "no advice on what is missing")

    async def puts_to_a_person(self) -> None:
        told = await self._told(_record(child={"family_name": "Conformance-Test"}, recipients=["E99999999"]))
        expect(any(each.startswith("queue:") for each in told), f"told: {sorted(told)}")

    async def routes_districts(self) -> None:
        told = await self._told(
            _record(
                child={"family_name": "Conformance-Test", "address": {"authority": "E07000012"}},
                concern={"level": "child_in_need", "seen_or_said": "A test."},
            )
        )
        expect("authority:E10000003" in told and "authority:E07000012" not in told, f"told: {sorted(told)}")

    async def challenges(self) -> None:
        body = {**RECORD, "format": "safeguarding-exchange/withholding/v1", "reasons": ["gdpr"]}
        came = await self._send(Sending(orjson.dumps(body), target="/v1/withholdings"))
        expect(came.status == 201, f"{came.status} {came.problem}")
        expect(orjson.loads(came.body)["challenges"], "no challenge")

    async def explains(self) -> None:
        came = await self._send(Sending(b"{}"))
        expect(came.status == 422 and came.problem, f"{came.status} {came.problem}")
        expect(orjson.loads(came.body).get("remedy"), "no remedy")
        await self._check_signed(came)

    async def repeats_nothing(self) -> None:
        secret = secrets.token_hex(8)
        came = await self._send(_record(rationale=f"In confidence: {secret}"))
        expect(secret.encode() not in came.body and secret not in repr(came.headers), "it was repeated")

    async def tells_the_sender(self) -> None:
        entry = orjson.loads((await self._send(_record())).body)["id"]
        mine = await self._get(f"/v1/shares/{entry}", self._key)
        expect(mine.status == 200, f"{mine.status} to its sender")
        stranger = await self._get(f"/v1/shares/{entry}", generate_signing_key())
        expect(stranger.status == 401, f"{stranger.status} to a stranger")

    async def bounds_bodies(self) -> None:
        await self._expect(Sending(b"{not json"), 400, "not-json")
        await self._expect(Sending(orjson.dumps({"rationale": "x" * 300_000})), 413, "too-large")

    async def _expect(self, sending: Sending, status: int, problem: str) -> None:
        came = await self._send(sending)
        expect((came.status, came.problem) == (status, problem), f"{came.status} {came.problem}")

    async def _told(self, sending: Sending) -> set[str]:
        came = await self._send(sending)
        expect(came.status == 201, f"{came.status} {came.problem}")
        return {each["recipient"] for each in orjson.loads(came.body)["told"]}

    async def _published(self) -> ExchangeKeys:
        if self._keys is None:
            async with self._session.get(f"{self._base}/v1/keys") as response:
                self._keys = read_keys(orjson.loads(await response.read()))
        return self._keys

    async def _check_signed(self, came: Came) -> None:
        keys = (await self._published()).answer_keys
        verify_content_digest(came.headers.get("content-digest"), came.body)
        response = ResponseParts(came.status, came.headers)
        signer = keys.get(response_key_id(response))
        expect(signer is not None, "the answer's key is none that /v1/keys publishes")
        if signer is not None:
            verify_response(response, request=came.request, key=signer, now=datetime.now(UTC))

    async def _signed(self, sending: Sending) -> RequestParts:
        headers = {
            "content-type": "application/json",
            "content-digest": content_digest(sending.body),
            "idempotency-key": sending.idempotency_key or secrets.token_hex(8),
        }
        return self._with_signature("POST", sending.target, headers, sending)

    def _with_signature(self, method: str, target: str, headers: Mapping[str, str], sending: Sending) -> RequestParts:
        parts = RequestParts(method, self._authority, target.encode("ascii"), headers)
        signature = sign_request(
            parts,
            key=sending.key or self._key,
            tag=sending.tag,
            created=int((sending.created or datetime.now(UTC)).timestamp()),
            nonce=sending.nonce or secrets.token_urlsafe(16),
            has_body=method == "POST",
        )
        return RequestParts(method, self._authority, parts.raw_target, {**headers, **signature})

    async def _send(self, sending: Sending) -> Came:
        request = await self._signed(sending)
        headers = {name: value for name, value in {**request.headers, **(sending.unsigned or {})}.items() if value}
        return await self._post(request, headers, sending.body)

    async def _post(self, request: RequestParts, headers: Mapping[str, str], body: bytes) -> Came:
        url = self._base + request.raw_target.decode("ascii")
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            came = {name.lower(): value for name, value in response.headers.items()}
            return Came(response.status, came, await response.read(), request)

    async def _get(self, target: str, key: SigningKey) -> Came:
        request = self._with_signature("GET", target, {}, Sending(key=key))
        async with self._session.get(self._base + target, headers=request.headers) as response:
            came = {name.lower(): value for name, value in response.headers.items()}
            return Came(response.status, came, await response.read(), request)


def _record(
    *,
    idempotency_key: str | None = None,
    key: SigningKey | None = None,
    created: datetime | None = None,
    nonce: str | None = None,
    tag: Tag = Tag.REQUEST,
    unsigned: Mapping[str, str] | None = None,
    **members: Json,
) -> Sending:
    body = orjson.dumps({**RECORD, **members})
    return Sending(body, idempotency_key, key, created, nonce, tag, unsigned=unsigned)
