"""The closed lists of words that entries, requests and pages use, one word per thing."""

from enum import StrEnum


class EntryType(StrEnum):
    """What kind of fact a ledger entry records. Facts are in the past tense."""

    LEDGER_OPENED = "ledger.opened"
    AGENCY_REGISTERED = "agency.registered"
    AGENCY_KEY_ADDED = "agency.key_added"
    AGENCY_KEY_REVOKED = "agency.key_revoked"
    ENDPOINT_REGISTERED = "endpoint.registered"
    ENDPOINT_WITHDRAWN = "endpoint.withdrawn"
    SHARE_RECORDED = "share.recorded"
    WITHHOLDING_RECORDED = "withholding.recorded"
    WHEREABOUTS_REPORTED = "whereabouts.reported"
    HOUSING_NOTICE_RECORDED = "housing_notice.recorded"
    CHILD_MOVE_SUSPECTED = "child.move_suspected"
    NOTIFICATION_DELIVERED = "notification.delivered"
    NOTIFICATION_RECEIVED = "notification.received"
    NOTIFICATION_OWNED = "notification.owned"
    NOTIFICATION_DECIDED = "notification.decided"
    NOTIFICATION_QUEUED = "notification.queued"
    NOTIFICATION_OVERDUE = "notification.overdue"
    QUEUE_ASSIGNED = "queue.assigned"
    QUEUE_RESOLVED = "queue.resolved"
    CONTENT_OPENED = "content.opened"
    AUDIT_OPENED = "audit.opened"
    CHRONOLOGY_READ = "chronology.read"
    CHILD_SEARCHED = "child.searched"
    ERASURE_RECORDED = "erasure.recorded"
    REQUEST_CONFLICTED = "request.conflicted"
    ENCRYPTION_KEY_ROTATED = "encryption_key.rotated"
    ENCRYPTION_KEY_DESTROYED = "encryption_key.destroyed"
    LOG_KEY_ADDED = "log_key.added"
    LOG_KEY_RETIRED = "log_key.retired"
    RECORD_CORRECTED = "record.corrected"
    RECORD_RETRACTED = "record.retracted"
    RECORD_DISPUTED = "record.disputed"
    CONSENT_WITHDRAWN = "consent.withdrawn"
    WITHHOLDING_REVIEWED = "withholding.reviewed"
    WITHHOLDING_REOPENED = "withholding.reopened"
    WITHHOLDING_REVIEW_OVERDUE = "withholding.review_overdue"
    HOLD_PLACED = "hold.placed"
    HOLD_LIFTED = "hold.lifted"
    ERASURE_PROPOSED = "erasure.proposed"
    ERASURE_APPROVED = "erasure.approved"
    ERASURE_WITHDRAWN = "erasure.withdrawn"
    RETENTION_PROPOSED = "retention.proposed"
    RETENTION_APPROVED = "retention.approved"
    RETENTION_WITHDRAWN = "retention.withdrawn"
    APPROVER_KEY_ADDED = "approver.key_added"
    APPROVER_KEY_REVOKED = "approver.key_revoked"


class Level(StrEnum):
    """How serious a concern is, from least to most urgent."""

    EARLY_HELP = "early_help"
    CHILD_IN_NEED = "child_in_need"
    SIGNIFICANT_HARM = "significant_harm"
    IMMEDIATE_DANGER = "immediate_danger"


class Urgency(StrEnum):
    """By when a recipient must act."""

    IMMEDIATE = "immediate"
    SAME_DAY = "same_day"
    ONE_WORKING_DAY = "one_working_day"
    ROUTINE = "routine"


class DutyClass(StrEnum):
    """Which duty to share an agency has (Children Act 2004 s.16LA)."""

    S11_BODY = "s11_body"
    DESIGNATED_EDUCATION_CHILDCARE = "designated_education_childcare"
    CONTRACTED_PROVIDER = "contracted_provider"
    VOLUNTARY_OTHER = "voluntary_other"


class AgencyRole(StrEnum):
    """What an agency may do beyond taking part."""

    AUDITOR = "auditor"


class OpeningReason(StrEnum):
    """Why an auditor opens sealed content by break-glass."""

    PRACTICE_REVIEW = "practice_review"
    INSPECTION = "inspection"
    COMPLAINT = "complaint"
    COURT_ORDER = "court_order"
    SUBJECT_ACCESS = "subject_access"
    INTEGRITY = "integrity"


class RuleAnswer(StrEnum):
    """How a rule answers a decision. There is no *refuse*: no rule turns a concern away."""

    ADVISE = "advise"
    CHALLENGE = "challenge"
    ESCALATE = "escalate"


