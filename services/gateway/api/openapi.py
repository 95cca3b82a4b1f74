"""What the OpenAPI document says of each route, taken from the very shapes that bodies are decoded with."""

from typing import cast

import msgspec

from services.gateway.api.examples import EXAMPLES
from services.gateway.api.problems import MEDIA_TYPE, PROBLEMS

DESCRIPTION = (
    "Agencies tell children's social care what they know about a child at risk. Every request is signed (RFC 9421), "
    "every answer carries a receipt that proves offline that the decision is in the ledger. See docs/api.md."
)

_SIGNED_HEADERS = ("Content-Digest", "Signature-Input", "Signature")


def post_operation(shape: type) -> dict[str, object]:
    """Return what is said of a route that records a decision."""
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _schema(shape), "example": EXAMPLES[shape.__name__]}},
        },
        "parameters": [_header(name) for name in ("Idempotency-Key", *_SIGNED_HEADERS)],
        "responses": {
            "201": _answer("Recorded, with a receipt"),
            **_problems({400, 401, 403, 404, 409, 413, 415, 422, 429, 503}),
        },
    }


def assessment_operation(shape: type) -> dict[str, object]:
    """Return what is said of the route that assesses a decision and records nothing."""
    operation = post_operation(shape)
    answers = {"200": _answer("What recording it would do"), **_problems({400, 401, 413, 415, 422, 429, 503})}
    return {**operation, "responses": answers}


def acknowledgement_operation(shape: type) -> dict[str, object]:
    """Return what is said of the route that acknowledges a notification."""
    operation = post_operation(shape)
    parameters = cast(list[object], operation["parameters"])
    parameters.append(_path_parameter("notification"))
    return operation


def amendment_operation(shape: type) -> dict[str, object]:
    """Return what is said of a route that amends a record."""
    operation = post_operation(shape)
    parameters = cast(list[object], operation["parameters"])
    parameters.append(_path_parameter("record"))
    return operation


def own_key_operation(shape: type, *path_parameters: str) -> dict[str, object]:
    """Return what is said of a route by which an agency keeps its own keys."""
    operation = post_operation(shape)
    parameters = cast(list[object], operation["parameters"])
    parameters.extend(_path_parameter(name) for name in path_parameters)
    return operation


def own_registration_operation() -> dict[str, object]:
    """Return what is said of the route that shows an agency its own registration."""
    return {
        "parameters": [_header(name) for name in _SIGNED_HEADERS[1:]],
        "responses": {"200": _answer("How the agency is registered"), **_problems({401, 429, 503})},
    }


def read_operation(named: tuple[str, ...]) -> dict[str, object]:
    """Return what is said of a route that reads records back; ``named`` are the parts of its path that vary."""
    return {
        "parameters": [*map(_header, _SIGNED_HEADERS[1:]), *map(_path_parameter, named)],
        "responses": {"200": _answer("How far each notification has come"), **_problems({401, 403, 404, 429, 503})},
    }


def audit_operation(media_type: str, parameters: tuple[str, ...]) -> dict[str, object]:
    """Return what is said of a route that auditors read by; each parameter is ``name:path`` or ``name:query``."""
    named = [_parameter(*parameter.split(":")) for parameter in parameters]
    binary = {"type": "string"} if media_type != "application/json" else {"type": "object"}
    return {
        "parameters": [*(_header(name) for name in _SIGNED_HEADERS[1:]), *named],
        "responses": {
            "200": {"description": "As the ledger holds it", "content": {media_type: {"schema": binary}}},
            **_problems({401, 403, 404, 422, 429, 503}),
        },
    }


def _parameter(name: str, place: str) -> dict[str, object]:
    return {"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}}


def _schema(shape: type) -> dict[str, object]:
    (schema,), components = msgspec.json.schema_components([shape], ref_template="#/$defs/{name}")
    return {**schema, "$defs": components}


def _header(name: str) -> dict[str, object]:
    return {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}


def _path_parameter(name: str) -> dict[str, object]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _answer(description: str) -> dict[str, object]:
    return {"description": description, "content": {"application/json": {"schema": {"type": "object"}}}}


def _problems(statuses: set[int]) -> dict[str, object]:
    responses: dict[str, object] = {}
    for status in sorted(statuses):
        codes = [problem.code for problem in PROBLEMS.values() if problem.status == status]
        responses[str(status)] = {
            "description": ", ".join(codes),
            "content": {MEDIA_TYPE: {"schema": {"type": "object"}}},
        }
    return responses
