"""What a record cannot do without, as JSON Schema: the little that keeps it from being refused as about nobody."""

from collections.abc import Mapping

Schema = dict[str, object]

SAID: Schema = {"type": "string", "pattern": r"^(?![\s\x1c-\x1f]*(?:NOT_KNOWN|NOT_APPLICABLE)?[\s\x1c-\x1f]*$)"}
"""A text that says something: it is not blank, nor that nothing is known."""

MAY_BE: Schema = {
    "anyOf": [
        {"type": "boolean", "enum": [True]},
        {
            "type": "string",
            "pattern": r"^(?![\s\x1c-\x1f]*(?:NOT_KNOWN|NOT_APPLICABLE|[Nn][Oo]|[Ff][Aa][Ll][Ss][Ee])?[\s\x1c-\x1f]*$)",
        },
    ]
}
"""An answer that is yes, or that nobody can take for a no."""


def some(**members: Schema) -> Schema:
    """Return what holds for an object that has at least one of these members, as they say."""
    return {"type": "object", "anyOf": [{"required": [name], "properties": {name: members[name]}} for name in members]}


def every(**members: Schema) -> Schema:
    """Return what holds for an object that has all these members, as they say."""
    return {"type": "object", "required": list(members), "properties": members}


_SOME_OF_THEM: Schema = {"type": "array", "contains": SAID}
SOMEWHERE = some(lines=_SOME_OF_THEM, postcode=SAID, authority=SAID, description=SAID, name=SAID)
_BY: dict[str, Schema] = {
    "family_name": SAID,
    "given_names": SAID,
    "also_known_as": _SOME_OF_THEM,
    "date_of_birth": SAID,
    "expected_date_of_birth": SAID,
    "description": SAID,
    "identifiers": {"type": "array", "contains": every(value=SAID)},
}
SOMEBODY = some(**_BY)
SOMEBODY_OR_SOMEWHERE = some(**_BY, address=SOMEWHERE, found_at=SOMEWHERE)
SOMETHING_SAID = some(level=SAID, seen_or_said=SAID, opinion=SAID, immediate_danger=MAY_BE)


def _base64url(length: int) -> Schema:
    return {"type": "string", "pattern": f"^[A-Za-z0-9_-]{{{length}}}$"}


_ED25519 = every(kty={"type": "string", "enum": ["OKP"]}, crv={"type": "string", "enum": ["Ed25519"]}, x=_base64url(43))
_P256 = every(
    kty={"type": "string", "enum": ["EC"]},
    crv={"type": "string", "enum": ["P-256"]},
    x=_base64url(43),
    y=_base64url(43),
)

READABLE: Mapping[str, Schema] = {
    "ShareRecord": {
        "allOf": [
            some(child=SOMEBODY_OR_SOMEWHERE, place=SOMEWHERE),
            some(concern=SOMETHING_SAID, rationale=SAID),
        ]
    },
    "WithholdingRecord": {"allOf": [every(child=some(**_BY, address=SOMEWHERE))]},
    "WhereaboutsRecord": {
        "allOf": [every(child=SOMEBODY, where=some(lines=_SOME_OF_THEM, postcode=SAID, authority=SAID))]
    },
    "HousingNoticeRecord": {"allOf": [every(child=SOMEBODY)]},
    "ShareCorrectionRecord": {"allOf": [some(record={"type": "object"}, members={"type": "object"})]},
    "WithholdingCorrectionRecord": {"allOf": [every(record={"type": "object"})]},
    "WhereaboutsCorrectionRecord": {"allOf": [every(record={"type": "object"})]},
    "DisputeRecord": {"allOf": [some(statement=SAID, disputed=SAID)]},
    "OwnKeyRecord": {"allOf": [every(jwk={"anyOf": [_ED25519, _P256]}, proof=_base64url(86))]},
    "OpeningRecord": {"allOf": [every(entry={"type": "string", "pattern": "^[0-9a-f]{32}$"}, note=SAID)]},
    "SignaturesRecord": {"allOf": [every(note=SAID)]},
    "AcknowledgementRecord": {
        "anyOf": [
            every(state={"type": "string", "enum": ["received"]}),
            every(state={"type": "string", "enum": ["owned", "decided"]}, person=every(name=SAID)),
        ]
    },
}
"""What each kind of record must say at the least. ``services/gateway/domain`` refuses what says less."""
