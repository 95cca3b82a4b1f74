"""The members of the records themselves, and of what they alone are made of."""

from collections.abc import Mapping

from services.gateway.acknowledge_notification import OUTCOMES, TYPES
from services.gateway.api.describing.member import PROTECTED, Member, Members, code, day, record_format, text, time
from services.gateway.domain.housing import KINDS
from services.gateway.domain.replying import MEANS
from services.gateway.domain.rules.housing import AGREEMENT, MAY_AGREE
from services.gateway.domain.whereabouts import PERMANENCE
from shared.vocabulary import AuthorityRole, OpeningReason, WithholdReason

PRACTITIONER = text(
    "Who decided, in which role, and how to reach them",
    {"name": "Marian Oduya-Finch", "role": "designated safeguarding lead", "contact": {"telephone": "01632 960011"}},
)
DECIDED_AT = time("When it was decided; its law is that of this day", "2026-11-24T10:50:00Z")
_CHILD = text(
    "The one child it is about; it need not have a number or a name",
    {"family_name": "Marrow-Tate", "given_names": "Ellis", "date_of_birth": "2020-03-31"},
)
_CONCERN = text("What is feared, and what it rests on", {"level": "significant_harm", "seen_or_said": "A bruise."})
_CONSENT: Mapping[str, str] = {"status": "not_sought", "no_consent_reason": "cannot_be_given", "whose": "child"}
_RATIONALE = text("Why it was decided so", "He is collected at 15:15 and may meet the same adult at home.")

