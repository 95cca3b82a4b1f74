"""What the OpenAPI document says of each route, by reference to the schemas of records and answers."""

from typing import cast

from services.gateway.api.examples import EXAMPLES
from services.gateway.api.problem_types import PROBLEMS
from services.gateway.api.problems import MEDIA_TYPE
from services.gateway.api.schemas import body_schema

DESCRIPTION = (
    "Agencies tell children's social care what they know about a child at risk. Every request is signed (RFC 9421), "
    "every answer carries a receipt that proves offline that the decision is in the ledger. See docs/api.md."
)

SCHEMAS = "#/components/schemas/"
"""Where the document keeps its schemas."""

SIGNED: dict[str, object] = {"security": [{"SignatureInput": [], "Signature": []}]}

_ID: dict[str, object] = {
    "type": "string",
    "pattern": "^[0-9a-f]{32}$",
    "examples": ["6f1a0c9d3b7e4f2a8c5d1e0b9a7f3c24"],
}
_THUMBPRINT: dict[str, object] = {
    "type": "string",
    "pattern": "^[A-Za-z0-9_-]{43}$",
    "examples": ["4quIy6mP9JjO0Gfw1MJaKkNrdkp7nssUJkYRF8XV5cU"],
}
_CONTENT_DIGEST: dict[str, object] = {"type": "string", "pattern": "^sha-256=:[A-Za-z0-9+/]{43}=:$"}
_IDEMPOTENCY_KEY: dict[str, object] = {"type": "string", "pattern": "^[!-~]{1,255}$", "examples": ["0b1d0f6e9d2c4a7f"]}
_SIGNATURE_HEADERS: dict[str, object] = {
    name: {"required": True, "description": description, "schema": {"type": "string"}}
    for name, description in (
        ("Content-Digest", "SHA-256 of the body (RFC 9530)"),
        ("Signature-Input", "What the exchange signed, bound to the request"),
        ("Signature", "The exchange's signature"),
    )
}


def schema_ref(name: str) -> dict[str, object]:
    """Return a reference to a schema of the document."""
    return {"$ref": SCHEMAS + name}


def post_operation(shape: type, *, answer: str = "Recorded") -> dict[str, object]:
    """Return what is said of a route that records a decision."""
    return {
        **SIGNED,
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": body_schema(shape, prefix=SCHEMAS), "example": EXAMPLES[shape.__name__]}
            },
        },
        "parameters": [
            _header("Idempotency-Key", "New for each record; the same to repeat it", _IDEMPOTENCY_KEY),
            _header("Content-Digest", "SHA-256 of the body (RFC 9530)", _CONTENT_DIGEST),
        ],
        "responses": {
            "201": _answer("Recorded, with a receipt", answer),
            **_problems({400, 401, 403, 404, 409, 413, 415, 422, 429, 503}),
        },
    }


def assessment_operation(*shapes: type) -> dict[str, object]:
    """Return what is said of the route that assesses a decision and records nothing."""
    operation = post_operation(shapes[0])
    content = {"application/json": {"schema": schema_ref("Assessable"), "example": EXAMPLES[shapes[0].__name__]}}
    answers = {
        "200": _answer("What recording it would do", "Assessed"),
        **_problems({400, 401, 413, 415, 422, 429, 503}),
    }
    return {**operation, "requestBody": {"required": True, "content": content}, "responses": answers}


def search_operation(shape: type) -> dict[str, object]:
    """Return what is said of the route that looks for a child."""
    operation = post_operation(shape)
    answers = {
        "200": _answer("The child, or nobody: the same whether nobody is known or nobody to who asks", "Found"),
        **_problems({400, 401, 413, 415, 422, 429, 503}),
    }
    return {**operation, "responses": answers}


def acknowledgement_operation(shape: type) -> dict[str, object]:
    """Return what is said of the route that acknowledges a notification."""
    return _below(post_operation(shape), "notification", {"type": "string", "minLength": 1})


def amendment_operation(shape: type) -> dict[str, object]:
    """Return what is said of a route that amends a record."""
    return _below(post_operation(shape), "record", _ID)


def own_key_operation(shape: type, *path_parameters: str) -> dict[str, object]:
    """Return what is said of a route by which an agency keeps its own keys."""
    operation = post_operation(shape)
    for name in path_parameters:
        operation = _below(operation, name, _THUMBPRINT)
    return operation


def own_registration_operation() -> dict[str, object]:
    """Return what is said of the route that shows an agency its own registration."""
    return {
        **SIGNED,
        "responses": {
            "200": _answer("How the agency is registered", "Registration"),
            **_problems({401, 422, 429, 503}),
        },
    }


def read_operation(named: tuple[str, ...], *, answer: str = "RecordStatus") -> dict[str, object]:
    """Return what is said of a route that reads records back; ``named`` are the parts of its path that vary."""
    return {
        **SIGNED,
        "parameters": [_path_parameter(name, _ID) for name in named],
        "responses": {
            "200": _answer("How far each notification has come", answer),
            **_problems({401, 403, 404, 422, 429, 503}),
        },
    }


def audit_operation(
    media_type: str,
    parameters: tuple[str, ...],
    *,
    schema: dict[str, object] | None = None,
    description: str = "As the ledger holds it",
) -> dict[str, object]:
    """Return what is said of a route that reads from the ledger; each parameter is ``name:path`` or ``name:query``."""
    plain = schema or ({"type": "object"} if media_type == "application/json" else {"type": "string"})
    return {
        **SIGNED,
        "parameters": [_parameter(*parameter.split(":")) for parameter in parameters],
        "responses": {
            "200": {
                "description": description,
                "headers": _SIGNATURE_HEADERS,
                "content": {media_type: {"schema": plain}},
            },
            **_problems({400, 401, 403, 404, 422, 429, 503}),
        },
    }


def open_operation(answer: str, *, description: str) -> dict[str, object]:
    """Return what is said of a route that anybody may read, unsigned."""
    content = {"application/json": {"schema": schema_ref(answer)}}
    return {
        "responses": {"200": {"description": description, "content": content}, **_problems({503})},
    }


def _below(operation: dict[str, object], name: str, schema: dict[str, object]) -> dict[str, object]:
    parameters = cast(list[object], operation["parameters"])
    return {**operation, "parameters": [*parameters, _path_parameter(name, schema)]}


def _parameter(name: str, place: str) -> dict[str, object]:
    schemas: dict[str, dict[str, object]] = {
        "after": {"type": "integer", "minimum": -1, "maximum": 2**63 - 1, "default": -1},
        "limit": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1, "default": 500},
        "as_at": {"type": "string", "format": "date-time"},
        "child": _ID,
    }
    schema = schemas.get(name, {"type": "string", "minLength": 1})
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _header(name: str, description: str, schema: dict[str, object]) -> dict[str, object]:
    return {"name": name, "in": "header", "required": True, "description": description, "schema": schema}


def _path_parameter(name: str, schema: dict[str, object]) -> dict[str, object]:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _answer(description: str, schema: str) -> dict[str, object]:
    return {
        "description": description,
        "headers": _SIGNATURE_HEADERS,
        "content": {"application/json": {"schema": schema_ref(schema)}},
    }


def _problems(statuses: set[int]) -> dict[str, object]:
    return {
        str(status): {
            "description": ", ".join(problem.code for problem in PROBLEMS.values() if problem.status == status),
            "content": {MEDIA_TYPE: {"schema": schema_ref("Problem")}},
        }
        for status in sorted(statuses | {500})
    }
