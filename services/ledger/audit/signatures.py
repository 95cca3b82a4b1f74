"""Checking every agency's signature with the key that was valid then; pure, entry by entry."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.ledger.audit.gone_signatures import GoneSignatures
from shared.clock import parse_rfc3339
from shared.entries import Entry
from shared.errors import ExchangeError, InvalidInput
from shared.identifiers import KeyThumbprint, ObligationId, Position
from shared.ledger.audit_messages import BodyStanding, OpenedSignature
from shared.ledger.facts import read_facts
from shared.ledger.registry import EndpointFacts, Registry, RevocationFacts
from shared.signatures.evidence import verify_evidence
from shared.signatures.keys import public_key_from_jwk
from shared.signatures.receipt_evidence import ReceiptNotWhole, verify_receipt
from shared.signatures.request_signature import READ_COMPONENTS, WRITE_COMPONENTS
from shared.vocabulary import EntryType

UNEXPLAINED = "its signature is not to be had, and no erasure says why"


@dataclass(frozen=True, slots=True)
class Suspect:
    """An entry signed by a key that was, by then, in others' hands too. Not broken: to be asked about."""

    position: Position
    key: KeyThumbprint
    compromised_from: str


@dataclass(frozen=True, slots=True)
class BadSignature:
    """An entry whose kept signature does not prove that its agency signed it."""

    position: Position
    detail: str


@dataclass(slots=True)
class SignatureReport:
    """What a check of agencies' signatures saw.

    ``not_openable`` counts signatures that are gone as an erasure says; what is gone and no erasure covers is among the
    ``bad``. ``erased_meanwhile`` counts those that an erasure covers which came after the entries that were checked.
    ``receipts`` are those good ones that recipients' systems signed when they took a push; others are erased, or are
    kept without what was signed. ``bodies_compared`` says whether the run held bodies against what was signed: then
    ``bodies`` counts those that are, ``not_as_signed`` has the positions of those that are not,
    ``bodies_not_openable`` counts those that the ledger could not open. ``suspects`` rest on an entry's own key and
    time, so that erased ones are among them.
    """

    run: str = ""
    recorded_at_position: int = -1
    good: int = 0
    not_openable: int = 0
    receipts: int = 0
    receipts_not_openable: int = 0
    receipts_not_whole: int = 0
    erased_meanwhile: int = 0
    bodies_compared: bool = False
    bodies: int = 0
    bodies_not_openable: int = 0
    not_as_signed: list[Position] = field(default_factory=list)
    suspects: list[Suspect] = field(default_factory=list)
    bad: list[BadSignature] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing was found wrong; what is suspect is to be asked about."""
        return not self.bad and not self.not_as_signed

    @property
    def whole(self) -> bool:
        """Whether all could be checked that was asked for, or is erased."""
        return not self.erased_meanwhile and not self.bodies_not_openable


def compromises(registry_entries: Iterable[Entry]) -> Mapping[KeyThumbprint, str]:
    """Return from when on each compromised key was in others' hands, as its revocations say; the earliest counts."""
    found: dict[KeyThumbprint, str] = {}
    for entry in registry_entries:
        if entry.type is EntryType.AGENCY_KEY_REVOKED:
            facts = read_facts(entry, RevocationFacts)
            if facts.compromised_from is not None:
                earlier = found.get(facts.thumbprint)
                if earlier is None or parse_rfc3339(facts.compromised_from) < parse_rfc3339(earlier):
                    found[facts.thumbprint] = facts.compromised_from
    return found


