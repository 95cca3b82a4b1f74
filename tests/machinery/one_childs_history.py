"""A child's history, made by hand, for tests of what is folded from one."""

import itertools

from msgspec.structs import replace

from shared.canonical_json import Json
from shared.entries import Entry, Obligation, RoleFact, Subject
from shared.identifiers import AgencyId, AuthorityCode, ChildRef, EntryId, ObligationId, Position, Recipient
from shared.vocabulary import EntryType

CHILD, OTHER = ChildRef("c" * 32), ChildRef("d" * 32)
DARLINGTON, DURHAM = AuthorityCode("E06000005"), AuthorityCode("E06000047")
LATER = "2027-01-01T00:00:00.000000Z"


def time_of(position: int) -> str:
    """Each entry of the history is a minute after the one before."""
    return f"2026-11-24T10:{position:02d}:00.000000Z"


def history() -> list[Entry]:
    """A share, its way up the ladder, a withholding, looks, a move, and what concerns another child."""
    shared, moved = EntryId("0" * 32), EntryId("6" * 32)
    told = ObligationId(f"{shared}-0")
    versions, positions = itertools.count(1), itertools.count()

    def entry(entry_type: EntryType, *, facts: dict[str, Json], child: bool = True, **more: object) -> Entry:
        position = next(positions)
        subjects = (Subject(CHILD, next(versions)),) if child else ()
        made = Entry(
            Position(position), EntryId(f"{position:x}" * 32), entry_type, time_of(position), subjects=subjects
        )
        return replace(made, facts=facts, **more)  # each a member of Entry

    owed = Obligation(told, Recipient(f"authority:{DARLINGTON}"), ("lives_in_area",), "same_day", LATER, "c", "s")
    step: dict[str, Json] = {"obligation": told}
    return [
        replace(
            entry(
                EntryType.SHARE_RECORDED,
                facts={"level": "significant_harm"},
                agency=AgencyId("school"),
                obligations=(owed,),
            ),
            subjects=(Subject(CHILD, 1, (RoleFact("living_at", DARLINGTON),)),),
        ),
        entry(
            EntryType.CONTENT_OPENED,
            facts={"section": "body", "purpose": "deliver:x", "caller": "notifier", "recipient": owed.recipient},
            causes=(shared,),
        ),
        entry(EntryType.NOTIFICATION_RECEIVED, facts=step),
        entry(EntryType.NOTIFICATION_OWNED, facts=step),
        entry(
            EntryType.WITHHOLDING_RECORDED,
            facts={"reasons": ["gdpr"], "challenges": ["challenge-gdpr"]},
            agency=AgencyId("surgery"),
        ),
        entry(
            EntryType.AUDIT_OPENED,
            facts={
                "first_position": 0,
                "last_position": 4,
                "section": "signature",
                "purpose": "a",
                "caller": "auditor",
            },
            child=False,
        ),
        entry(
            EntryType.CHILD_MOVE_SUSPECTED,
            facts={"from": [DARLINGTON], "to": DURHAM, "role": "living_at", "permanence": "permanent"},
            obligations=(replace(owed, id=ObligationId(f"{moved}-0"), recipient=Recipient(f"authority:{DURHAM}")),),
        ),
        replace(entry(EntryType.SHARE_RECORDED, facts={}, child=False), subjects=(Subject(OTHER, 1),)),
    ]
