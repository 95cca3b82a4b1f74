"""Distinct shares for the benchmarks: invented children with test numbers, a new one each time."""

import itertools
import secrets

import orjson

_count = itertools.count(secrets.randbelow(1_000_000))


def share_body() -> bytes:
    """Return a whole share about a child that no other share is about."""
    number = next(_count)
    return orjson.dumps(
        {
            "format": "safeguarding-exchange/share/v1",
            "practitioner": {"name": "Marian Oduya-Finch", "role": "designated safeguarding lead"},
            "child": {
                "family_name": "Marrow-Tate",
                "given_names": f"Ellis {number}",
                "date_of_birth": "2020-03-31",
                "identifiers": [{"scheme": "local", "value": f"pupil-{number}"}],
                "address": {"lines": ["1 Example Terrace"], "authority": "E06000005"},
            },
            "concern": {"level": "significant_harm", "seen_or_said": "A linear bruise on the left arm."},
            "rationale": "He is collected at 15:15 and may meet the same adult at home.",
            "consent": {"status": "not_sought", "no_consent_reason": "would_prejudice_protection"},
            "family_informed": {"informed": False, "reason_not_informed": "raises_risk"},
            "lawful_basis": {"article_6": "6(1)(c)", "condition": "sch1_para18"},
            "decided_at": "2026-11-24T10:50:00Z",
        }
    )
