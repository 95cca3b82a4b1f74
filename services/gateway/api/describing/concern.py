"""The members of a concern and its footing: evidence, opinion, what was tried, consent, basis, advice, attachments."""

from collections.abc import Mapping

from services.gateway.api.describing.member import Members, code, text, time
from services.gateway.domain.rules.basis import ARTICLE_6, CONDITIONS
from services.gateway.domain.rules.indicators import KNOWN
from services.gateway.domain.rules.saying import REASONS_NOT_INFORMED
from shared.vocabulary import ConsentStatus, Level, NoConsentReason

CONCERN: Mapping[str, Members] = {
    "Concern": {
        "level": code("How serious it is; missing or unknown is taken for the most urgent", "child_in_need", Level),
        "seen_or_said": text("What was seen or said, as evidence, in the words that were used", "A bruise on his arm."),
        "opinion": text("What the practitioner thinks of it, apart from the evidence", "I believe what he says."),
        "observed_at": time("When it was seen or said", "2026-11-24T10:40:00Z"),
        "immediate_danger": text("Whether the child is in immediate danger", False),
        "possible_crime": text("Whether a crime may have been committed: the police are told", True),
        "indicators": code("What was observed, as codes", ["injury"], KNOWN),
        "child_views": text("What the child wants and feels", "He does not want to go home today."),
        "family_views": text("What the family says", "NOT_KNOWN"),
        "early_help": text("Whether there was early help before", False),
        "support_tried": text("What was tried before, with what result", "A family support worker called in October."),
        "agencies_involved": text("Other agencies that know the child", [{"agency": "Linthorpe Surgery"}]),
        "desired_outcome": text("What the practitioner hopes will happen", "That somebody sees him today."),
        "keep_from": text("What is to be kept from somebody", [{"what": "his words", "whom": "father", "why": "risk"}]),
        "source_wishes_anonymity": text("Whether whoever said it first wishes not to be named", "NOT_APPLICABLE"),
    },
    "InvolvedAgency": {
        "agency": text("The agency", "Linthorpe Surgery"),
        "person": text("Whom to ask there", "Esme Tolland"),
        "contact": text("How to reach them", {"telephone": "01632 960014"}),
        "what": text("What the agency does for the child or the family", "health visiting, for his sister"),
    },
    "KeptFrom": {
        "what": text("What is to be kept", "where he said it"),
        "whom": text("From whom", "mother's partner"),
        "why": text("Why", "He may be hurt for it."),
    },
    "Consent": {
        "status": code("Whether consent was had. Never a condition for a share", "not_sought", ConsentStatus),
        "no_consent_reason": code(
            "Why there is none (Data Protection Act 2018 Sch 1 para 18(2))", "cannot_be_given", NoConsentReason
        ),
        "whose": code("Whose consent it is", "child", ["child", "mother", "father", "carer", "alleged_perpetrator"]),
    },
    "FamilyInformed": {
        "informed": text("Whether the family was told of the share", False),
        "reason_not_informed": code("Why not", "raises_risk", REASONS_NOT_INFORMED),
        "who": text("Who of the family was told, or was not", "both parents"),
    },
    "LawfulBasis": {
        "article_6": code("The lawful basis, of UK GDPR Article 6(1)", "6(1)(c)", ARTICLE_6),
        "condition": code("The condition for special category data", "sch1_para18", CONDITIONS),
    },
    "Advice": {
        "whom": text("Who was asked", "Rosalind Achterberg"),
        "role": text("In which role", "duty social worker"),
        "at": time("When", "2026-11-24T10:52:00Z"),
        "what_they_said": text("What they said", "Keep him at school; do not speak to the family first."),
    },
    "Attachment": {
        "name": text("What the document is", "body map"),
        "media_type": text("Its media type", "application/pdf"),
        "size_bytes": text("Its size in bytes", 48211),
        "sha256": text(
            "Its SHA-256, in hexadecimal", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
        ),
        "held_by": text("Which agency holds it, for whoever is told to ask", "st-hilda-primary"),
    },
}
