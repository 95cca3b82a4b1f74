"""A client of the exchange for agencies' systems: sign, send, retry without harm, and check what comes back."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import aiohttp
import orjson

from client.errors import NotReached, Problem, Refused
from shared.canonical_json import Json
from shared.clock import Clock, SystemClock
from shared.errors import InvalidInput
from shared.ledger.log_keys import parse_log_keys
from shared.signatures.authority import authority_of
from shared.signatures.content_digest import content_digest, verify_content_digest
from shared.signatures.keys import PublicKey, SigningKey, public_key_from_jwk
from shared.signatures.message import RequestParts, ResponseParts, Tag
from shared.signatures.request_signature import sign_request
from shared.signatures.response_signature import response_key_id, verify_response
from shared.transparency.checkpoint import Checkpoint
from shared.transparency.signed_note import Ed25519Verifier
from shared.transparency.tlog_proof import parse_proof, verify_proof

WAITS_S: Sequence[float] = (0.5, 1.0, 2.0, 4.0, 8.0)
_TRY_AGAIN = frozenset({502, 503, 504})


@dataclass(frozen=True, slots=True)
class ExchangeKeys:
    """The keys by which the exchange is known. Fetch them over a channel you trust, and keep them.

    While the log's key is rotated, both the old and the new one sign: fetch them again before the old one is retired,
    and keep the old one for the receipts it signed.
    """

    answer_keys: Mapping[str, PublicKey]
    log_keys: tuple[Ed25519Verifier, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose signature and digest were verified. ``body`` is kept as evidence, byte for byte."""

    status: int
    body: bytes
    content: Mapping[str, Json] = field(repr=False)

    def receipt_checkpoint(self, keys: ExchangeKeys) -> Checkpoint:
        """Return the signed checkpoint that proves, offline, that this answer's entry is in the ledger.

        Raises an IntegrityFailure when the receipt does not prove it, InvalidInput when there is none.
        """
        receipt = self.content.get("receipt")
        if not isinstance(receipt, dict):
            raise InvalidInput("the answer carries no receipt")
        leaf, proof = receipt["entry"].encode("utf-8"), receipt["proof"].encode("utf-8")
        return verify_proof(leaf, parse_proof(proof), keys.log_keys)


