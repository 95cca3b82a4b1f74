"""Who a record speaks of, and where: the practitioner, the child, those around it, their places and identifiers."""

from dataclasses import dataclass

from services.gateway.domain.said import YesNo, said


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach a person, and when."""

    telephone: str | None = None
    email: str | None = None
    when: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A practitioner: who decided, in which role, how to reach them, and what they are to the child."""

    name: str | None = None
    role: str | None = None
    contact: Contact | None = None
    relationship_to_child: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A place by address, postcode, authority (GSS code or exact name), or merely described."""

    lines: tuple[str, ...] = ()
    postcode: str | None = None
    authority: str | None = None
    description: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number or name by which some scheme knows a person. ``traced``: looked up in that scheme's own register."""

    scheme: str | None = None
    value: str | None = None
    traced: YesNo = None


@dataclass(frozen=True, slots=True)
class CareArrangement:
    """With whom the child lives when that is not a parent: who the carer is to the child, since when, until when."""

    carer: str | None = None
    since: str | None = None
    until: str | None = None
    days: int | str | None = None
    emergency: YesNo = None


@dataclass(frozen=True, slots=True)
class RelatedPerson:
    """Somebody around the child: a carer, a parent, a sibling, anybody of the household."""

    name: str | None = None
    relationship: str | None = None
    date_of_birth: str | None = None
    parental_responsibility: YesNo = None
    lives_with_child: YesNo = None
    address: Place | None = None
    contact: Contact | None = None
    identifiers: tuple[Identifier, ...] = ()


@dataclass(frozen=True, slots=True)
class Child:
    """The one child a record is about; may be unborn, may have no number, may be known only by a description."""

    family_name: str | None = None
    given_names: str | None = None
    also_known_as: tuple[str, ...] = ()
    date_of_birth: str | None = None
    expected_date_of_birth: str | None = None
    sex: str | None = None
    ethnicity: str | None = None
    religion: str | None = None
    first_language: str | None = None
    interpreter: YesNo = None
    communication: str | None = None
    disabled: YesNo = None
    disability: str | None = None
    description: str | None = None
    identifiers: tuple[Identifier, ...] = ()
    contact: Contact | None = None
    address: Place | None = None
    found_at: Place | None = None
    school: Place | None = None
    general_practice: Place | None = None
    plan_held_by: str | None = None
    looked_after_by: str | None = None
    care_arrangement: CareArrangement | None = None
    carers: tuple[RelatedPerson, ...] = ()
    household: tuple[RelatedPerson, ...] = ()


def is_about_somebody(child: Child | None) -> bool:
    """Return whether a record gives anything at all by which a child could be told from others."""
    if child is None:
        return False
    texts = (
        child.family_name,
        child.given_names,
        *child.also_known_as,
        child.date_of_birth,
        child.expected_date_of_birth,
        child.description,
        *(identifier.value for identifier in child.identifiers),
    )
    return any(said(text) is not None for text in texts)


def is_somewhere(place: Place | None) -> bool:
    """Return whether anything at all is said of a place."""
    if place is None:
        return False
    texts = (*place.lines, place.postcode, place.authority, place.description, place.name)
    return any(said(text) is not None for text in texts)
