"""Example records for the documents: invented people, and NHS numbers from the range reserved for tests."""

from collections.abc import Mapping

from shared.canonical_json import Json

_PRACTITIONER: Mapping[str, Json] = {
    "name": "Marian Oduya-Finch",
    "role": "designated safeguarding lead",
    "contact": {"telephone": "01632 960011", "email": "dsl@st-hilda.example"},
}
_AT_HOME: Mapping[str, Json] = {"lines": ["1 Example Terrace"], "postcode": "DL1 5QT", "authority": "E06000005"}
_CHILD: Mapping[str, Json] = {
    "family_name": "Marrow-Tate",
    "given_names": "Ellis",
    "date_of_birth": "2020-03-31",
    "identifiers": [
        {"scheme": "nhs_number", "value": "999 007 3104", "traced": True},
        {"scheme": "local", "value": "SH-0417"},
    ],
    "address": _AT_HOME,
}
_CHILD_OF_A_REFERRAL: Mapping[str, Json] = {
    **_CHILD,
    "also_known_as": ["Eli"],
    "sex": "male",
    "first_language": "English",
    "interpreter": False,
    "disabled": "NOT_KNOWN",
    "found_at": {"name": "St Hilda's Primary", "postcode": "DL1 5QT"},
    "school": {"name": "St Hilda's Primary", "authority": "E06000005"},
    "carers": [
        {
            "name": "Dorrit Marrow-Tate",
            "relationship": "mother",
            "parental_responsibility": True,
            "lives_with_child": True,
            "contact": {"telephone": "01632 960012"},
        }
    ],
    "household": [{"name": "Ada Marrow-Tate", "relationship": "sister", "date_of_birth": "2023-08-14"}],
}