class SignatureCheck:
    """Takes entries in position order, each with its opened signature, and keeps the registry as it was then.

    What came ``after`` the entries that are checked is given last, and then the check is brought to its ``end``.
    """

    def __init__(self, report: SignatureReport, *, compromised: Mapping[KeyThumbprint, str]) -> None:
        self._report = report
        self._compromised = compromised
        self._registry = Registry()
        self._endpoints: dict[str, EndpointFacts] = {}
        self._gone = GoneSignatures()
        self._receipts_gone: set[Position] = set()

    def take(self, entry: Entry, opened: OpenedSignature | None) -> None:
        """Check one entry's signature, if it has one; ``opened`` is None when none is there, or none was shown."""
        self._account_for(entry)
        if entry.key is not None and "signature" in entry.commitments:
            self._check(entry, entry.key, opened)
        elif opened is not None or "signature" in entry.commitments:
            self._check_receipt(entry, opened)
        if entry.type is EntryType.ENDPOINT_REGISTERED:
            # Kept though it may be withdrawn: a push may be under way then.
            facts = read_facts(entry, EndpointFacts)
            self._endpoints[facts.endpoint] = facts
        try:
            self._registry = self._registry.with_entry(entry)
        except ExchangeError as error:
            self._report.bad.append(BadSignature(entry.position, error.detail))

    def after(self, entry: Entry) -> None:
        """Take an entry that came after those that are checked: nobody has held it against a signed checkpoint."""
        self._report.erased_meanwhile += len(self._gone.erased_by(entry))

    def end(self) -> None:
        """Name every signature that is gone and that nothing explains."""
        self._report.bad += [BadSignature(position, UNEXPLAINED) for position in self._gone.unexplained()]
        self._report.bad.sort(key=lambda each: each.position)

    def _account_for(self, entry: Entry) -> None:
        erased = self._gone.erased_by(entry)
        receipts = self._receipts_gone.intersection(erased)
        self._report.receipts_not_openable += len(receipts)
        self._report.not_openable += len(erased) - len(receipts)

    def _check_receipt(self, entry: Entry, opened: OpenedSignature | None) -> None:
        if opened is not None and opened.fault:
            self._report.bad.append(BadSignature(entry.position, opened.fault))
            return
        if opened is None or opened.content is None:
            self._gone.add(entry)
            self._receipts_gone.add(entry.position)
            return
        endpoint = self._endpoints.get(str(entry.facts.get("endpoint")))
        try:
            if endpoint is None:
                raise InvalidInput("the receipt is by an endpoint that was never registered")
            verify_receipt(
                opened.content,
                key=public_key_from_jwk(endpoint.jwk),
                url=endpoint.url,
                obligation=ObligationId(str(entry.facts.get("obligation"))),
            )
            self._report.receipts += 1
        except ReceiptNotWhole:
            self._report.receipts_not_whole += 1
        except ExchangeError as error:
            self._report.bad.append(BadSignature(entry.position, error.detail))

    def _check(self, entry: Entry, thumbprint: KeyThumbprint, opened: OpenedSignature | None) -> None:
        at = parse_rfc3339(entry.time)
        since = self._compromised.get(thumbprint)
        if since is not None and at >= parse_rfc3339(since):
            self._report.suspects.append(Suspect(entry.position, thumbprint, since))
        if opened is not None and opened.fault:
            self._report.bad.append(BadSignature(entry.position, opened.fault))
            return
        if opened is None or opened.content is None:
            self._gone.add(entry)
            return
        try:
            registered = self._registry.key_valid_at(thumbprint, at=at)
            verify_evidence(
                opened.content,
                key=public_key_from_jwk(registered.jwk),
                required=READ_COMPONENTS if entry.type is EntryType.CHRONOLOGY_READ else WRITE_COMPONENTS,
            )
            if registered.agency != entry.agency:
                self._report.bad.append(BadSignature(entry.position, "the key belonged to another agency"))
                return
        except ExchangeError as error:
            self._report.bad.append(BadSignature(entry.position, error.detail))
            return
        self._report.good += 1
        if opened.body is BodyStanding.AS_SIGNED:
            self._report.bodies += 1
        elif opened.body is BodyStanding.NOT_AS_SIGNED:
            self._report.not_as_signed.append(entry.position)
        elif opened.body is BodyStanding.NOT_OPENABLE or (self._report.bodies_compared and "body" in entry.commitments):
            self._report.bodies_not_openable += 1