class ExchangeClient:
    """Sends an agency's signed requests. Safe to use from many tasks of one event loop.

    A request is sent again, signed anew with the same idempotency key, while the exchange does not answer or says
    that it cannot now: that can never record it twice.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: SigningKey,
        keys: ExchangeKeys | None = None,
        clock: Clock | None = None,
        waits_s: Sequence[float] = WAITS_S,
        timeout_s: float = 20.0,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._authority = authority_of(self._base)
        self._key = key
        self._keys = keys
        self._clock = clock or SystemClock()
        self._waits_s = waits_s
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=timeout_s), connector=aiohttp.TCPConnector(limit=256)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def keys(self) -> ExchangeKeys:
        """Return the exchange's keys: those given, else those it publishes (trust on first use)."""
        if self._keys is None:
            try:
                async with self._session.get(f"{self._base}/v1/keys") as response:
                    published = orjson.loads(await response.read())
            except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError) as error:
                raise NotReached(
                    f"the exchange's keys cannot be fetched from {self._base}",
                    remedy="Check the address, and that the exchange runs there.",
                ) from error
            self._keys = read_keys(published)
        return self._keys

    async def share(self, record: Mapping[str, Json], *, idempotency_key: str | None = None) -> Answer:
        """Post a share. Returns once it is durable, with its receipt. Raises Refused or NotReached."""
        return await self.post("/v1/shares", record, idempotency_key=idempotency_key)

    async def withhold(self, record: Mapping[str, Json], *, idempotency_key: str | None = None) -> Answer:
        """Post a decision to withhold. Raises Refused or NotReached."""
        return await self.post("/v1/withholdings", record, idempotency_key=idempotency_key)

    async def report_whereabouts(self, record: Mapping[str, Json], *, idempotency_key: str | None = None) -> Answer:
        """Post where a child is. Raises Refused or NotReached."""
        return await self.post("/v1/whereabouts", record, idempotency_key=idempotency_key)

    async def acknowledge(
        self, notification: str, record: Mapping[str, Json], *, idempotency_key: str | None = None
    ) -> Answer:
        """Acknowledge a notification as the authority it is for. Raises Refused or NotReached."""
        path = f"/v1/notifications/{notification}/acknowledgements"
        return await self.post(path, record, idempotency_key=idempotency_key)

    async def read_share(self, entry_id: str) -> Answer:
        """Return what became of a record of one's own. Raises Refused or NotReached."""
        return await self._send("GET", f"/v1/shares/{entry_id}", b"", {})

    async def get(self, path: str) -> Answer:
        """Return what stands at a path, with its query. Raises Refused or NotReached."""
        return await self._send("GET", path, b"", {})

    async def post(self, path: str, record: Mapping[str, Json], *, idempotency_key: str | None = None) -> Answer:
        """Post a record. Without an idempotency key a random one is used, which makes only this call's retries safe."""
        return await self.post_bytes(
            path, orjson.dumps(record), idempotency_key=idempotency_key or secrets.token_hex(16)
        )

    async def post_bytes(self, path: str, body: bytes, *, idempotency_key: str) -> Answer:
        """Post a body exactly as given. Raises Refused or NotReached."""
        headers = {
            "content-type": "application/json",
            "content-digest": content_digest(body),
            "idempotency-key": idempotency_key,
        }
        return await self._send("POST", path, body, headers)

    async def _send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        for wait_s in (*self._waits_s, None):
            try:
                answer = await self._send_once(method, path, body, headers)
            except (aiohttp.ClientError, TimeoutError) as error:
                if wait_s is None:
                    raise NotReached("the exchange did not answer") from error
            else:
                if answer.status not in _TRY_AGAIN or wait_s is None:
                    return _unless_refused(answer)
            await asyncio.sleep(wait_s)
        raise NotReached("the exchange did not answer")

    async def _send_once(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        keys = await self.keys()
        parts = RequestParts(method, self._authority, path.encode("ascii"), headers)
        signed = {
            **headers,
            **sign_request(
                parts,
                key=self._key,
                tag=Tag.REQUEST,
                created=int(self._clock.now().timestamp()),
                nonce=secrets.token_urlsafe(16),
                has_body=method == "POST",
            ),
        }
        async with self._session.request(
            method, self._base + path, data=body or None, headers=signed, allow_redirects=False
        ) as response:
            received = await response.read()
            response_headers = {name.lower(): value for name, value in response.headers.items()}
            status = response.status
        if status not in _TRY_AGAIN and "signature" in response_headers:
            request = RequestParts(method, self._authority, path.encode("ascii"), signed)
            self._check(ResponseParts(status, response_headers), received, request, keys)
        elif status < 300:
            raise NotReached("the answer is not signed: it is not from the exchange")
        return Answer(status, received, _json_object(received))

    def _check(self, response: ResponseParts, body: bytes, request: RequestParts, keys: ExchangeKeys) -> None:
        verify_content_digest(response.headers.get("content-digest"), body)
        key = keys.answer_keys.get(response_key_id(response))
        if key is None:
            raise NotReached("the answer is signed by a key that is not the exchange's")
        verify_response(response, request=request, key=key, now=self._clock.now())


def read_keys(published: Mapping[str, Json]) -> ExchangeKeys:
    """Return the keys in the document that ``GET /v1/keys`` answers. Raises InvalidInput when it is not one."""
    try:
        keys = [public_key_from_jwk(jwk) for jwk in published["keys"]]  # type: ignore[union-attr,arg-type]
        listed = published.get("log_keys", [published["log"]])
        log_keys = parse_log_keys(str(line) for line in listed)  # type: ignore[union-attr]
    except (KeyError, TypeError) as error:
        raise InvalidInput("not the exchange's document of keys") from error
    return ExchangeKeys({key.thumbprint: key for key in keys}, log_keys)


def _unless_refused(answer: Answer) -> Answer:
    if answer.status < 300:
        return answer
    said = answer.content
    code = str(said.get("type", "")).rpartition("/")[2]
    raise Refused(
        Problem(
            answer.status, code, str(said.get("title", "")), str(said.get("detail", "")), str(said.get("remedy", ""))
        )
    )


def _json_object(body: bytes) -> Mapping[str, Json]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
