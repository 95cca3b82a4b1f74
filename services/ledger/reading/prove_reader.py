"""Proving a reader: the ledger verifies the reader's own signature again, whoever brings it (G13)."""

from services.ledger.domain.sequencing import NonceReplayed
from services.ledger.reading.part_in_case import Reader
from shared.clock import Clock
from shared.errors import NotPermitted
from shared.ledger.reading_messages import SignedRead
from shared.ledger.registry_copy import RegistryCopy
from shared.signatures.evidence import SignedRequest, verify_evidence
from shared.signatures.keys import public_key_from_jwk
from shared.signatures.request_signature import READ_COMPONENTS, WRITE_COMPONENTS
from shared.signatures.signature_parameters import OLDEST_S, SKEW_S

MARGIN_S = 60.0
"""What a request may take from the gateway's check to this one."""

REPLAYED = NonceReplayed(
    "the nonce of this signature has been seen before", remedy="Sign each request anew, with a new nonce."
)


class NotTheReaders(NotPermitted):
    """What is asked for is not what the reader signed, or the reader is not who is said."""

    code = "signature-invalid"


class ReaderProver:
    """Proves readers. The gateway opens nothing by itself: what it asks for, an agency has just signed for."""

    def __init__(self, *, registry: RegistryCopy, clock: Clock, real_clock: Clock) -> None:
        self._registry = registry
        self._real_clock = real_clock
        self._clock = clock

    async def prove(self, signed: SignedRead) -> Reader:
        """Return who reads, as registered now. That the nonce is new is for the record of the look to decide.

        Raises UnknownKey, KeyRevoked, KeyNotValid, NotTheReaders, Unavailable and what a signature is refused with.
        """
        await self._registry.refresh()
        registered = self._registry.current.key_valid_at(signed.key, at=self._clock.now())
        agency = self._registry.current.agencies.get(registered.agency)
        if agency is None or agency.agency != signed.agency:
            raise NotTheReaders("the key belongs to another agency than is said to read")
        required = WRITE_COMPONENTS if signed.body else READ_COMPONENTS
        request = verify_evidence(signed.evidence, key=public_key_from_jwk(registered.jwk), required=required)
        if signed.body:
            request.check_body(signed.body)
        _check_same(signed, request)
        age_s = self._real_clock.now().timestamp() - request.created
        if not -SKEW_S - MARGIN_S <= age_s <= OLDEST_S + MARGIN_S:
            raise NotTheReaders("what the reader signed is too old to be read by now")
        return Reader(agency.agency, agency.acts_for)


def _check_same(signed: SignedRead, request: SignedRequest) -> None:
    path, _, query = signed.target.partition("?")
    covered = tuple(request.components[name] for name in ('"@method"', '"@path"', '"@query"'))
    if covered != (signed.method, path, f"?{query}") or request.nonce != signed.nonce:
        raise NotTheReaders("what is to be read is not what the reader signed for")
