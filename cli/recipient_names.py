"""What agencies, authorities, police forces and queues are called, as reports for a reader say it."""

from collections.abc import Callable, Iterable

from shared.entries import Entry
from shared.identifiers import AgencyId
from shared.ledger.registry import Registry
from shared.reference.authorities import AuthorityRegister

Name = Callable[[str], str]
"""Gives an agency, authority or recipient its name."""


def names_of(registered: Iterable[Entry], register: AuthorityRegister) -> Name:
    """Return what gives each its name, by the registry's entries and the register of authorities.

    An agency that is not registered is said by its code.
    """
    registry = Registry().with_entries(registered)

    def name_of(recipient: str) -> str:
        kind, _, code = recipient.partition(":")
        if kind == "authority":
            return f"{register.name_of(code)} children's social care"
        if kind == "police":
            return register.force_name(code)
        if kind == "queue":
            return f"the human queue {code}"
        facts = registry.agencies.get(AgencyId(code))
        return facts.name if facts is not None else f"the {code}"

    return name_of
