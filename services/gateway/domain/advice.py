"""Every advice and challenge that an answer can carry: its code, what it tells the practitioner, and its source."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advice:
    """Something the sender should know. It never keeps a concern from being recorded and passed on."""

    code: str
    message: str
    source: str


_DUTY = "Children Act 2004 s.16LA"
_PARA_18 = "Data Protection Act 2018 Sch 1 para 18"
_RULES = "DfE information sharing advice for safeguarding practitioners"
_NEVER_DROPPED = "The exchange acts on the most urgent reading"
_NEVER_MERGED = "The exchange never merges children by itself"

ADVICE: Mapping[str, Advice] = {
    advice.code: advice
    for advice in (
        Advice(
            "level-unknown", "The level is not one of the four; it was acted on as immediate danger.", _NEVER_DROPPED
        ),
        Advice(
            "level-missing", "No level was given; it was acted on as immediate danger. Add the level next time.", "G5"
        ),
        Advice(
            "district-not-authority",
            "A district council does not run children's social care; its county was told.",
            "Children Act 2004 s.65",
        ),
        Advice("authority-superseded", "That authority's code has been replaced; its successor was told.", "ONS"),
        Advice("authority-split", "That authority was divided; a person is deciding which successor to tell.", "ONS"),
        Advice("authority-unknown", "That authority is not known; a person is placing it.", "ONS"),
        Advice("authority-without-code", "That body has no code to route by; a person is passing it on.", "ONS"),
        Advice("postcode-unknown", "That postcode is not in the directory; a person is placing it.", "ONS"),
        Advice("postcode-malformed", "That is not a postcode; a person is placing the address.", "ONS"),
        Advice("postcode-terminated", "That postcode is no longer in use; check the address.", "ONS"),
        Advice("postcode-outside", "That postcode lies in no authority's area; a person is placing it.", "ONS"),
        Advice("nowhere-given", "No address or authority was given; a person is finding out who must act.", _RULES),
        Advice("sender-area-meanwhile", "Your own authority has been told while a person finds the right one.", _RULES),
        Advice("nhs-number-missing", "No NHS number was given. None is needed; add it when you have it.", _RULES),
        Advice(
            "nhs-number-invalid", "The NHS number's check digit is wrong; it was not used to find the child.", "NHS"
        ),
        Advice(
            "nhs-number-untraced", "An untraced NHS number, or one without a date of birth, cannot identify.", "NHS"
        ),
        Advice("nhs-number-is-test", "Numbers beginning 999 are for tests and identify nobody here.", "NHS"),
        Advice(
            "date-of-birth-unreadable",
            "The date of birth is not a date as 2020-03-31; it was kept as given.",
            "ISO 8601",
        ),
        Advice("time-unreadable", "A time is not as 2026-11-24T10:52:00Z; it was kept as given.", "RFC 3339"),
        Advice(
            "possible-same-child",
            "This may be a child already known; a person will compare the records.",
            _NEVER_MERGED,
        ),
        Advice("practitioner-missing", "Say who decided, in which role and how to reach them.", _RULES),
        Advice("rationale-missing", "Record why you decided as you did.", _RULES),
        Advice(
            "consent-missing", "Record whether consent was had. It is a fact, never a condition for sharing.", _RULES
        ),
        Advice("consent-unknown", "The consent status is not one of the list; it was kept as given.", _RULES),
        Advice(
            "no-consent-reason-missing",
            "Sharing without consent under this condition needs one of three reasons: it cannot be given, cannot "
            "reasonably be obtained, or asking would prejudice protection.",
            _PARA_18,
        ),
        Advice("informed-reason-missing", "If the family was not told, record why.", _RULES),
        Advice("basis-missing", "Record the lawful basis (UK GDPR Article 6).", "UK GDPR Art 6"),
        Advice("basis-unknown", "The lawful basis is not one of Article 6(1); it was kept as given.", "UK GDPR Art 6"),
        Advice(
            "basis-not-for-public-bodies",
            "A public authority in its tasks cannot rely on 6(1)(ea) or (f); use (c) or (e).",
            "Data (Use and Access) Act 2025 s.70",
        ),
        Advice("condition-not-for-children", "Paragraph 19 protects adults; for a child use paragraph 18.", _PARA_18),
        Advice("concern-text-missing", "Say what was seen or said.", _RULES),
        Advice(
            "role-unknown",
            "That kind of whereabouts is not known; it was taken as where the child lives.",
            _NEVER_DROPPED,
        ),
        Advice("format-unknown", "The record's format is not known; it was read as the current one.", _NEVER_DROPPED),
        Advice(
            "second-decision-maker", "Because of what was observed, a second person decides within the hour.", _RULES
        ),
        Advice(
            "challenge-gdpr",
            "Data protection law does not prevent sharing to protect a child; it gives a framework for it.",
            "Data Protection Act 2018 Sch 1 para 18",
        ),
        Advice(
            "challenge-no-consent",
            "Consent is not needed to share a safeguarding concern; another lawful basis is usually right.",
            _PARA_18,
        ),
        Advice(
            "challenge-not-my-role",
            "Everybody who works with children must pass on what may keep a child safe.",
            _DUTY,
        ),
        Advice(
            "challenge-someone-else-will",
            "Do not assume that somebody else will pass it on.",
            "Working Together to Safeguard Children",
        ),
        Advice("challenge-reason-missing", "A decision to withhold needs its reason recorded.", _RULES),
        Advice(
            "challenge-reason-unknown", "That reason is not known; your safeguarding lead is asked to review.", _RULES
        ),
        Advice("challenge-rationale-missing", "A decision to withhold needs its rationale recorded.", _RULES),
        Advice("review-date-missing", "Set a date on which the decision to withhold is reviewed.", _RULES),
    )
}
"""The table, by code. docs/api.md lists it, and a test compares the two."""


def spelled_out(codes: Iterable[str]) -> list[dict[str, str]]:
    """Return advice as an answer carries it, each code once, in the order given."""
    found = (ADVICE[code] for code in dict.fromkeys(codes))
    return [{"code": advice.code, "message": advice.message, "source": advice.source} for advice in found]
