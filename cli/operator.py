"""What the operator does: registers agencies, keys and endpoints, and works the human queues. Each act is an entry."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from cli.agency_facts import Terms, agency_facts, authority_code
from cli.passing_on import passed_on
from cli.revocation_reason import check_reason
from shared.clock import Clock, parse_rfc3339, rfc3339
from shared.entries import Entry, Obligation
from shared.errors import Conflict, InvalidInput, NotFound
from shared.fresh_ids import new_entry_id
from shared.identifiers import (
    AgencyId,
    AuthorityCode,
    EntryId,
    KeyThumbprint,
    ObligationId,
    Position,
    is_code,
    parse_account,
    parse_agency_id,
    parse_recipient,
)
from shared.ledger.client import LedgerClient
from shared.ledger.facts import write_facts
from shared.ledger.key_standing import Standing, standing_of
from shared.ledger.messages import (
    Answer,
    AppendRequest,
    Idempotency,
    NamedChild,
    ObligationState,
    OpenSection,
    Section,
)
from shared.ledger.registry import (
    LEAD_SECTION,
    EndpointFacts,
    KeyFacts,
    Registry,
    RevocationFacts,
    SafeguardingLead,
    WithdrawalFacts,
)
from shared.reference.authorities import AuthorityRegister
from shared.reference.working_days import local_day
from shared.signatures.keys import PublicKey
from shared.vocabulary import EntryType, LadderState

SCOPE = "service:operator"
NO_TERMS = Terms()


class Operator:
    """Acts through the operator's door. Every method returns the position of the entry that records the act."""

    def __init__(self, ledger: LedgerClient, *, register: AuthorityRegister, clock: Clock) -> None:
        self._ledger = ledger
        self._register_of_authorities = register
        self._clock = clock

    async def registry(self, *, as_at: datetime | None = None) -> Registry:
        """Return the registry as it stands, or as it stood at a moment."""
        registry = Registry()
        async for entry in self._ledger.stream(after=-1, registry_only=True):
            if as_at is not None and parse_rfc3339(entry.time) > as_at:
                break
            registry = registry.with_entry(entry)
        return registry

    async def register_agency(
        self,
        agency: str,
        *,
        name: str,
        duty_class: str,
        home_authority: str | None,
        acts_for: str | None = None,
        agreement: str | None = None,
        policy_document: str | None = None,
        roles: Sequence[str] = (),
        terms: Terms = NO_TERMS,
        lead: SafeguardingLead | None = None,
    ) -> Position:
        """Register an agency, or supersede its registration whole. Its safeguarding lead is sealed beside it.

        Raises InvalidInput when something of it cannot be.
        """
        said: dict[str, object] = {
            "agency": agency,
            "name": name,
            "duty_class": duty_class,
            "home_authority": home_authority,
            "acts_for": acts_for,
            "agreement": agreement,
            "policy_document": policy_document,
            "roles": list(roles),
            **terms.said(),
        }
        return await self._register(said, lead=lead)

    async def change_agency(
        self, agency: str, changes: Mapping[str, object], *, lead: SafeguardingLead | None = None
    ) -> Position:
        """Register an agency anew with what changes, by the names of ``AgencyFacts``; all else stays as it is.

        Raises NotFound when it is not registered, InvalidInput when something of it cannot be.
        """
        known = (await self.registry()).agencies.get(AgencyId(agency))
        if known is None:
            raise NotFound(f"no agency {agency} is registered", remedy="See: exchange agency list")
        return await self._register({**msgspec.to_builtins(known), **changes}, lead=lead)

    async def _register(self, said: Mapping[str, object], *, lead: SafeguardingLead | None) -> Position:
        facts = agency_facts(said, register=self._register_of_authorities, on=local_day(self._clock.now()))
        sections = (Section(LEAD_SECTION, msgspec.json.encode(lead)),) if lead is not None else ()
        return await self._record(EntryType.AGENCY_REGISTERED, write_facts(facts), sections=sections)

    async def safeguarding_lead(self, agency: str, *, by: str, reason: str) -> SafeguardingLead:
        """Return who leads on safeguarding in an agency. That somebody looked, and why, is on the record first.

        Raises NotFound when none was registered, or it has been erased.
        """
        sealed: EntryId | None = None
        async for entry in self._ledger.stream(after=-1, registry_only=True):
            about = entry.type is EntryType.AGENCY_REGISTERED and entry.facts.get("agency") == agency
            if about and LEAD_SECTION in entry.commitments:
                sealed = entry.id
        if sealed is None:
            raise NotFound(f"no safeguarding lead of {agency} is registered", remedy="See: exchange agency change")
        purpose = f"reach-lead:{_code(reason)}:{parse_account(by)}:{rfc3339(self._clock.now())}"
        opened = await self._ledger.open_section(OpenSection(sealed, LEAD_SECTION, purpose))
        return msgspec.json.decode(opened.content, type=SafeguardingLead)

    async def add_key(
        self, agency: str, key: PublicKey, *, valid_from: datetime | None = None, valid_until: datetime | None = None
    ) -> Position:
        """Let a key sign for an agency, from now or later on. Keys may overlap, so that one takes over from another."""
        facts = KeyFacts(
            agency=parse_agency_id(agency),
            thumbprint=key.thumbprint,
            jwk=key.jwk(),
            valid_from=rfc3339(valid_from or self._clock.now()),
            valid_until=rfc3339(valid_until) if valid_until is not None else None,
        )
        return await self._record(EntryType.AGENCY_KEY_ADDED, write_facts(facts))

    async def revoke_key(
        self, thumbprint: str, *, reason: str, by: str, compromised_from: datetime | None = None
    ) -> Position:
        """Revoke a key, now and for good.

        Raises InvalidInput for a reason that is none of the list, and for a compromise that does not say since when.
        """
        check_reason(reason, compromised_from=compromised_from)
        facts = RevocationFacts(
            thumbprint=KeyThumbprint(thumbprint),
            reason=reason,
            compromised_from=rfc3339(compromised_from) if compromised_from is not None else None,
            by=by,
        )
        return await self._record(EntryType.AGENCY_KEY_REVOKED, write_facts(facts))

    async def suspects(self, thumbprint: str) -> list[Entry]:
        """Return what a key signed from the moment on from which it is known to have been in other hands.

        Raises NotFound when no such key was ever registered.
        """
        registry = await self.registry()
        if KeyThumbprint(thumbprint) not in registry.keys:
            raise NotFound("no key of that thumbprint is registered", remedy="See: exchange agency list")
        return [
            entry
            async for entry in self._ledger.stream(after=-1)
            if entry.key == thumbprint and standing_of(entry, registry) is Standing.SUSPECT
        ]

    async def register_endpoint(self, recipient: str, *, url: str, key: PublicKey, name: str | None = None) -> Position:
        """Have a recipient's notifications pushed to a URL, whose signed answers are by ``key``."""
        if not url.startswith(("https://", "http://")):
            raise InvalidInput("an endpoint's URL begins with https:// (or http:// on one machine)")
        known = parse_recipient(recipient)
        facts = EndpointFacts(
            endpoint=name or known.replace(":", "-"),
            recipient=known,
            url=url,
            thumbprint=key.thumbprint,
            jwk=key.jwk(),
        )
        return await self._record(EntryType.ENDPOINT_REGISTERED, write_facts(facts))

    async def withdraw_endpoint(self, endpoint: str) -> Position:
        """Stop pushing to an endpoint. What is owed to its recipient stays owed, in the human queue."""
        return await self._record(EntryType.ENDPOINT_WITHDRAWN, write_facts(WithdrawalFacts(endpoint=endpoint)))

    async def assign(self, obligation: ObligationId, *, owner: str) -> Position:
        """Make an account the owner of a queue item. Raises NotFound, and Conflict when it waits in no queue."""
        known = await self._waiting(obligation)
        return await self._record(
            EntryType.QUEUE_ASSIGNED,
            {"obligation": obligation, "owner": parse_account(owner)},
            child=NamedChild(known.child, None) if known.child is not None else None,
            causes=(known.entry_id,),
        )

    async def resolve(self, obligation: ObligationId, *, by: str, pass_to: str | None = None) -> Position:
        """Close a queue item, passing the matter to an authority if one was found: that is then owed notice of it.

        Raises NotFound, and Conflict when it waits in no queue.
        """
        known = await self._waiting(obligation)
        entry_id = new_entry_id()
        obligations: tuple[Obligation, ...] = ()
        facts: dict[str, object] = {"obligation": obligation, "owner": parse_account(by), "outcome": "closed"}
        if pass_to is not None:
            authority = self._authority(pass_to)
            nation = self._register_of_authorities.nation_of(authority)
            owed = passed_on(
                known.obligation.reasons, authority, entry_id=entry_id, nation=nation, now=self._clock.now()
            )
            facts["outcome"], obligations = "passed_on", (owed,)
        return await self._record(
            EntryType.QUEUE_RESOLVED,
            facts,
            entry_id=entry_id,
            obligations=obligations,
            child=NamedChild(known.child, None) if known.child is not None else None,
            causes=(known.entry_id,),
        )

    async def _waiting(self, obligation: ObligationId) -> ObligationState:
        known = await self._ledger.obligation(obligation)
        if known.state == LadderState.DECIDED.value:
            raise Conflict(f"the item was decided on {known.since}", remedy="See: exchange queue list")
        if not known.queued:
            raise Conflict(
                f"{known.obligation.recipient} has it ({known.state} since {known.since}): it waits in no human queue",
                remedy="See: exchange queue list",
            )
        return known

    def _authority(self, text: str) -> AuthorityCode:
        return authority_code(text, register=self._register_of_authorities, on=local_day(self._clock.now()))

    async def _record(
        self,
        entry_type: EntryType,
        facts: Mapping[str, object],
        *,
        entry_id: EntryId | None = None,
        obligations: tuple[Obligation, ...] = (),
        child: NamedChild | None = None,
        causes: tuple[EntryId, ...] = (),
        sections: tuple[Section, ...] = (),
    ) -> Position:
        own_id = entry_id or new_entry_id()
        request = AppendRequest(
            entry_id=own_id,
            type=entry_type,
            idempotency=Idempotency(SCOPE, own_id, own_id.encode("ascii")),
            answer=Answer(201, {}),
            child=child,
            facts=dict(facts),
            obligations=obligations,
            causes=causes,
            sections=sections,
        )
        return (await self._ledger.append(request)).position


def _code(text: str) -> str:
    if not is_code(text):
        raise InvalidInput("a reason is a code, such as rotated, lost or compromised")
    return text
