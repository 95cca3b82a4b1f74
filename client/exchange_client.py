"""A client of the exchange for agencies' systems: sign, send, retry without harm, and check what comes back."""

import asyncio
import random
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import aiohttp
import orjson
from yarl import URL

from client.amending import amendment_path
from client.answer import Answer, read_answer, read_problem, unless_refused
from client.errors import NotReached, Problem, Refused, Unproven
from client.exchange_keys import NOT_TAKEN, ExchangeKeys, OwnKeys, read_keys
from client.own_key import own_key_record
from client.retrying import NEVER_AGAIN, TRY_AGAIN, Retrying, retry_after_s
from shared.canonical_json import Json
from shared.clock import Clock, SystemClock
from shared.errors import ExchangeError
from shared.signatures.authority import authority_of
from shared.signatures.content_digest import content_digest, verify_content_digest
from shared.signatures.keys import SigningKey
from shared.signatures.message import RequestParts, ResponseParts, Tag
from shared.signatures.request_signature import sign_request
from shared.signatures.response_signature import response_key_id, verify_response

__all__ = ["Answer", "ExchangeClient", "ExchangeKeys", "read_keys"]


@dataclass(frozen=True, slots=True)
class _Request:
    """What is to be sent, however often."""

    method: str
    path: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def idempotency_key(self) -> str | None:
        return self.headers.get("idempotency-key")


@dataclass(frozen=True, slots=True)
class _NotNow:
    """An attempt after which to try again. ``reached`` is whether the request may have been recorded all the same."""

    said: str
    reached: bool
    retry_after_s: float | None = None
    problem: Problem | None = None


