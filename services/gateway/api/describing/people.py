"""The members of who and where: practitioner, child, those around it, places, identifiers."""

from collections.abc import Mapping

from services.gateway.api.describing.member import PROTECTED, Member, Members, code, day, text
from services.gateway.domain.rules.care import NOT_PRIVATE, PARENT_OR_CLOSE_RELATIVE

_AT_HOME: Mapping[str, str] = {"postcode": "DL1 5QT", "authority": "E06000005"}
_CONTACT: Mapping[str, str] = {"telephone": "01632 960011"}
_MOTHER: Mapping[str, str] = {"name": "Dorrit Marrow-Tate", "relationship": "mother"}
_NHS_NUMBER: Mapping[str, Member] = {
    "scheme": code("Which scheme it is of", "nhs_number", ["nhs_number", "upn", "local"]),
    "value": text("The number or name itself", "999 007 3104"),
    "traced": text("Whether it was looked up in the scheme's own register for this person", True),
}

PEOPLE: Mapping[str, Members] = {
    "Contact": {
        "telephone": text("A telephone number that is answered", "01632 960011"),
        "email": text("A secure address", "dsl@st-hilda.example"),
        "when": text("When the person can be reached, or who answers out of hours", "school days until 17:00"),
    },
    "Person": {
        "name": text("The practitioner's name", "Marian Oduya-Finch"),
        "role": text("Their role in the agency", "designated safeguarding lead"),
        "contact": text("How to reach them", _CONTACT),
        "relationship_to_child": text("What they are to the child", "teaches him"),
    },
    "Place": {
        "protected": PROTECTED,
        "lines": text("The address, line by line, without the postcode", ["1 Example Terrace"]),
        "postcode": text("The postcode; an authority that is named overrules it", "DL1 5QT"),
        "authority": text("The authority of the place, by its GSS code or exact name", "E06000005"),
        "description": text("What the place is, for one that has no address", "the arcade by the station"),
        "name": text("What the place is called", "St Hilda's Primary"),
    },
    "Identifier": dict(_NHS_NUMBER),
    "CareArrangement": {
        "carer": code(
            "Who the carer is to the child", "host_family", PARENT_OR_CLOSE_RELATIVE | NOT_PRIVATE | {"host_family"}
        ),
        "since": day("When it began or is to begin", "2026-11-04"),
        "until": day("When it ended or is to end", "2027-01-20"),
        "days": text("How many days it is to last", 77),
        "emergency": text("Whether it began in an emergency", False),
    },
    "RelatedPerson": {
        "protected": PROTECTED,
        "name": text("The person's name", "Dorrit Marrow-Tate"),
        "relationship": code("What they are to the child", "mother", ["mother", "father", "sibling", "grandparent"]),
        "date_of_birth": day("When they were born", "1996-02-11"),
        "parental_responsibility": text("Whether they have parental responsibility", True),
        "lives_with_child": text("Whether they live with the child", True),
        "address": text("Where they live, if that is elsewhere", _AT_HOME),
        "contact": text("How to reach them", {"telephone": "01632 960012"}),
        "identifiers": text("By which numbers they are known", [{"scheme": "nhs_number", "value": "999 007 3120"}]),
    },
    "Child": {
        "family_name": text("The family name", "Marrow-Tate"),
        "given_names": text("The given names", "Ellis"),
        "also_known_as": text("Other names the child goes by or went by", ["Eli"]),
        "date_of_birth": day("When the child was born", "2020-03-31"),
        "expected_date_of_birth": day("When an unborn child is expected", "2027-01-04"),
        "sex": code("The child's sex", "male", ["female", "male"]),
        "ethnicity": text("The child's ethnicity, in the family's words", "White British"),
        "religion": text("The child's religion", "NOT_KNOWN"),
        "first_language": text("The language the child speaks best", "English"),
        "interpreter": text("Whether the child or the family needs an interpreter", False),
        "communication": text("How the child communicates", "uses Makaton signs"),
        "disabled": text("Whether the child is disabled", "NOT_KNOWN"),
        "disability": text("What disability the child has", "hearing loss"),
        "description": text("What the child looks like, if that is all there is", "about 14, a silver rucksack"),
        "identifiers": text("By which numbers the child is known", [{"scheme": "nhs_number", "value": "999 007 3104"}]),
        "contact": text("How to reach the child", {"telephone": "01632 960013"}),
        "address": text("Where the child lives", _AT_HOME),
        "found_at": text("Where the child is now", {"name": "St Hilda's Primary", "authority": "E06000005"}),
        "school": text("The school or nursery", {"name": "St Hilda's Primary", "authority": "E06000005"}),
        "general_practice": text("The general practice", {"name": "Linthorpe Surgery"}),
        "plan_held_by": text("The authority that holds a plan for the child, by its GSS code or name", "E06000005"),
        "looked_after_by": text("The authority that looks after the child, by its GSS code or name", "E06000047"),
        "care_arrangement": text("With whom the child lives, if not a parent", {"carer": "host_family", "days": 77}),
        "carers": text("Parents, and whoever cares for the child, wherever they live", [_MOTHER]),
        "household": text("Who else lives with the child", [{"name": "Ada", "relationship": "sister"}]),
    },
}
