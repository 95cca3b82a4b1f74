"""Rules on the lawful basis: UK GDPR Article 6, Article 9 and Data Protection Act 2018 Schedule 1."""

from services.gateway.domain.rules.care import age_on
from services.gateway.domain.rules.case import UNKNOWN, Case, ConsentAsGiven
from shared.vocabulary import ConsentStatus, Level

ARTICLE_6 = frozenset({"6(1)(a)", "6(1)(b)", "6(1)(c)", "6(1)(d)", "6(1)(e)", "6(1)(ea)", "6(1)(f)"})
CONDITIONS = frozenset(
    {
        "explicit_consent",
        "vital_interests",
        "legal_claims",
        "health_or_social_care",
        "sch1_para1",
        "sch1_para2",
        "sch1_para6",
        "sch1_para10",
        "sch1_para18",
        "sch1_para19",
        "sch8_para4",
    }
)
NEEDS_POLICY_DOCUMENT = frozenset({"sch1_para1", "sch1_para6", "sch1_para10", "sch1_para18"})
"""Data Protection Act 2018 Sch 1 paras 1(1)(b) and 5: conditions that need an appropriate policy document."""


def basis_missing(case: Case) -> bool:
    """No Article 6 basis was given."""
    return case.article_6 is None


def basis_unknown(case: Case) -> bool:
    """The basis is not one of Article 6(1)."""
    return case.article_6 == UNKNOWN


def basis_consent_for_safeguarding(case: Case) -> bool:
    """Consent is the basis of more than an offer of early help."""
    early = case.level is not None and case.level.acted_on is Level.EARLY_HELP
    return case.article_6 == "6(1)(a)" and not early


def basis_contract_for_safeguarding(case: Case) -> bool:
    """A contract is given as the basis."""
    return case.article_6 == "6(1)(b)"


def basis_vital_interests_only(case: Case) -> bool:
    """Vital interests without immediate danger."""
    urgent = case.level is not None and case.level.acted_on is Level.IMMEDIATE_DANGER
    return case.article_6 == "6(1)(d)" and not urgent


def basis_not_for_public_bodies(case: Case) -> bool:
    """A basis that a public authority cannot use in its tasks; the data says which bodies, and the law of which day."""
    return case.article_6 in ("6(1)(ea)", "6(1)(f)")


def basis_not_yet_law(case: Case) -> bool:
    """6(1)(ea), on a day before it was law."""
    return case.article_6 == "6(1)(ea)"


def basis_recognised_interest(case: Case) -> bool:
    """A body outside the duty gives no basis, though there is one made for it."""
    return case.article_6 is None


def basis_balancing_test(case: Case) -> bool:
    """Legitimate interests, which must be balanced."""
    return case.article_6 == "6(1)(f)"


def basis_no_general_duty(case: Case) -> bool:
    """Legal obligation, where no general duty to share was in force for the sender."""
    return case.article_6 == "6(1)(c)" and not case.in_duty


def duty_to_share(case: Case) -> bool:
    """A sender in the duty who seems not to know it: no basis is given, or none that fits a duty."""
    return case.article_6 not in ("6(1)(c)", "6(1)(d)", "6(1)(e)")


def condition_missing(case: Case) -> bool:
    """No condition for special category data was given."""
    return case.condition is None


def condition_unknown(case: Case) -> bool:
    """The condition is none of the list."""
    return case.condition == UNKNOWN


def condition_consent_for_safeguarding(case: Case) -> bool:
    """Explicit consent is given as the condition."""
    return case.condition == "explicit_consent"


def condition_not_for_children(case: Case) -> bool:
    """Paragraph 19, whose subjects are 18 or over."""
    grown = case.care is not None and case.care.born is not None and age_on(case.care.born, case.law.on) >= 18
    return case.condition == "sch1_para19" and not grown


def condition_needs_secrecy(case: Case) -> bool:
    """Article 9(2)(h) without the paragraph that it rests on."""
    return case.condition == "health_or_social_care"


def no_consent_reason_missing(case: Case) -> bool:
    """Paragraph 18 without the consent of a data subject and without one of its three reasons."""
    subjects = case.consents or (ConsentAsGiven(case.consent, case.no_consent_reason),)
    return case.condition == "sch1_para18" and any(
        each.status != ConsentStatus.GIVEN and each.no_consent_reason in (None, UNKNOWN) for each in subjects
    )


def policy_document_missing(case: Case) -> bool:
    """A condition that needs an appropriate policy document, and none is registered that was in force by then."""
    agency = case.agency
    missing = agency.policy_document is None or _to_come(agency.policy_document_from, case)
    return case.condition in NEEDS_POLICY_DOCUMENT and missing


def policy_document_expired(case: Case) -> bool:
    """The appropriate policy document was past its date on the day of the decision."""
    return case.condition in NEEDS_POLICY_DOCUMENT and _past(case.agency.policy_document_until, case)


def agreement_missing(case: Case) -> bool:
    """No sharing agreement is registered that was in force by the day of the decision."""
    return case.agency.agreement is None or _to_come(case.agency.agreement_from, case)


def agreement_expired(case: Case) -> bool:
    """The sharing agreement was past its date on the day of the decision."""
    return _past(case.agency.agreement_until, case)


def _past(until: str | None, case: Case) -> bool:
    # As registered: a date or a time, whose first ten characters are the date.
    return until is not None and until[:10] < case.law.on.isoformat()


def _to_come(since: str | None, case: Case) -> bool:
    return since is not None and since[:10] > case.law.on.isoformat()