EXAMPLES: Mapping[str, Mapping[str, Json]] = {
    "ShareRecord": {
        "format": "safeguarding-exchange/share/v1",
        "practitioner": {**_PRACTITIONER, "relationship_to_child": "teaches him"},
        "child": _CHILD_OF_A_REFERRAL,
        "concern": {
            "level": "significant_harm",
            "seen_or_said": "Linear bruise on the left arm; said that a visitor hit him with a belt.",
            "opinion": "I believe what he says.",
            "observed_at": "2026-11-24T10:40:00Z",
            "immediate_danger": False,
            "possible_crime": True,
            "indicators": ["injury"],
            "child_views": "He does not want to go home today.",
            "family_views": "NOT_KNOWN",
            "early_help": False,
            "support_tried": "A family support worker called in October; the calls were not returned.",
            "agencies_involved": [{"agency": "Linthorpe Surgery", "what": "health visiting, for his sister"}],
            "desired_outcome": "That somebody sees him before he is collected.",
            "keep_from": [{"what": "where he said it", "whom": "mother's partner", "why": "He may be hurt for it."}],
        },
        "rationale": "He is collected at 15:15 and may meet the same adult at home.",
        "consent": [
            {"status": "not_sought", "no_consent_reason": "cannot_be_given", "whose": "child"},
            {"status": "not_sought", "no_consent_reason": "would_prejudice_protection", "whose": "mother"},
        ],
        "family_informed": {"informed": False, "reason_not_informed": "raises_risk"},
        "lawful_basis": {"article_6": "6(1)(c)", "condition": "sch1_para18"},
        "advice_sought": [
            {
                "whom": "Rosalind Achterberg",
                "role": "duty social worker",
                "at": "2026-11-24T10:52:00Z",
                "what_they_said": "Keep him at school; do not speak to the family first.",
            }
        ],
        "verbal_at": "2026-11-24T10:52:00Z",
        "verbal_to": "Rosalind Achterberg, duty desk",
        "incident_ref": "0b1d0f6e-9d2c-4a7f-8e35-5a90c1d2e7b4",
        "attachments": [
            {
                "name": "body map",
                "media_type": "application/pdf",
                "size_bytes": 48211,
                "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "held_by": "st-hilda-primary",
            }
        ],
        "recipients": ["E06000005"],
        "decided_at": "2026-11-24T10:50:00Z",
    },
    "WithholdingRecord": {
        "format": "safeguarding-exchange/withholding/v1",
        "practitioner": {"name": "Piers Haldane-Moss", "role": "receptionist"},
        "child": _CHILD,
        "reasons": ["gdpr"],
        "rationale": "Told that data protection does not allow it.",
        "requested_by": {
            "name": "Rowan Petrie",
            "role": "family support worker",
            "agency": "A housing charity",
            "what": "Anything that bears on the family's support.",
            "asked_at": "2026-11-24T09:15:00Z",
        },
        "reply_to_requester": {
            "given": True,
            "at": "2026-11-24T11:25:00Z",
            "means": "email",
            "text": "There is nothing that we may pass on.",
        },
        "concern": {"indicators": ["injury"]},
        "review_on": "2026-12-01",
        "decided_at": "2026-11-24T11:30:00Z",
    },
    "WhereaboutsRecord": {
        "format": "safeguarding-exchange/whereabouts/v1",
        "practitioner": {"name": "Anneke Brough", "role": "nursery manager"},
        "child": _CHILD,
        "where": {"role": "living_at", "postcode": "DH1 5UL", "authority": "E06000047"},
        "permanence": "permanent",
        "since": "2026-11-20",
        "how_known": "Registered by his grandmother with a new tenancy.",
    },
    "HousingNoticeRecord": {
        "format": "safeguarding-exchange/housing-notice/v1",
        "practitioner": {"name": "Tamsin Okafor-Lisle", "role": "housing officer"},
        "child": _CHILD,
        "accommodation": {"lines": ["4 Example Court"], "authority": "E07000073"},
        "placed_by": "westminster-housing",
        "agreement": {"status": "given", "by": "parent", "on": "2026-11-24"},
        "tell": [{"kind": "gp", "agency": "linthorpe-surgery"}, {"kind": "school", "name": "Example Primary, Harlow"}],
        "decided_at": "2026-11-24T15:00:00Z",
    },
    "ShareCorrectionRecord": {
        "format": "safeguarding-exchange/correction/v1",
        "practitioner": _PRACTITIONER,
        "why": "The address was the family's former one; he lives with his grandmother.",
        "members": {"child": {"address": {"lines": ["3 Sample Row"], "postcode": "DH1 5UL", "authority": "E06000047"}}},
        "decided_at": "2026-11-24T14:05:00Z",
    },
    "WithholdingCorrectionRecord": {
        "format": "safeguarding-exchange/correction/v1",
        "practitioner": {"name": "Piers Haldane-Moss", "role": "receptionist"},
        "why": "The reason was not the right one.",
        "record": {
            "format": "safeguarding-exchange/withholding/v1",
            "practitioner": {"name": "Piers Haldane-Moss", "role": "receptionist"},
            "child": _CHILD,
            "reasons": ["awaiting_advice"],
            "rationale": "The practice's safeguarding lead has been asked and answers today.",
            "review_on": "2026-11-25",
        },
    },
    "WithholdingReviewRecord": {
        "format": "safeguarding-exchange/review/v1",
        "practitioner": {"name": "Dr Ilse Brandreth", "role": "safeguarding lead"},
        "decision": "confirm",
        "reasons": ["not_necessary_for_recipient_function"],
        "rationale": "The charity arranges furniture; nothing we hold bears on that. Social care has all of it.",
        "review_on": "2026-12-24",
        "decided_at": "2026-11-24T12:10:00Z",
    },
    "WhereaboutsCorrectionRecord": {
        "format": "safeguarding-exchange/correction/v1",
        "practitioner": {"name": "Anneke Brough", "role": "nursery manager"},
        "why": "He only stays there until the school holidays.",
        "record": {
            "format": "safeguarding-exchange/whereabouts/v1",
            "child": _CHILD,
            "where": {"role": "living_at", "postcode": "DH1 5UL", "authority": "E06000047"},
            "permanence": "temporary",
        },
    },
    "RetractionRecord": {
        "format": "safeguarding-exchange/retraction/v1",
        "practitioner": _PRACTITIONER,
        "reason": "wrong_child",
        "why": "Two children of that name; it was the other one.",
        "decided_at": "2026-11-24T14:10:00Z",
    },
    "DisputeRecord": {
        "format": "safeguarding-exchange/dispute/v1",
        "practitioner": {"name": "Rosalind Achterberg", "role": "duty social worker"},
        "on_behalf_of": "child",
        "disputed": "That a visitor hit him.",
        "statement": "He says that he fell against the gate, and wants that written down too.",
        "decided_at": "2026-11-25T09:30:00Z",
    },
    "ConsentWithdrawalRecord": {
        "format": "safeguarding-exchange/consent-withdrawal/v1",
        "practitioner": _PRACTITIONER,
        "whose": "parent_or_carer",
        "statement": "His mother no longer wants the school to pass anything on.",
        "withdrawn_at": "2026-11-25T08:50:00Z",
    },
    "AcknowledgementRecord": {
        "format": "safeguarding-exchange/acknowledgement/v1",
        "state": "owned",
        "person": {"name": "Rosalind Achterberg", "role": "duty social worker"},
    },
    "OwnKeyRecord": {
        "format": "safeguarding-exchange/agency-key/v1",
        "jwk": {
            "crv": "Ed25519",
            "kty": "OKP",
            "x": "P_mLv-rw7iivajzOiRrbU0v7W_XVOBSceX-eymxW93A",
            "kid": "4quIy6mP9JjO0Gfw1MJaKkNrdkp7nssUJkYRF8XV5cU",
        },
        "proof": "WqYNsN1mvN0y9X-1k9AviIVE6hJ-s38ezgm8Ga7f2AGlwhyJRRqTLQ6Am96pKL9PtNzqw-xjq8Kn_A7kiJZzBw",
        "valid_from": "2026-12-01T00:00:00Z",
        "valid_until": "2028-12-01T00:00:00Z",
    },
    "OwnKeyRevocationRecord": {
        "format": "safeguarding-exchange/agency-key-revocation/v1",
        "reason": "compromised",
        "compromised_from": "2026-11-23T08:00:00Z",
    },
    "SearchRecord": {
        "format": "safeguarding-exchange/search/v1",
        "child": {"date_of_birth": "2020-03-31", "identifiers": _CHILD["identifiers"]},
    },
    "OpeningRecord": {
        "entry": "6f1a0c9d3b7e4f2a8c5d1e0b9a7f3c24",
        "section": "body",
        "reason": "practice_review",
        "note": "Local child safeguarding practice review 2026/3, terms of reference section 4.",
    },
    "SignaturesRecord": {
        "run": "2026-yearly-check",
        "size": 4712,
        "after": -1,
        "limit": 200,
        "compared": "none",
        "reason": "integrity",
        "note": "Yearly check of all signatures, audit plan section 2.",
    },
}

PUSHED: Mapping[str, Json] = {
    "specversion": "1.0",
    "id": "6f1a0c9d3b7e4f2a8c5d1e0b9a7f3c24-0",
    "source": "//exchange.example/ledger",
    "type": "safeguarding-exchange.share.recorded.v1",
    "subject": "c0ffee00c0ffee00c0ffee00c0ffee00",
    "time": "2026-11-24T10:55:02.114530Z",
    "datacontenttype": "application/json",
    "data": {
        "obligation": {
            "id": "6f1a0c9d3b7e4f2a8c5d1e0b9a7f3c24-0",
            "recipient": "authority:E06000005",
            "reasons": ["lives_in_area", "named_by_sender"],
            "urgency": "same_day",
            "due_at": "2026-11-25T17:00:00.000000Z",
            "calendar": "working_days:England",
        },
        "position": 4711,
        "entry": {"type": "share.recorded", "agency": "st-hilda-primary", "facts": {"level": "significant_harm"}},
        "content": EXAMPLES["ShareRecord"],
        "history": [],
    },
}
"""What an authority is pushed because of the share."""