class ConsentStatus(StrEnum):
    """Whether consent was had. A recorded fact, never a gate on a safeguarding share."""

    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    NOT_SOUGHT = "not_sought"
    NOT_NEEDED = "not_needed"


class NoConsentReason(StrEnum):
    """The three reasons of Data Protection Act 2018 Schedule 1 paragraph 18(2)."""

    CANNOT_BE_GIVEN = "cannot_be_given"
    NOT_REASONABLE_TO_OBTAIN = "not_reasonable_to_obtain"
    WOULD_PREJUDICE_PROTECTION = "would_prejudice_protection"


class WithholdReason(StrEnum):
    """Why information was withheld. Those from ``gdpr`` on are misconceptions and are always challenged."""

    MORE_DETRIMENTAL_TO_CHILD = "more_detrimental_to_child"
    NOT_RELEVANT = "not_relevant"
    NOT_NECESSARY_FOR_RECIPIENT_FUNCTION = "not_necessary_for_recipient_function"
    REG13_3_RISK = "reg13_3_risk"
    RECIPIENT_IDENTITY_UNVERIFIED = "recipient_identity_unverified"
    CONSENT_BASED_NOTICE_REFUSED = "consent_based_notice_refused"
    LEGAL_PRIVILEGE_OR_COURT = "legal_privilege_or_court"
    AWAITING_ADVICE = "awaiting_advice"
    YOUNG_PERSONS_CONFIDENCE = "young_persons_confidence"
    GDPR = "gdpr"
    NO_CONSENT = "no_consent"
    NOT_MY_ROLE = "not_my_role"
    SOMEONE_ELSE_WILL = "someone_else_will"
    COLLECTED_FOR_OTHER_PURPOSE = "collected_for_other_purpose"
    DUTY_OF_CONFIDENCE = "duty_of_confidence"
    HUMAN_RIGHTS = "human_rights"
    NO_SHARING_AGREEMENT = "no_sharing_agreement"
    NO_SYSTEM_FOR_IT = "no_system_for_it"


HOLDS_WHATEVER_IS_OBSERVED = frozenset(
    {
        WithholdReason.REG13_3_RISK.value,
        WithholdReason.LEGAL_PRIVILEGE_OR_COURT.value,
        WithholdReason.CONSENT_BASED_NOTICE_REFUSED.value,
    }
)
"""Reasons of law that no indicator of harm outweighs: regulation 13(3) withholds because of a risk of that harm."""


class AuthorityRole(StrEnum):
    """What an authority is to a child. A child has several at once."""

    LIVING_AT = "living_at"
    FOUND_AT = "found_at"
    ORDINARILY_RESIDENT = "ordinarily_resident"
    LOOKED_AFTER_BY = "looked_after_by"
    PLACED_IN = "placed_in"
    PLAN_HELD_BY = "plan_held_by"
    COURT_DESIGNATED = "court_designated"
    DETAINED_IN = "detained_in"
    EDUCATION = "education"
    CONTEXT_LOCATION = "context_location"


class LadderState(StrEnum):
    """How far an obligation has been carried out. There is no *failed* and no *discarded*."""

    OWED = "owed"
    DELIVERED = "delivered"
    RECEIVED = "received"
    OWNED = "owned"
    DECIDED = "decided"


LADDER = (
    LadderState.OWED,
    LadderState.DELIVERED,
    LadderState.RECEIVED,
    LadderState.OWNED,
    LadderState.DECIDED,
)
"""The ladder from bottom to top; a later state implies the earlier ones."""

WITHOUT_DETAIL = "moved_told_without_detail"
"""A reason to tell a recipient that something was recorded, and where in outline, without what was recorded."""

NOT_KNOWN = "NOT_KNOWN"
NOT_APPLICABLE = "NOT_APPLICABLE"
"""Answers of their own in a form's fields, so that a blank is never mistaken for either."""

NOBODY_CAN_PLACE_IT = "nobody_can_place_it"
"""Why a record waits for a person: no rule found whom to tell of it."""

ADDRESS_NOT_PLACED = "address_not_placed"
"""Why a record waits for a person: somebody is told of it, and an address in it lies nobody knows where."""

PLACED_BY_A_PERSON = "placed_by_a_person"
"""The reason for telling an authority to which a person passed on what no rule could place: it must find the child."""

PASSED_ON_BY_A_PERSON = "passed_on_by_a_person"
"""The reason for telling an authority to which a person passed on what asked nothing of a place."""