RECORDS: Mapping[str, Members] = {
    "ShareRecord": {
        "format": record_format("safeguarding-exchange/share/v1"),
        "practitioner": PRACTITIONER,
        "child": _CHILD,
        "place": text("The place it is about, if it is about no child alone", {"description": "the arcade"}),
        "concern": _CONCERN,
        "rationale": _RATIONALE,
        "consent": text("Whose consent was had or not: one, or one for each data subject", [_CONSENT]),
        "family_informed": text(
            "Whether the family was told and, if not, why", {"informed": False, "reason_not_informed": "raises_risk"}
        ),
        "lawful_basis": text("On what it rests in law", {"article_6": "6(1)(c)", "condition": "sch1_para18"}),
        "advice_sought": text("Whose advice was sought, and what it was", [{"whom": "the named nurse"}]),
        "verbal_at": time("When it was told by word of mouth, which this confirms", "2026-11-24T10:52:00Z"),
        "verbal_to": text("To whom it was told by word of mouth", "Rosalind Achterberg, duty desk"),
        "incident_ref": text(
            "A random UUID, the same in the shares about siblings", "0b1d0f6e-9d2c-4a7f-8e35-5a90c1d2e7b4"
        ),
        "after_withholding": text(
            "The withholding of one's own that ends in this share, by its id", "6f1a0c9d3b7e4f2a8c5d1e0b9a7f3c24"
        ),
        "attachments": text("Documents that belong to it, by their hash", [{"name": "body map"}]),
        "recipients": text("Authorities to tell besides those the level demands", ["E06000005"]),
        "decided_at": DECIDED_AT,
    },
    "WithholdingRecord": {
        "format": record_format("safeguarding-exchange/withholding/v1"),
        "practitioner": PRACTITIONER,
        "child": _CHILD,
        "concern": text("What is known of the child, for how soon it is looked at", {"indicators": ["injury"]}),
        "requested_by": text("Who asked for the information", {"agency": "E06000005", "what": "attendance"}),
        "reply_to_requester": text("What they were answered: its words, or how and when", {"means": "secure_email"}),
        "reasons": code("Why it is withheld; misconceptions are challenged", ["not_relevant"], WithholdReason),
        "rationale": _RATIONALE,
        "review_on": day("When the decision is looked at again", "2026-12-01"),
        "decided_at": DECIDED_AT,
    },
    "Requester": {
        "name": text("Who asked", "Rosalind Achterberg"),
        "role": text("In which role", "duty social worker"),
        "agency": text("For which agency", "E06000005"),
        "what": text("What they asked for", "attendance since September"),
        "asked_at": time("When they asked", "2026-11-24T09:15:00Z"),
        "public_task": text("For which public task they say that they need it", "Children Act 1989 s.47"),
    },
    "Reply": {
        "given": text("Whether they were answered", True),
        "at": time("When", "2026-11-24T11:40:00Z"),
        "means": code("By what means", "secure_email", MEANS),
        "text": text("In which words", "Not without the young person's agreement."),
    },
    "WhereaboutsRecord": {
        "format": record_format("safeguarding-exchange/whereabouts/v1"),
        "practitioner": PRACTITIONER,
        "child": _CHILD,
        "where": text("Where the child is, and in which role", {"role": "living_at", "authority": "E06000047"}),
        "permanence": code("Whether the child is to stay", "permanent", PERMANENCE),
        "since": day("Since when", "2026-11-20"),
        "how_known": text("How the agency knows", "Registered by his grandmother with a new tenancy."),
        "decided_at": DECIDED_AT,
    },
    "Whereabouts": {
        "protected": PROTECTED,
        "role": code("What the place is to the child; unknown is taken for living_at", "living_at", AuthorityRole),
        "lines": text("The address, line by line, without the postcode", ["3 Sample Row"]),
        "postcode": text("The postcode; an authority that is named overrules it", "DH1 5UL"),
        "authority": text("The authority of the place, by its GSS code or exact name", "E06000047"),
    },
    "HousingNoticeRecord": {
        "format": record_format("safeguarding-exchange/housing-notice/v1"),
        "practitioner": PRACTITIONER,
        "child": _CHILD,
        "accommodation": text("Where the family is accommodated", {"lines": ["4 Example Court"]}),
        "placed_by": text("Who placed the family: it sees the move, not the address", "westminster-housing"),
        "agreement": text("Who agreed that others are told, and when", {"status": "given", "by": "parent"}),
        "tell": text("Whom to tell", [{"kind": "gp", "agency": "linthorpe-surgery"}]),
        "decided_at": DECIDED_AT,
    },
    "HousingAgreement": {
        "status": code("Whether it was agreed. Nobody is told before", "given", AGREEMENT),
        "by": code("Who agreed", "parent", MAY_AGREE),
        "on": day("On which day", "2026-11-24"),
    },
    "HousingRecipient": {
        "kind": code("What it is", "gp", KINDS),
        "agency": text("Its name in the exchange", "linthorpe-surgery"),
        "name": text("Its name, if it is not in the exchange: a person tells it", "Example Primary, Harlow"),
    },
    "AcknowledgementRecord": {
        "format": record_format("safeguarding-exchange/acknowledgement/v1"),
        "state": Member("How far it has come", "owned", tuple(TYPES), closed=True),
        "person": text(
            "Who owns it or has decided; needed for these two", {"name": "Rosalind Achterberg", "role": "social worker"}
        ),
        "outcome": code("What was decided", "section_47_enquiry", OUTCOMES),
        "note": text("Anything else, for the record", "Visit arranged for this afternoon."),
    },
    "SearchRecord": {
        "format": record_format("safeguarding-exchange/search/v1"),
        "child": text(
            "The child by what identifies it: a traced NHS number with the date of birth, or your own local number",
            {
                "date_of_birth": "2020-03-31",
                "identifiers": [{"scheme": "nhs_number", "value": "999 007 3104", "traced": True}],
            },
        ),
    },
    "OpeningRecord": {
        "entry": text("The entry whose content is opened, by its id", "6f1a0c9d3b7e4f2a8c5d1e0b9a7f3c24"),
        "section": Member("Which sealed part of it", "body", ("body", "note", "signature"), closed=True),
        "reason": Member("Why, as a code", "practice_review", tuple(OpeningReason), closed=True),
        "note": text("Why, in words", "Local child safeguarding practice review 2026/3, section 4."),
    },
    "SignaturesRecord": {
        "run": text("What the auditor calls this run: the same on each of its pages", "2026-review-3"),
        "size": text("How many entries of the log it is of, from the first", 4712),
        "after": text("The position of the last signature had; -1 for the first page", -1),
        "limit": text("The most on this page", 200),
        "compared": Member("What the ledger is to hold against what was signed", "none", ("body", "none"), closed=True),
        "reason": Member("Why, as a code", "integrity", tuple(OpeningReason), closed=True),
        "note": text("Why, in words", "Yearly check of all signatures, plan section 2."),
    },
}
