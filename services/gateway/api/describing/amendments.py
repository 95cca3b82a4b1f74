"""The members of what is said of an earlier record."""

from collections.abc import Mapping

from services.gateway.api.describing.member import Members, code, day, record_format, text, time
from services.gateway.api.describing.records import DECIDED_AT, PRACTITIONER
from services.gateway.domain.amending import CONSENTERS, RETRACTION_REASONS, SPEAKERS
from services.gateway.domain.reviewing import DECISIONS
from shared.vocabulary import WithholdReason

_WHY = text("Why, for those who were told of the record", "The address was the family's former one.")
_CORRECTION = record_format("safeguarding-exchange/correction/v1")

AMENDMENTS: Mapping[str, Members] = {
    "ShareCorrectionRecord": {
        "format": _CORRECTION,
        "practitioner": PRACTITIONER,
        "why": _WHY,
        "record": text("The whole record as it should have been", {"rationale": "He is collected at 15:15."}),
        "members": text("Only what changes (RFC 7396)", {"child": {"address": {"authority": "E06000047"}}}),
        "decided_at": DECIDED_AT,
    },
    "WithholdingCorrectionRecord": {
        "format": _CORRECTION,
        "practitioner": PRACTITIONER,
        "why": _WHY,
        "record": text("The whole record as it should have been", {"reasons": ["awaiting_advice"]}),
        "decided_at": DECIDED_AT,
    },
    "WhereaboutsCorrectionRecord": {
        "format": _CORRECTION,
        "practitioner": PRACTITIONER,
        "why": _WHY,
        "record": text("The whole record as it should have been", {"where": {"authority": "E06000047"}}),
        "decided_at": DECIDED_AT,
    },
    "WithholdingReviewRecord": {
        "format": record_format("safeguarding-exchange/review/v1"),
        "practitioner": PRACTITIONER,
        "decision": code("What was decided on looking again", "confirm", DECISIONS),
        "reasons": code("Why it is still withheld; those of before, if left out", ["not_relevant"], WithholdReason),
        "rationale": text("Why it was decided so", "Nothing we hold bears on that."),
        "concern": text("What is known of the child now", {"indicators": ["injury"]}),
        "review_on": day("When it is looked at again", "2026-12-24"),
        "decided_at": DECIDED_AT,
    },
    "RetractionRecord": {
        "format": record_format("safeguarding-exchange/retraction/v1"),
        "practitioner": PRACTITIONER,
        "reason": code("Why it is taken back, as a code", "wrong_child", RETRACTION_REASONS),
        "why": text("Why, in words", "Two children of that name; it was the other one."),
        "decided_at": DECIDED_AT,
    },
    "DisputeRecord": {
        "format": record_format("safeguarding-exchange/dispute/v1"),
        "practitioner": PRACTITIONER,
        "on_behalf_of": code("Who says that it is not so", "child", SPEAKERS),
        "disputed": text("What of the record is disputed", "That a visitor hit him."),
        "statement": text("What they say", "He says that he fell against the gate."),
        "decided_at": DECIDED_AT,
    },
    "ConsentWithdrawalRecord": {
        "format": record_format("safeguarding-exchange/consent-withdrawal/v1"),
        "practitioner": PRACTITIONER,
        "whose": code("Whose consent it was", "parent_or_carer", CONSENTERS),
        "statement": text("What they said", "She no longer wants the school to pass anything on."),
        "withdrawn_at": time("When it was withdrawn", "2026-11-25T08:50:00Z"),
        "decided_at": DECIDED_AT,
    },
}
