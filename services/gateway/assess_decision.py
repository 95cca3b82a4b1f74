"""Assessing a decision before it is made: what recording it would do and what the rules say, with nothing recorded."""

from collections.abc import Callable

import orjson

from services.gateway.admit_request import Admitted
from services.gateway.domain import judging
from services.gateway.domain.identity import identifiers_of
from services.gateway.domain.law import law_of_the_day
from services.gateway.domain.placing import Directories
from services.gateway.domain.planning import Circumstances, Plan
from services.gateway.domain.record import Child
from services.gateway.ports import Ledger
from services.gateway.record_decision import NOBODY_KNOWN, judged_by, telling
from shared.clock import Clock
from shared.identifiers import EntryId
from shared.ledger.messages import AdmitRead
from shared.reference.rules import RuleBook

_NO_ENTRY = EntryId("0" * 32)

JUDGED_WITHOUT = (
    "whether anybody has told of this child before, and what they told",
    "where the child is known to live, and who is known to hold a plan for it or to look after it",
    "whether the child may be the same as one already known",
)
"""What an assessment leaves out, so that nobody can learn by asking whether a child is known."""


class DecisionAssessor:
    """Plans decisions as the recorder does, as though nobody knew the child, and appends nothing."""

    def __init__(
        self, *, ledger: Ledger, directories: Directories, book: RuleBook, clock: Clock, in_production: bool
    ) -> None:
        self._ledger = ledger
        self._directories = directories
        self._book = book
        self._clock = clock
        self._in_production = in_production

    async def assess(
        self,
        child: Child | None,
        decided_at: str | None,
        plan_decision: Callable[[Circumstances], Plan],
        admitted: Admitted,
        *,
        misspelt: tuple[str, ...] = (),
    ) -> bytes:
        """Return what would be told to whom by when, what is missing and what the guidance says, as JSON.

        The ledger is asked for nothing but to use up the nonce: the answer, and the time it takes, are the same
        whether or not the child is known. Raises NonceReplayed and Unavailable.
        """
        await self._ledger.admit_read(AdmitRead(admitted.agency_id, admitted.key, admitted.nonce))
        now = self._clock.now()
        circumstances = Circumstances(
            agency=admitted.agency,
            known=NOBODY_KNOWN,
            directories=self._directories,
            now=now,
            law=law_of_the_day(decided_at, now=now),
            book=self._book,
            agencies=admitted.agencies,
        )
        plan = plan_decision(circumstances)
        named = identifiers_of(child, agency=admitted.agency_id, in_production=self._in_production)
        rules = circumstances.rules_for(plan.kind)
        advice = judging.spelled_out((*plan.advice, *named.advice), rules, misspelt=misspelt)
        obligations = plan.book.obligations(_NO_ENTRY)
        return orjson.dumps(
            {
                "kind": "assessment",
                "of": plan.kind.value,
                "would_be": "accepted_with_advice" if advice or plan.challenges else "accepted",
                "acted_on": plan.acted_on,
                "judged": judged_by(circumstances, rules),
                "missing": [each for each in advice if str(each["code"]).endswith("-missing")],
                "guidance": [each for each in advice if not str(each["code"]).endswith("-missing")],
                "challenges": judging.spelled_out(plan.challenges, rules),
                "would_tell": [telling(owed, self._directories) for owed in obligations],
                "judged_without": list(JUDGED_WITHOUT),
            }
        )
