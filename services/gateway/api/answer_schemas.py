"""JSON Schema of what the exchange answers and pushes."""

from collections.abc import Mapping

import msgspec

from shared.ledger.audit_messages import WhoKnew
from shared.vocabulary import LadderState, Urgency

Schema = dict[str, object]

TEXT: Schema = {"type": "string"}
TIME: Schema = {"type": "string", "format": "date-time"}
ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
ANYTHING: Schema = {"description": "Any value"}
OPTIONAL_TEXT: Schema = {"type": ["string", "null"]}


def _object(description: str, required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    return {
        "type": "object",
        "description": description,
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }


def _list(name: str) -> Schema:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


_TELLING: Mapping[str, Schema] = {
    "recipient": TEXT,
    "name": TEXT,
    "reasons": {"type": "array", "items": TEXT},
    "urgency": {"type": "string", "enum": [each.value for each in Urgency]},
    "due_at": TIME,
}
_RECEIPT = _object("Proof, offline, that the entry is in the ledger", {"entry": TEXT, "proof": TEXT})
_JUDGED = _object(
    "By which rules, the law of which day, under which regime",
    {"rules": TEXT, "law_as_at": TEXT, "nation": TEXT, "regime": {"type": "string", "enum": ["duty", "permissive"]}},
)

ANSWERS: Mapping[str, Schema] = {
    "Problem": _object(
        "What went wrong and what to do (RFC 9457). It repeats nothing that was sent",
        {"type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT, "remedy": TEXT},
        {
            "outcome": {
                "type": "string",
                "enum": ["unknown"],
                "description": "It may have been recorded: send the same again with the same Idempotency-Key",
            },
            "call": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/Telephone"},
                "description": "What could not be taken may be an immediate danger: call them now",
            },
            "violated-policies": {"type": "array", "items": TEXT},
        },
    ),
    "Telephone": _object(
        "Whom to call", {"who": TEXT, "telephone": OPTIONAL_TEXT, "out_of_hours_telephone": OPTIONAL_TEXT}
    ),
    "RuleSaid": _object(
        "A rule that spoke; ``member-misspelt`` points at the members that were meant",
        {"code": TEXT, "message": TEXT, "source": TEXT},
        {"members": {"type": "array", "items": TEXT}},
    ),
    "Told": _object("Who is told, why and by when", {"obligation": TEXT, **_TELLING, "calendar": TEXT}),
    "WouldTell": _object("Who would be told, why and by when", {**_TELLING, "calendar": TEXT}),
    "Recorded": _object(
        "What was recorded, with its receipt. Keep it whole: it is evidence",
        {
            "kind": TEXT,
            "result": {"type": "string", "enum": ["accepted", "accepted_with_advice"]},
            "id": ID,
            "position": {"type": "integer", "minimum": 0},
            "recorded_at": TIME,
            "child": {"type": ["object", "null"]},
            "receipt": _RECEIPT,
        },
        {
            "acted_on": {"type": "object"},
            "judged": _JUDGED,
            "advice": _list("RuleSaid"),
            "challenges": _list("RuleSaid"),
            "told": _list("Told"),
        },
    ),
    "Assessed": _object(
        "What recording it would do, and what the rules say. Nothing was recorded",
        {
            "kind": {"type": "string", "enum": ["assessment"]},
            "of": TEXT,
            "would_be": {"type": "string", "enum": ["accepted", "accepted_with_advice"]},
            "judged": _JUDGED,
            "challenges": _list("RuleSaid"),
            "would_tell": _list("WouldTell"),
        },
    ),
    "NotificationStatus": _object(
        "How far one notification has come",
        {
            "id": TEXT,
            **_TELLING,
            "state": {"type": "string", "enum": [each.value for each in LadderState]},
            "since": OPTIONAL_TEXT,
            "in_human_queue": {"type": "boolean"},
            "outcome": OPTIONAL_TEXT,
            "overdue": {"type": "boolean"},
            "unanswered": {"type": "boolean"},
        },
    ),
    "RecordStatus": _object(
        "How a record stands, what followed from it, and how far each notification has come",
        {
            "id": ID,
            "type": TEXT,
            "position": {"type": "integer", "minimum": 0},
            "recorded_at": TIME,
            "receipt": {"anyOf": [_RECEIPT, {"type": "null"}]},
            "standing": {"type": "object"},
            "notifications": _list("NotificationStatus"),
            "history": {"type": "array", "items": {"type": "object"}},
        },
    ),
    "OverdueReviews": _object(
        "The sender's own withholdings that should have been reviewed by now",
        {"overdue_reviews": {"type": "array", "items": {"type": "object"}}},
    ),
    "ShownEntry": _object(
        "One entry of a chronology as its reader may see it",
        {
            "id": ID,
            "type": TEXT,
            "position": {"type": "integer", "minimum": 0},
            "recorded_at": TIME,
            "agency": OPTIONAL_TEXT,
            "about": {"type": "array", "items": ID},
            "codes": {"type": "object"},
            "notifications": {"type": "array", "items": {"type": "object"}},
            "content_is": {"type": "string", "enum": ["shown", "not_shown", "erased", "none"]},
            "content": ANYTHING,
        },
    ),
    "Chronology": _object(
        "What was recorded about a child, as far as the reader's part in its case goes, oldest first",
        {
            "child": ID,
            "as_at": TIME,
            "your_roles": {"type": "array", "items": TEXT},
            "responsible": OPTIONAL_TEXT,
            "entries": _list("ShownEntry"),
            "next_after": {"type": ["integer", "null"]},
            "looked_at_position": {"type": "integer", "minimum": 0},
        },
    ),
    "Found": _object(
        "The child that an identifier names, or nobody",
        {
            "kind": {"type": "string", "enum": ["search"]},
            "looked_up": {"type": "integer", "minimum": 0},
            "found": {"type": "array", "maxItems": 1, "items": _object("A child", {"ref": ID})},
        },
    ),
    "Opened": _object(
        "The opening, with its receipt, and what was sealed, with the salt that its entry's commitment was made with",
        {"opening": {"type": "object"}, "content_base64": TEXT, "salt_base64": TEXT},
    ),
    "OpenedSignatures": _object(
        "A page of the signatures that a run opened, and the entry that records it",
        {
            "signatures": {"type": "array", "items": {"type": "object"}},
            "recorded_at_position": {"type": "integer", "minimum": 0},
        },
    ),
    "Keys": _object(
        "The key that signs answers, and the log's verifier keys",
        {
            "keys": {"type": "array", "items": {"type": "object"}},
            "origin": TEXT,
            "log": TEXT,
            "log_keys": {"type": "array", "items": TEXT},
        },
    ),
    "Registration": _object(
        "How the agency is registered, with its keys and endpoints",
        {"keys": {"type": "array", "items": {"type": "object"}}, "registry_position": {"type": "integer"}},
    ),
    "Health": _object("That the process runs, or is ready", {"status": {"type": "string", "enum": ["alive", "ready"]}}),
    "Before": _object(
        "What was recorded of the same record before",
        {
            "id": TEXT,
            "type": TEXT,
            "position": {"type": "integer"},
            "time": TIME,
            "agency": OPTIONAL_TEXT,
            "content": {},
        },
    ),
    "PushedObligation": _object(
        "Why this recipient is told, and by when",
        {
            "id": TEXT,
            "recipient": TEXT,
            "reasons": {"type": "array", "items": TEXT},
            "urgency": TEXT,
            "due_at": TIME,
            "calendar": TEXT,
        },
    ),
    "Pushed": _object(
        "A notification (CloudEvents 1.0), the same bytes on every attempt",
        {
            "specversion": {"type": "string", "enum": ["1.0"]},
            "id": TEXT,
            "source": TEXT,
            "type": {"type": "string", "pattern": r"^safeguarding-exchange\.[a-z_]+\.[a-z_]+\.v1$"},
            "subject": OPTIONAL_TEXT,
            "time": TIME,
            "datacontenttype": {"type": "string", "enum": ["application/json"]},
            "data": _object(
                "The notification, the ledger's entry, and the record as its sender signed it",
                {
                    "obligation": {"$ref": "#/components/schemas/PushedObligation"},
                    "position": {"type": "integer", "minimum": 0},
                    "entry": {"type": "object"},
                    "content": {"description": "null for who is told without detail, and for what has been erased"},
                    "history": _list("Before"),
                },
            ),
        },
    ),
}
"""By name, as ``#/components/schemas/``. Members may be added in a version; none is taken away."""


def answer_schemas() -> dict[str, Schema]:
    """Return the schemas of all that is answered and pushed; what auditors are answered is as the ledger sends it."""
    _, known = msgspec.json.schema_components(
        [WhoKnew], ref_template="#/components/schemas/{name}", schema_hook=lambda _type: dict(ANYTHING)
    )
    return {**ANSWERS, **known}
