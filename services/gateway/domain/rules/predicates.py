"""Every rule's function, by the rule's id: one for each id of the data, and none besides."""

from collections.abc import Mapping

from services.gateway.domain.rules import basis, fostering, housing, saying, withheld
from services.gateway.domain.rules.case import Case, Predicate
from shared.reference.rules import RecordKind

DUTIES = ("duty-to-share-england", "duty-to-report-wales")
"""The rules that are a general duty to share. One in force makes the regime *duty*, else *permissive*."""

NOTICED = (
    "district-not-authority",
    "authority-superseded",
    "authority-split",
    "authority-unknown",
    "authority-without-code",
    "postcode-unknown",
    "postcode-malformed",
    "postcode-terminated",
    "postcode-outside",
    "nowhere-given",
    "sender-area-meanwhile",
    "nhs-number-missing",
    "nhs-number-invalid",
    "nhs-number-untraced",
    "nhs-number-is-test",
    "date-of-birth-unreadable",
    "possible-same-child",
    "role-unknown",
    "amendment-reason-missing",
    "amendment-code-unknown",
    "retraction-record-stands",
    "consent-withdrawn-share-stands",
    "identifier-scheme-missing",
    "upn-invalid",
    "expected-date-unreadable",
    "unborn-mother-missing",
    "danger-missing",
    "danger-call-first",
    "answer-unknown",
    "support-tried-missing",
    "desired-outcome-missing",
    "keep-from-reason-missing",
    "verbal-to-missing",
    "verbal-at-missing",
    "verbal-written-late",
    "practitioner-contact-missing",
    "advice-incomplete",
    "attachment-hash-missing",
    "consent-whose-missing",
    "incident-ref-not-random",
    "siblings-separately",
    "withholding-not-found",
    "review-decision-missing",
    "share-still-to-come",
    "protection-unknown",
    "protection-only-where-marked",
    "retracted-before",
    "outcome-unknown",
    "member-misspelt",
)
"""What is noticed while a decision is read and routed, where the place, number or time itself is at hand."""


def was_noticed(code: str) -> Predicate:
    """Return the predicate that reading and routing noticed this."""

    def predicate(case: Case) -> bool:
        return code in case.noticed

    return predicate


def duty(case: Case) -> bool:
    """A sender in a duty who seems not to know it."""
    match case.kind:
        case RecordKind.WITHHOLDING:
            return withheld.rests_on_a_misconception(case)
        case RecordKind.SHARE:
            return basis.duty_to_share(case)
        case _:
            return False


PREDICATES: Mapping[str, Predicate] = {
    **dict.fromkeys(DUTIES, duty),
    "wales-tell-where-it-happened": saying.wales_tell_where_it_happened,
    "scotland-own-procedures": saying.always,
    "northern-ireland-gateway": saying.always,
    "northern-ireland-crime-to-police": saying.possible_crime,
    "judged-by-law-of-today": saying.judged_by_law_of_today,
    "decided-in-future": saying.decided_in_future,
    "time-unreadable": saying.time_unreadable,
    "level-unknown": saying.level_unknown,
    "level-missing": saying.level_missing,
    "concern-text-missing": saying.concern_text_missing,
    "practitioner-missing": saying.practitioner_missing,
    "rationale-missing": saying.rationale_missing,
    "format-unknown": saying.format_unknown,
    "told-at-once": saying.told_at_once,
    "consent-missing": saying.consent_missing,
    "consent-unknown": saying.consent_unknown,
    "consent-never-gates": saying.consent_never_gates,
    "informed-missing": saying.informed_missing,
    "informed-reason-missing": saying.informed_reason_missing,
    "informed-reason-unknown": saying.informed_reason_unknown,
    "basis-missing": basis.basis_missing,
    "basis-unknown": basis.basis_unknown,
    "basis-consent-for-safeguarding": basis.basis_consent_for_safeguarding,
    "basis-contract-for-safeguarding": basis.basis_contract_for_safeguarding,
    "basis-vital-interests-only": basis.basis_vital_interests_only,
    "basis-not-for-public-bodies": basis.basis_not_for_public_bodies,
    "basis-not-yet-law": basis.basis_not_yet_law,
    "basis-recognised-interest": basis.basis_recognised_interest,
    "basis-balancing-test": basis.basis_balancing_test,
    "basis-no-general-duty": basis.basis_no_general_duty,
    "condition-missing": basis.condition_missing,
    "condition-unknown": basis.condition_unknown,
    "condition-consent-for-safeguarding": basis.condition_consent_for_safeguarding,
    "condition-not-for-children": basis.condition_not_for_children,
    "condition-needs-secrecy": basis.condition_needs_secrecy,
    "no-consent-reason-missing": basis.no_consent_reason_missing,
    "policy-document-missing": basis.policy_document_missing,
    "policy-document-expired": basis.policy_document_expired,
    "agreement-missing": basis.agreement_missing,
    "agreement-expired": basis.agreement_expired,
    "private-fostering": fostering.private_fostering,
    "private-fostering-length-missing": fostering.private_fostering_length_missing,
    "private-fostering-six-weeks-before": fostering.notice("six-weeks-before"),
    "private-fostering-at-once": fostering.notice("at-once"),
    "private-fostering-emergency": fostering.notice("emergency"),
    "private-fostering-ended": fostering.notice("ended"),
    "housing-refusal-lawful": housing.housing_refusal_lawful,
    "housing-agreement-missing": housing.housing_agreement_missing,
    "housing-agreement-unknown": housing.housing_agreement_unknown,
    "housing-agreement-by-missing": housing.housing_agreement_by_missing,
    "housing-applicant-age": housing.housing_applicant_age,
    "housing-recipients-missing": housing.housing_recipients_missing,
    "housing-placed-by-missing": housing.housing_placed_by_missing,
    **{code: withheld.rests_on(reason) for code, reason in withheld.MISCONCEPTIONS.items()},
    "challenge-reason-missing": withheld.challenge_reason_missing,
    "challenge-reason-unknown": withheld.challenge_reason_unknown,
    "challenge-rationale-missing": withheld.challenge_rationale_missing,
    "challenge-young-persons-confidence": withheld.challenge_young_persons_confidence,
    "same-day-review": withheld.same_day_review,
    "second-decision-maker": withheld.second_decision_maker,
    "review-date-missing": withheld.review_date_missing,
    "review-date-past": withheld.review_date_past,
    "review-date-far": withheld.review_date_far,
    "awaiting-advice-too-long": withheld.awaiting_advice_too_long,
    "requester-reply-missing": withheld.requester_reply_missing,
    "requester-reply-details-missing": withheld.requester_reply_details_missing,
    **{code: was_noticed(code) for code in NOTICED},
}
"""The table. A test holds it one to one against the data."""
