"""Admitting a signed request: whose it is, and that it is exactly what they signed, now."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from services.gateway.known_keys import KnownKeys
from services.gateway.limit_requests import Allowance, RequestLimits
from services.gateway.ports import Ledger
from shared.canonical_json import canonical_bytes
from shared.clock import Clock
from shared.identifiers import AgencyId, KeyThumbprint, Position
from shared.ledger.messages import AdmitRead
from shared.ledger.registry import AgencyFacts
from shared.signatures.content_digest import verify_content_digest
from shared.signatures.message import RequestParts, Tag
from shared.signatures.request_signature import read_signature, verify_request

NO_ALLOWANCE = Allowance()


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that is proven to be an agency's.

    ``evidence`` is what was signed and the signature, to be sealed beside the entry so that anybody with the right to
    open it can verify again. ``registry`` is the position of the registry it was checked against, ``agencies``
    are those that take part as of then. ``allowance`` is what is left of the agency's limits.
    """

    agency: AgencyFacts
    key: KeyThumbprint
    nonce: str
    evidence: bytes
    registry: Position
    agencies: Mapping[AgencyId, AgencyFacts] = field(default_factory=dict)
    allowance: Allowance = NO_ALLOWANCE

    @property
    def agency_id(self) -> AgencyId:
        """The agency that signed."""
        return self.agency.agency


def never(_body: bytes) -> bool:
    """Return that no body speaks of an immediate danger."""
    return False


class Admission:
    """Proves requests, then counts them. Digest before signature, and the registered algorithm, never the message's."""

    def __init__(self, *, known_keys: KnownKeys, ledger: Ledger, limits: RequestLimits, clock: Clock) -> None:
        self._known_keys = known_keys
        self._ledger = ledger
        self._limits = limits
        self._clock = clock

    async def admit_write(
        self, request: RequestParts, body: bytes, *, is_danger: Callable[[bytes], bool] = never
    ) -> Admitted:
        """Return whose request with a body this is; its nonce is judged by the ledger, with the idempotency key.

        Nobody uses up another's limit, since only what is proven is counted. Raises the SignatureErrors of
        ``shared.signatures``, UnknownKey, KeyRevoked, KeyNotValid, DigestMissing, DigestMismatch or RateLimited.
        """
        admitted = await self._admit(request, body)
        allowance = self._limits.take(admitted.agency, is_danger=lambda: is_danger(body))
        return replace(admitted, allowance=allowance)

    async def admit_read(self, request: RequestParts) -> Admitted:
        """Return whose request without a body this is, with its nonce used up. Raises the same, and NonceReplayed."""
        admitted = await self._admit(request, None)
        admitted = replace(admitted, allowance=self._limits.take_read(admitted.agency))
        await self._ledger.admit_read(AdmitRead(admitted.agency_id, admitted.key, admitted.nonce))
        return admitted

    async def _admit(self, request: RequestParts, body: bytes | None) -> Admitted:
        claimed = read_signature(request)
        registered, agency, public_key = await self._known_keys.key(claimed.key_id)
        if body is not None:
            verify_content_digest(request.headers.get("content-digest"), body)
        verified = verify_request(
            request, claimed, key=public_key, tag=Tag.REQUEST, now=self._clock.now(), has_body=body is not None
        )
        evidence = canonical_bytes(
            {
                "base": verified.base.decode("ascii"),
                "signature_input": request.headers["signature-input"],
                "signature": request.headers["signature"],
                "content_digest": request.headers.get("content-digest", ""),
            }
        )
        current = self._known_keys.registry.current
        return Admitted(agency, registered.thumbprint, verified.nonce, evidence, current.position, current.agencies)