class ExchangeClient:
    """Sends an agency's signed requests. Safe to use from many tasks of one event loop.

    A request is sent again, signed anew with the same idempotency key, while the exchange does not answer or says
    that it cannot now: that can never record it twice. No answer is believed, not even a refusal, unless the exchange
    signed it for this very request.

    ``key`` may be several, the preferred first, while one takes over from another. Without ``keys`` the client trusts
    those that the exchange publishes at first use: fetch them once over a channel you trust, and give them.
    ``headers`` go with every signed request beside what is signed, such as a sandbox's ``Sandbox-Fault``.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: SigningKey | Sequence[SigningKey],
        keys: ExchangeKeys | None = None,
        clock: Clock | None = None,
        retrying: Retrying | None = None,
        timeout_s: float = 20.0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._headers = dict(headers or {})
        self._base = base_url.rstrip("/")
        self._authority = authority_of(self._base)
        self._own = OwnKeys([key] if isinstance(key, SigningKey) else key)
        self._keys = keys
        self._clock = clock or SystemClock()
        self._retrying = retrying or Retrying()
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

    async def assess(self, record: Mapping[str, Json]) -> Answer:
        """Ask what recording a share or a withholding would do; nothing is recorded. Raises Refused or NotReached."""
        return await self.post("/v1/assessments", record)

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

    async def correct(
        self, entry_id: str, correction: Mapping[str, Json], *, of: str = "share", idempotency_key: str | None = None
    ) -> Answer:
        """Correct a record of one's own: ``of`` is share, withholding or whereabouts. Raises Refused or NotReached."""
        return await self.post(amendment_path("correct", entry_id, of=of), correction, idempotency_key=idempotency_key)

    async def retract(
        self, entry_id: str, retraction: Mapping[str, Json], *, of: str = "share", idempotency_key: str | None = None
    ) -> Answer:
        """Take back a record of one's own. Raises Refused or NotReached."""
        return await self.post(amendment_path("retract", entry_id, of=of), retraction, idempotency_key=idempotency_key)

    async def dispute(
        self, entry_id: str, dispute: Mapping[str, Json], *, of: str = "share", idempotency_key: str | None = None
    ) -> Answer:
        """Have it kept beside a record that somebody says it is not so. Raises Refused or NotReached."""
        return await self.post(amendment_path("dispute", entry_id, of=of), dispute, idempotency_key=idempotency_key)

    async def withdraw_consent(
        self, entry_id: str, withdrawal: Mapping[str, Json], *, idempotency_key: str | None = None
    ) -> Answer:
        """Record that consent to a share was withdrawn; the share stands. Raises Refused or NotReached."""
        return await self.post(
            amendment_path("withdraw-consent", entry_id), withdrawal, idempotency_key=idempotency_key
        )

    async def registration(self) -> Answer:
        """Return how one's own agency is registered, with its keys. Raises Refused or NotReached."""
        return await self.get("/v1/agency")

    async def add_key(
        self, new: SigningKey, *, valid_from: str | None = None, valid_until: str | None = None
    ) -> Answer:
        """Add a key to one's own agency's, with proof that one holds it. To repeat it does no harm.

        Signs by the key that this client has; a client that is given both then signs by whichever is preferred.
        Raises Refused or NotReached.
        """
        agency = str((await self.registration()).content["agency"])
        record = own_key_record(new, agency=agency, valid_from=valid_from, valid_until=valid_until)
        return await self.post("/v1/agency/keys", record)

    async def revoke_key(self, key: str, *, reason: str = "rotated", compromised_from: str | None = None) -> Answer:
        """Revoke an own key, for good; ``compromised`` without a moment: since first valid. Raises as add_key does."""
        record: dict[str, Json] = {"reason": reason, "compromised_from": compromised_from}
        return await self.post(f"/v1/agency/keys/{key}/revocations", record)

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
        request, keys = _Request(method, path, body, headers), await self.keys()
        attempt, reached, keys_left = 0, False, self._own.count - 1
        while True:
            signer = self._own.signing
            try:
                came = await self._send_once(request, signer, keys)
            except Refused as refusal:
                if refusal.problem.code not in NOT_TAKEN or not keys_left:
                    raise
                keys_left -= 1
                self._own.not_taken(signer)
                continue
            if isinstance(came, Answer):
                return came
            reached = reached or came.reached
            wait_s = self._retrying.wait_s(attempt, jitter=random.random(), retry_after_s=came.retry_after_s)  # noqa: S311
            if wait_s is None:
                raise NotReached(
                    came.said,
                    outcome_unknown=reached and method == "POST",
                    idempotency_key=request.idempotency_key,
                    retry_after_s=came.retry_after_s,
                    problem=came.problem,
                )
            await asyncio.sleep(wait_s)
            attempt += 1

    async def _send_once(self, request: _Request, signer: SigningKey, keys: ExchangeKeys) -> Answer | _NotNow:
        unsigned = RequestParts(request.method, self._authority, request.path.encode("ascii"), request.headers)
        signature = sign_request(
            unsigned,
            key=signer,
            tag=Tag.REQUEST,
            created=int(self._clock.now().timestamp()),
            nonce=secrets.token_urlsafe(16),
            has_body=request.method == "POST",
        )
        signed = RequestParts(
            unsigned.method, unsigned.authority, unsigned.raw_target, {**request.headers, **signature}
        )
        try:
            async with self._session.request(
                request.method,
                URL(self._base + request.path, encoded=True),  # as it was signed, never quoted anew
                data=request.body or None,
                headers={**self._headers, **signed.headers},
                allow_redirects=False,
            ) as response:
                received = await response.read()
                headers = {name.lower(): value for name, value in response.headers.items()}
                status = response.status
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return _NotNow("the exchange cannot be reached", reached=False)
        except (aiohttp.ClientError, TimeoutError):
            return _NotNow("the exchange did not answer", reached=True)
        try:
            self._check(ResponseParts(status, headers), received, signed, keys)
        except ExchangeError as error:
            if status in TRY_AGAIN:
                after_s = retry_after_s(headers.get("retry-after"))
                return _NotNow(
                    f"what stands before the exchange answered {status}", reached=True, retry_after_s=after_s
                )
            raise Unproven(
                f"the answer ({status}) is not proven to be the exchange's: {error.detail}",
                remedy="Check the address, and the exchange's keys. To send the same again is safe.",
                outcome_unknown=request.method == "POST",
                idempotency_key=request.idempotency_key,
            ) from error
        answer = read_answer(status, received)
        problem = read_problem(answer)
        if status not in TRY_AGAIN or problem.code in NEVER_AGAIN:
            return unless_refused(answer)
        return _NotNow(
            f"the exchange cannot now: {status} {problem.code}",
            # It answers 429 before it looks at a record; what else it cannot do now it may have done in part.
            reached=status != 429,
            retry_after_s=retry_after_s(headers.get("retry-after")),
            problem=problem,
        )

    def _check(self, response: ResponseParts, body: bytes, request: RequestParts, keys: ExchangeKeys) -> None:
        verify_content_digest(response.headers.get("content-digest"), body)
        key = keys.answer_keys.get(response_key_id(response))
        if key is None:
            raise Unproven("it is signed by a key that is not the exchange's")
        verify_response(response, request=request, key=key, now=self._clock.now())
