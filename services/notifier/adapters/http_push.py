"""Pushing over HTTP: signed, bounded, to checked addresses, and believed only when the answer is signed."""

import ipaddress
import secrets
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from services.notifier.adapters.name_lookup import LookUp, NameResolver, look_up
from services.notifier.ports import DELIVERED, RECEIVED, PushOutcome
from shared.clock import Clock
from shared.errors import ExchangeError, InvalidInput
from shared.identifiers import ObligationId
from shared.ledger.registry import EndpointFacts
from shared.signatures.authority import authority_of, target_of
from shared.signatures.content_digest import content_digest, verify_content_digest
from shared.signatures.keys import SigningKey, public_key_from_jwk
from shared.signatures.message import RequestParts, ResponseParts, Tag
from shared.signatures.receipt_evidence import receipt_evidence
from shared.signatures.request_signature import sign_request
from shared.signatures.response_signature import verify_response
from shared.signatures.standard_webhooks import sign_webhook

LARGEST_RESPONSE_BYTES = 64 * 1024


class AddressRefused(InvalidInput):
    """An endpoint's address is private, and this installation does not push to private addresses."""

    code = "address-refused"


class HttpPush:
    """Sends events. One instance for a process; ``close`` it at the end.

    A push waits for no other, so that its time is all its own: who sends them sees to how many are under way to a host.
    """

    def __init__(
        self,
        *,
        key: SigningKey,
        clock: Clock,
        timeout_s: float,
        private_addresses: "PrivateAddresses",
        authority_file: Path | None = None,
        look_up: LookUp = look_up,
    ) -> None:
        self._key = key
        self._clock = clock
        self._private = private_addresses
        context: ssl.SSLContext | bool = True
        if authority_file is not None:
            context = ssl.create_default_context(cafile=str(authority_file))
        resolver = NameResolver(check=private_addresses.check, timeout_s=timeout_s, look_up=look_up)
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            connector=aiohttp.TCPConnector(ssl=context, resolver=resolver, limit=0, limit_per_host=0),
            auto_decompress=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def send(
        self, endpoint: EndpointFacts, *, obligation: ObligationId, body: bytes, headers: Mapping[str, str]
    ) -> PushOutcome:
        """Return what came of one attempt. Never raises because of anything the other side does.

        ``not_connected``, ``tls_failed`` and ``address_refused`` say that nothing was sent; after ``timed_out`` and
        ``answer_lost`` nobody knows whether it arrived.
        """
        try:
            self._private.check_literal(urlsplit(endpoint.url).hostname or "")
            request = self._signed_request(endpoint, obligation=obligation, body=body, headers=headers)
        except AddressRefused:
            return PushOutcome("address_refused")
        except (ValueError, ExchangeError):
            return PushOutcome("not_connected")
        try:
            async with self._session.post(
                endpoint.url, data=body, headers=dict(request.headers), allow_redirects=False
            ) as response:
                received = await _up_to_limit(response.content)
                answer = ResponseParts(
                    response.status, {name.lower(): value for name, value in response.headers.items()}
                )
        except AddressRefused:
            return PushOutcome("address_refused")
        except TimeoutError:
            return PushOutcome("timed_out")
        except aiohttp.ClientSSLError:
            return PushOutcome("tls_failed")
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            return PushOutcome("not_connected")
        except (aiohttp.ClientError, OSError, ValueError):
            return PushOutcome("answer_lost")
        return self._judge(endpoint, request, answer, received)

    def _signed_request(
        self, endpoint: EndpointFacts, *, obligation: ObligationId, body: bytes, headers: Mapping[str, str]
    ) -> RequestParts:
        now_s = int(self._clock.now().timestamp())
        unsigned = {
            **headers,
            "content-digest": content_digest(body),
            "idempotency-key": obligation,
            **sign_webhook(body, message_id=obligation, timestamp_s=now_s, key=self._key),
        }
        parts = RequestParts("POST", authority_of(endpoint.url), target_of(endpoint.url), unsigned)
        signature = sign_request(
            parts, key=self._key, tag=Tag.PUSH, created=now_s, nonce=secrets.token_urlsafe(16), has_body=True
        )
        return RequestParts(parts.method, parts.authority, parts.raw_target, {**unsigned, **signature})

    def _judge(
        self, endpoint: EndpointFacts, request: RequestParts, answer: ResponseParts, received: bytes
    ) -> PushOutcome:
        if answer.status >= 300:
            kind = "redirect_refused" if answer.status < 400 else "refused" if answer.status < 500 else "failed"
            return PushOutcome(kind, answer.status)
        if len(received) > LARGEST_RESPONSE_BYTES:
            return PushOutcome(DELIVERED, answer.status)
        try:
            verify_content_digest(answer.headers.get("content-digest"), received)
            verify_response(answer, request=request, key=public_key_from_jwk(endpoint.jwk), now=self._clock.now())
        except ExchangeError:
            # A 2xx says that something took it; only the recipient's own key says who.
            return PushOutcome(DELIVERED, answer.status)
        return PushOutcome(RECEIVED, answer.status, receipt_evidence(answer, request=request))


async def _up_to_limit(content: aiohttp.StreamReader) -> bytes:
    """Return all that was answered, or one byte more than may be: a single read may give only what has arrived."""
    received = b""
    while more := await content.read(LARGEST_RESPONSE_BYTES + 1 - len(received)):
        received += more
    return received


class PrivateAddresses:
    """Whether pushes may go to loopback and private addresses: on one machine, or in a closed network."""

    def __init__(self, *, allowed: bool) -> None:
        self.allowed = allowed

    def check_literal(self, host: str) -> None:
        """Raise AddressRefused for an address that is written out and not allowed; names are checked when resolved."""
        if _is_literal(host):
            self.check(host)

    def check(self, address: str) -> None:
        """Raise AddressRefused for an address that is not allowed."""
        if not self.allowed:
            check_address(address)


def check_address(address: str) -> None:
    """Raise AddressRefused unless an address is public."""
    if not ipaddress.ip_address(address.split("%")[0]).is_global:
        raise AddressRefused("the endpoint's address is not a public one")


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
