"""JSON Schema of the records, from the very shapes that bodies are decoded with and the words that describe them.

A schema says what is accepted, no less and no more: a word that is none of a list is accepted, and the schema says so.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from services.gateway.api.describing.amendments import AMENDMENTS
from services.gateway.api.describing.concern import CONCERN
from services.gateway.api.describing.member import Member, Members
from services.gateway.api.describing.own_keys import OWN_KEYS
from services.gateway.api.describing.people import PEOPLE
from services.gateway.api.describing.records import RECORDS
from services.gateway.api.readable import READABLE
from services.gateway.domain.amendment import (
    ConsentWithdrawalRecord,
    DisputeRecord,
    RetractionRecord,
    ShareCorrectionRecord,
    WhereaboutsCorrectionRecord,
    WithholdingCorrectionRecord,
    WithholdingReviewRecord,
)
from services.gateway.domain.record import (
    AcknowledgementRecord,
    HousingNoticeRecord,
    ShareRecord,
    WhereaboutsRecord,
    WithholdingRecord,
)
from services.gateway.read_case import SearchRecord
from services.gateway.read_ledger import OpeningRecord, SignaturesRecord
from shared.ledger.own_keys import OwnKeyRecord, OwnKeyRevocationRecord
from shared.protection import MARK, Protection
from shared.vocabulary import NOT_APPLICABLE, NOT_KNOWN

Schema = dict[str, object]

DESCRIBED: Mapping[str, Members] = {**PEOPLE, **CONCERN, **RECORDS, **AMENDMENTS, **OWN_KEYS}
"""What is said of every member, by shape."""

PUBLISHED: Mapping[str, type] = {
    "share": ShareRecord,
    "withholding": WithholdingRecord,
    "whereabouts": WhereaboutsRecord,
    "housing-notice": HousingNoticeRecord,
    "acknowledgement": AcknowledgementRecord,
    "share-correction": ShareCorrectionRecord,
    "withholding-correction": WithholdingCorrectionRecord,
    "whereabouts-correction": WhereaboutsCorrectionRecord,
    "withholding-review": WithholdingReviewRecord,
    "retraction": RetractionRecord,
    "dispute": DisputeRecord,
    "consent-withdrawal": ConsentWithdrawalRecord,
    "search": SearchRecord,
    "opening": OpeningRecord,
    "signatures": SignaturesRecord,
    "agency-key": OwnKeyRecord,
    "agency-key-revocation": OwnKeyRevocationRecord,
}
"""The records, by the name under which their schema is published."""

_ANY_MARK: Schema = {"anyOf": [{"enum": [kind.value for kind in Protection]}, {"type": "boolean"}, {}]}
"""No shape decodes a mark of protection: whatever it says is taken as one, and nothing is refused for it."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"
VERSION = "v1"


def published_schema(name: str) -> Schema:
    """Return the schema of a record as a document of its own."""
    shape = PUBLISHED[name]
    components = component_schemas([shape], prefix="#/$defs/")
    return {
        "$schema": DIALECT,
        "$id": f"safeguarding-exchange/{name}/{VERSION}",
        **body_schema(shape, prefix="#/$defs/"),
        "$defs": components,
    }


def body_schema(shape: type, *, prefix: str) -> Schema:
    """Return the schema of a whole body: its shape, and the little that it cannot do without."""
    return {"$ref": prefix + shape.__name__, **READABLE.get(shape.__name__, {})}


def component_schemas(shapes: Sequence[type], *, prefix: str) -> dict[str, Schema]:
    """Return the schemas of shapes and of all they are made of, by name; ``prefix`` is where they refer to each other.

    Raises KeyError for a member that nobody described.
    """
    _, components = msgspec.json.schema_components(shapes, ref_template=prefix + "{name}")
    return {name: _described(name, components[name]) for name in sorted(components)}


def _described(name: str, schema: Schema) -> Schema:
    properties = cast(Mapping[str, Schema], schema["properties"])
    members = DESCRIBED[name]
    made: Schema = {
        "title": name,
        "description": schema["description"],
        "type": "object",
        "properties": {each: _member(properties[each], members[each]) for each in properties},
    }
    if MARK in members:
        mark = {"description": members[MARK].says, "examples": [members[MARK].example], **_ANY_MARK}
        made["properties"] = {**cast(Schema, made["properties"]), MARK: mark}
    if schema.get("required"):
        made["required"] = schema["required"]
    return made


def _member(schema: Schema, member: Member) -> Schema:
    given = cast(list[Schema], schema.get("anyOf", [{key: schema[key] for key in schema if key != "default"}]))
    alternatives = [each for alternative in given for each in _alternatives(alternative, member)]
    if any(each == {"type": "boolean"} for each in alternatives):
        alternatives.insert(1, {"type": "string", "enum": [NOT_KNOWN, NOT_APPLICABLE]})
    if "default" in schema and not any(each == {"type": "null"} for each in alternatives):
        # A list that is null is one that was left out.
        alternatives.append({"type": "null"})
    what = alternatives[0] if len(alternatives) == 1 else {"anyOf": alternatives}
    return {"description": member.says, "examples": [member.example], **what}


def _alternatives(schema: Schema, member: Member) -> list[Schema]:
    if schema.get("type") == "array" and member.words:
        return [{"type": "array", "items": {"anyOf": _alternatives(cast(Schema, schema["items"]), member)}}]
    if schema != {"type": "string"}:
        return [schema]
    if member.closed:
        # There is no year 0 in the calendar that times are reckoned in, though RFC 3339 could write it.
        moment = {"format": member.format, "pattern": "^(?!0000)"}
        return [{"type": "string", **(moment if member.format else {"enum": [*member.words]})}]
    if member.words:
        return [{"type": "string", "enum": list(member.words)}, {"type": "string"}]
    if member.format is not None:
        return [{"type": "string", "format": member.format}, {"type": "string"}]
    return [schema]
