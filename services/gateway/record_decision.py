"""Recording a decision: who is it about, who must be told, and into the ledger; again when the child's record moved."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from services.gateway.admit_request import Admitted
from services.gateway.domain import judging
from services.gateway.domain.identity import NamedBy, identifiers_of
from services.gateway.domain.law import law_of_the_day
from services.gateway.domain.placing import Directories
from services.gateway.domain.planning import Circumstances, Plan
from services.gateway.domain.protecting import protecting
from services.gateway.domain.record import Child
from services.gateway.ports import Ledger
from services.gateway.settle_withholding import withholding_followed
from services.gateway.until_settled import until_settled
from shared.clock import Clock
from shared.entries import Obligation
from shared.identifiers import EntryId, Recipient
from shared.ledger.messages import (
    Answer,
    Appended,
    AppendRequest,
    Idempotency,
    NamedChild,
    ResolveChild,
    ResolvedChild,
    Section,
)
from shared.reference.rules import Rule, RuleBook

NOBODY_KNOWN = ResolvedChild(None, 0, (), ())


@dataclass(frozen=True, slots=True)
class Sent:
    """What an agency sent: the bytes that it signed, where to, and the idempotency key that came with them.

    ``misspelt`` are the members that it seems to mean by other names.
    """

    body: bytes
    idempotency_key: str
    target: str
    misspelt: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision as it came: its record's child and time, the way to plan it, and what was sent.

    ``after_withholding`` is the withholding that a share names as the one it follows on.
    """

    child: Child | None
    decided_at: str | None
    plan: Callable[[Circumstances], Plan]
    sent: Sent
    after_withholding: str | None = None


class DecisionRecorder:
    """Plans decisions and appends them."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        directories: Directories,
        book: RuleBook,
        clock: Clock,
        new_entry_id: Callable[[], EntryId],
        in_production: bool,
    ) -> None:
        self._ledger = ledger
        self._directories = directories
        self._book = book
        self._clock = clock
        self._new_entry_id = new_entry_id
        self._in_production = in_production

    async def record(self, decision: Decision, admitted: Admitted) -> Appended:
        """Return the outcome once it is durable, with every obligation it makes in the same transaction (G1).

        Routing rests on what is known of the child; when that has moved meanwhile, it is routed again. Raises
        Unavailable when the ledger cannot write or the child's record does not come to rest, and what the ledger
        refuses (NonceReplayed, IdempotencyKeyReused, KeyRevoked).
        """
        named = identifiers_of(decision.child, agency=admitted.agency_id, in_production=self._in_production)
        return await until_settled(lambda: self._decide_and_append(decision, admitted, named))

    async def _decide_and_append(self, decision: Decision, admitted: Admitted, named: NamedBy) -> Appended:
        known = NOBODY_KNOWN
        if named.identifiers:
            known = await self._ledger.resolve_child(ResolveChild(named.identifiers))
        circumstances = self.circumstances(decision.decided_at, admitted, known=known)
        plan = decision.plan(circumstances)
        plan.advice.extend(named.advice)
        causes = await self._followed(decision, plan, admitted)
        child = None
        if decision.child is not None:
            child = NamedChild(known.ref, known.version, named.identifiers, plan.role_facts)
        return await self._ledger.append(
            self.request(decision.sent, admitted, plan, child, circumstances, causes=causes)
        )

    async def _followed(self, decision: Decision, plan: Plan, admitted: Admitted) -> tuple[EntryId, ...]:
        """Return the withholding that a share follows on, if it names one of its agency's own, and settle it."""
        if decision.after_withholding is None:
            return ()
        followed = await withholding_followed(decision.after_withholding, admitted, ledger=self._ledger)
        if followed is None:
            plan.advice.append("withholding-not-found")
            return ()
        plan.facts["settles"] = followed.settles
        return (followed.withholding,)

    def circumstances(self, decided_at: str | None, admitted: Admitted, *, known: ResolvedChild) -> Circumstances:
        """Return what a decision is judged in, now."""
        now = self._clock.now()
        return Circumstances(
            agency=admitted.agency,
            known=known,
            directories=self._directories,
            now=now,
            law=law_of_the_day(decided_at, now=now),
            book=self._book,
            agencies=admitted.agencies,
        )

    def request(
        self,
        sent: Sent,
        admitted: Admitted,
        plan: Plan,
        child: NamedChild | None,
        circumstances: Circumstances,
        *,
        causes: tuple[EntryId, ...] = (),
    ) -> AppendRequest:
        """Return the entry that a plan becomes, with the answer that its sender gets."""
        entry_id = self._new_entry_id()
        obligations = plan.book.obligations(entry_id)
        rules = circumstances.rules_for(plan.kind)
        protects = protecting(sent.body)
        advice = judging.spelled_out([*plan.advice, *protects.advice], rules, misspelt=sent.misspelt)
        return AppendRequest(
            entry_id=entry_id,
            type=plan.type,
            idempotency=idempotency(admitted, key=sent.idempotency_key, target=sent.target, body=sent.body),
            answer=Answer(
                201,
                {
                    "kind": plan.answers_as or plan.kind.value,
                    "result": "accepted_with_advice" if advice or plan.challenges else "accepted",
                    "acted_on": plan.acted_on,
                    "judged": judged_by(circumstances, rules),
                    "advice": advice,
                    "challenges": judging.spelled_out(plan.challenges, rules),
                    "told": [{"obligation": owed.id, **telling(owed, self._directories)} for owed in obligations],
                },
            ),
            agency=admitted.agency_id,
            key=admitted.key,
            nonce=admitted.nonce,
            child=child,
            facts={
                **plan.facts,
                "advice": [each["code"] for each in advice],
                **({"protected": list(protects.kinds)} if protects.kinds else {}),
            },
            obligations=obligations,
            causes=causes,
            rules=circumstances.book.id,
            registry=admitted.registry,
            sections=(Section("body", sent.body), Section("signature", admitted.evidence)),
        )


def idempotency(admitted: Admitted, *, key: str, target: str, body: bytes) -> Idempotency:
    """Return what makes two requests of an agency the same: key, method and target, and body; not who signed when."""
    return Idempotency(f"agency:{admitted.agency_id}", key, f"POST {target}\n".encode() + sha256(body).digest())


def judged_by(circumstances: Circumstances, rules: Mapping[str, Rule]) -> dict[str, object]:
    """Return by what a decision was judged, as an answer says it: which rules, the law of which day, which regime."""
    return {
        "rules": circumstances.book.id,
        "law_as_at": circumstances.law.on.isoformat(),
        "nation": circumstances.agency.nation,
        "regime": "duty" if judging.in_duty(rules) else "permissive",
    }


def telling(owed: Obligation, directories: Directories) -> dict[str, object]:
    """Return whom an obligation tells, why and by when, as an answer says it."""
    return {
        "recipient": owed.recipient,
        "name": recipient_name(owed.recipient, directories),
        "reasons": list(owed.reasons),
        "urgency": owed.urgency,
        "due_at": owed.due_at,
        "calendar": owed.calendar,
    }


def recipient_name(recipient: Recipient, directories: Directories) -> str:
    """Return whom a recipient names, in words."""
    kind, _, name = recipient.partition(":")
    match kind:
        case "authority":
            return f"{directories.register.name_of(name)} children's social care"
        case "police":
            return directories.register.force_name(name)
        case "agency":
            return f"the safeguarding lead of {name}"
        case _:
            return f"a person, in the queue {name}"
