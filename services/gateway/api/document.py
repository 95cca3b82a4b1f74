"""The OpenAPI document as a whole: the routes, the schemas they refer to, how requests are signed, and the pushes."""

import re
from collections.abc import Mapping
from typing import cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from services.gateway.api.answer_schemas import answer_schemas
from services.gateway.api.examples import PUSHED
from services.gateway.api.openapi import DESCRIPTION, SCHEMAS, schema_ref
from services.gateway.api.schemas import PUBLISHED, body_schema, component_schemas
from services.gateway.domain.record import ShareRecord, WithholdingRecord
from shared.canonical_json import Json

_WITHHOLDING_FORMAT: Mapping[str, object] = {
    "type": "string",
    "pattern": r"^[\s\x1c-\x1f]*safeguarding-exchange/withholding/",
}
_ASSESSED_AS_WITHHOLDING: Mapping[str, object] = {
    "anyOf": [
        {"required": ["format"], "properties": {"format": _WITHHOLDING_FORMAT}},
        {
            "required": ["reasons"],
            "properties": {
                "format": {"anyOf": [{"type": "null"}, {"type": "string", "pattern": r"^[\s\x1c-\x1f]*$"}]},
                "reasons": {"type": "array", "minItems": 1},
            },
        },
    ]
}


_LINK_NAME = re.compile(r"[^a-z0-9]+")

Operation = dict[str, object]


class DescribedApp(FastAPI):
    """An application that describes itself in OpenAPI 3.1, whole: every reference in the document leads somewhere."""

    def openapi(self) -> dict[str, object]:
        """Return the document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = _document(self)
        return self.openapi_schema


def _document(app: FastAPI) -> dict[str, object]:
    made = cast(
        dict[str, object],
        get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes),
    )
    records = component_schemas(list(PUBLISHED.values()), prefix=SCHEMAS)
    made["components"] = {
        "schemas": {**records, **answer_schemas(), "Assessable": _assessable()},
        "securitySchemes": {
            "SignatureInput": _signature("Signature-Input", "What is signed, when, by which key (RFC 9421)"),
            "Signature": _signature("Signature", "One signature, labelled sig1 (RFC 9421)"),
        },
    }
    _link(cast(Mapping[str, Mapping[str, Operation]], made["paths"]))
    made["webhooks"] = {"notification": {"post": _push()}}
    return made


def _link(paths: Mapping[str, Mapping[str, Operation]]) -> None:
    """Say of each answer that records something at which paths its id leads on."""
    for path, operations in paths.items():
        below = {
            f"{name} {under}": {"operationId": operation["operationId"], "parameters": {"record": "$response.body#/id"}}
            for under, others in paths.items()
            if under.startswith(path + "/{record}")
            for name, operation in others.items()
        }
        if "post" in operations and below:
            answers = cast(dict[str, dict[str, object]], operations["post"]["responses"])
            answers["201"]["links"] = {_LINK_NAME.sub("-", name).strip("-"): below[name] for name in below}


def _assessable() -> dict[str, object]:
    return {
        "description": "A share or a withholding, told apart by its format or, without one, by its reasons",
        "anyOf": [
            {"allOf": [_ASSESSED_AS_WITHHOLDING, body_schema(WithholdingRecord, prefix=SCHEMAS)]},
            {"allOf": [{"not": _ASSESSED_AS_WITHHOLDING}, body_schema(ShareRecord, prefix=SCHEMAS)]},
        ],
    }


def _signature(header: str, description: str) -> dict[str, object]:
    return {"type": "apiKey", "in": "header", "name": header, "description": description}


def _push() -> dict[str, object]:
    """Return what is said of the pushes: what a recipient's endpoint is sent, and what it may answer."""
    headers = {
        "Exchange-Overtaking": ("Sent as ?1 while an earlier notification about the child is stuck", False),
        "Content-Digest": ("SHA-256 of the body (RFC 9530)", True),
        "Signature-Input": ("What the exchange signed, with the tag safeguarding-exchange-push (RFC 9421)", True),
        "Signature": ("The exchange's signature (RFC 9421)", True),
        "webhook-id": ("The notification's id (Standard Webhooks)", True),
        "webhook-timestamp": ("When it was signed, in seconds (Standard Webhooks)", True),
        "webhook-signature": ("The same key's signature as v1a (Standard Webhooks)", True),
    }
    example: Json = dict(PUSHED)
    return {
        "summary": "A notification",
        "description": (
            "Posted to the endpoint that an authority, a police force or an agency registered, again until it is "
            "answered. Signed as docs/api.md says; the same id on every attempt."
        ),
        "parameters": [
            {"name": name, "in": "header", "required": required, "description": says, "schema": {"type": "string"}}
            for name, (says, required) in headers.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/cloudevents+json": {"schema": schema_ref("Pushed"), "example": example}},
        },
        "responses": {
            "2XX": {
                "description": (
                    "It is delivered. Signed by the endpoint's registered key and bound to the request, it is received"
                )
            },
            "default": {"description": "It is sent again later"},
        },
    }
