"""Proof that an auditor itself asked to open something: its own signature, which the ledger verifies again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from services.ledger.domain.callers import GATEWAY, CallerNotPermitted
from shared.clock import Clock
from shared.errors import InvalidInput, NotPermitted
from shared.ledger.audit_messages import SignedOpening
from shared.ledger.registry import Registry
from shared.signatures.evidence import verify_evidence
from shared.signatures.keys import public_key_from_jwk
from shared.vocabulary import AgencyRole, OpeningReason

Asked = TypeVar("Asked")


class NotAnAuditor(NotPermitted):
    """Who asked is not registered as an auditor."""

    code = "not-an-auditor"


class OpeningUnexplained(InvalidInput):
    """Sealed content is opened against a reason, never without."""

    code = "opening-unexplained"


@dataclass(frozen=True, slots=True)
class AuditorProver:
    """Judges what comes through the gateway, which holds no key that opens anything and cannot make one work either.

    ``registry`` gives the registry as far as the ledger has been released; reading it anew for each page of an audit
    would hold up the writer.
    """

    registry: Callable[[], Registry]
    clock: Clock

    def prove(self, signed: SignedOpening, *, target: str, shape: type[Asked]) -> Asked:
        """Return what an auditor asked for, once it is proven that it signed this, to be posted to ``target``.

        By the registry as the log has it. Raises NotAnAuditor, InvalidInput for a body that asks for nothing of that
        shape, what a signature can be refused with, and NotWriting when this process is not the writer.
        """
        registry = self.registry()
        registered = registry.key_valid_at(signed.key, at=self.clock.now())
        agency = registry.agencies.get(registered.agency)
        if agency is None or agency.agency != signed.agency or AgencyRole.AUDITOR.value not in agency.roles:
            raise NotAnAuditor("the agency that signed this is not registered as an auditor")
        request = verify_evidence(signed.evidence, key=public_key_from_jwk(registered.jwk))
        request.check_body(signed.body)
        covered = tuple(request.components[name] for name in ('"@method"', '"@path"', '"idempotency-key"'))
        if covered != ("POST", target, signed.idempotency_key) or signed.target != target:
            raise NotAnAuditor("what the auditor signed is not a request to open anything")
        if request.nonce != signed.nonce:
            raise not_as_signed()
        try:
            return msgspec.json.decode(signed.body, type=shape)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InvalidInput("the body that was signed does not ask for an opening") from error


def not_as_signed() -> NotAnAuditor:
    """Return the error that ends what the auditor did not ask for."""
    return NotAnAuditor("what is to be opened is not what the auditor signed")


def check_explained(reason: str, note: str) -> None:
    """Return when an opening says why. Raises OpeningUnexplained with the codes that there are."""
    if reason not in {each.value for each in OpeningReason} or not note.strip():
        raise OpeningUnexplained(
            "an opening needs a reason that is one of the codes, and a note that says why",
            remedy="Use one of: " + ", ".join(each.value for each in OpeningReason),
        )


def check_way_in(caller: str, signed: SignedOpening | None) -> None:
    """Raise CallerNotPermitted unless what comes by the gateway is signed, and nothing else is."""
    if (caller == GATEWAY) != (signed is not None):
        raise CallerNotPermitted(f"the {caller} may not ask for an opening in this way")
