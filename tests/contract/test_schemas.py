"""The published JSON Schemas say what the code decodes, member for member, and have an example of each."""

from collections.abc import Mapping
from pathlib import Path

import jsonschema_rs
import pytest

from cli.schemas import schema_file, schema_text
from services.gateway.api.examples import EXAMPLES
from services.gateway.api.openapi import SCHEMAS
from services.gateway.api.schemas import DESCRIBED, PUBLISHED, component_schemas, published_schema
from shared.canonical_json import Json

FOLDER = Path(__file__).parent.parent.parent / "docs" / "schemas"
COMPONENTS = component_schemas(list(PUBLISHED.values()), prefix=SCHEMAS)


@pytest.mark.parametrize("name", PUBLISHED)
def test_each_schema_in_the_repository_is_what_the_code_says(name: str) -> None:
    assert (FOLDER / schema_file(name)).read_text("utf-8") == schema_text(name), "make it anew: exchange schemas"


def test_no_other_schema_is_in_the_repository() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {schema_file(name) for name in PUBLISHED}


def test_every_member_of_every_record_is_described_and_nothing_else_is() -> None:
    members = {(name, member) for name, schema in COMPONENTS.items() for member in _properties(schema)}
    assert {(name, member) for name in DESCRIBED for member in DESCRIBED[name]} == members


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_member_has_an_example_that_its_schema_accepts(name: str) -> None:
    for member, schema in _properties(COMPONENTS[name]).items():
        assert isinstance(schema, dict)
        whole = {**schema, "components": {"schemas": COMPONENTS}}
        (example,) = schema["examples"]
        assert jsonschema_rs.is_valid(whole, example), (name, member)


@pytest.mark.parametrize("name", PUBLISHED)
def test_each_whole_example_is_accepted_by_the_published_schema(name: str) -> None:
    jsonschema_rs.validate(published_schema(name), dict(EXAMPLES[PUBLISHED[name].__name__]))


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("share", {}),
        ("share", {"child": {"family_name": "NOT_KNOWN"}, "rationale": "Fear."}),
        ("share", {"child": {"family_name": "Marrow-Tate"}, "rationale": " "}),
        ("whereabouts", {"child": {"given_names": "Ellis"}, "where": {"role": "living_at"}}),
        ("acknowledgement", {"state": "owned"}),
        ("dispute", {"on_behalf_of": "child"}),
    ],
)
def test_a_schema_refuses_what_the_exchange_refuses(name: str, body: Json) -> None:
    assert not jsonschema_rs.is_valid(published_schema(name), body)


def _properties(schema: Mapping[str, object]) -> Mapping[str, object]:
    properties = schema["properties"]
    assert isinstance(properties, dict)
    return properties
