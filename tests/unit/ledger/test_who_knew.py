"""Who knew what about a child, as at any moment, from plain entries."""

import itertools
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from cli.who_knew_text import who_knew_text
from services.ledger.audit.replay import Selection, replay
from services.ledger.audit.who_knew import who_knew
from shared.canonical_json import Json
from shared.entries import Entry, Obligation, RoleFact, Subject
from shared.errors import IntegrityFailure
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


def test_every_fact_about_the_child_is_told_with_its_position() -> None:
    known = who_knew(history(), child=CHILD, as_at=LATER)
    assert [(each.kind, each.agency, each.position) for each in known.decisions] == [
        ("shared", "school", 0),
        ("withheld", "surgery", 4),
    ]
    assert known.decisions[1].codes["challenges"] == ["challenge-gdpr"]
    assert [(each.recipient, each.state) for each in known.told] == [
        ("authority:E06000005", "owned"),
        ("authority:E06000047", "owed"),
    ]
    assert [(step.state, step.position) for step in known.told[0].steps] == [("received", 2), ("owned", 3)]
    assert [(look.by, look.section, look.of) for look in known.looks] == [
        ("notifier", "body", (0, 0)),
        ("auditor", "signature", (0, 4)),
    ]
    assert [(move.origins, move.to, move.position) for move in known.moves] == [((DARLINGTON,), DURHAM, 6)]
    assert (known.responsible, known.roles, known.entries) == (DARLINGTON, {"living_at": DARLINGTON}, 6)


@pytest.mark.parametrize(
    ("minute", "decisions", "state", "looks", "responsible"),
    [
        (0, 1, "owed", 0, None),
        (2, 1, "received", 1, None),
        (3, 1, "owned", 1, DARLINGTON),
        (4, 2, "owned", 1, DARLINGTON),
    ],
)
def test_what_was_recorded_later_was_not_known(
    minute: int, decisions: int, state: str, looks: int, responsible: str | None
) -> None:
    known = who_knew(history(), child=CHILD, as_at=time_of(minute))
    assert (len(known.decisions), known.told[0].state, len(known.looks)) == (decisions, state, looks)
    assert (known.responsible, known.moves) == (responsible, ())


def test_a_look_by_an_agency_is_told_with_every_entry_that_it_opened_and_when_it_opened_none() -> None:
    entries = history()
    for version, causes in ((7, (EntryId("0" * 32), EntryId("4" * 32))), (8, ())):
        look = replace(
            entries[1],
            position=Position(len(entries)),
            id=EntryId(f"{version}" * 32),
            type=EntryType.CHRONOLOGY_READ,
            time=time_of(len(entries)),
            agency=AgencyId("school"),
            subjects=(Subject(CHILD, version),),
            facts={"caller": "reader", "purpose": "chronology", "section": "body" if causes else "none"},
            causes=causes,
        )
        entries.append(look)
    known = who_knew(entries, child=CHILD, as_at=LATER)
    looks = [(each.by, each.section, each.of) for each in known.looks if each.purpose == "chronology"]
    assert looks == [("school", "body", (0, 0)), ("school", "body", (4, 4)), ("school", "none", None)]
    text = "\n".join(who_knew_text(known, name_of=str))
    assert "agency:school opened the body of entry 4 (chronology)" in text
    assert "agency:school looked, and opened nothing (chronology)" in text


def changed() -> list[Entry]:
    """The history, then a correction, a dispute and an erasure of records in it, each a minute later."""
    entries = history()
    target: dict[str, Json] = {"scope": "entry", "child": CHILD, "entry": "4" * 32}
    erasure: dict[str, Json] = {
        "target": target,
        "authority": "uk_gdpr_17",
        "reason": "unlawful",
        "proposal": "f" * 32,
        "proposed_by": "j.smith",
        "approved_by": ["a.khan", "b.jones"],
        "complete_by": LATER,
    }
    whole: dict[str, Json] = {**erasure, "target": {"scope": "child", "child": CHILD, "entry": None}}
    shared = (EntryId("0" * 32),)
    for version, (entry_type, agency, facts, causes) in enumerate(
        [
            (EntryType.RECORD_CORRECTED, AgencyId("school"), {}, shared),
            (EntryType.RECORD_DISPUTED, AgencyId("surgery"), {}, shared),
            (EntryType.ERASURE_RECORDED, None, erasure, ()),
            (EntryType.ERASURE_RECORDED, None, whole, ()),
        ],
        start=7,
    ):
        position = len(entries)
        made = Entry(Position(position), EntryId(f"{position:x}" * 32), entry_type, time_of(position))
        entries.append(replace(made, subjects=(Subject(CHILD, version),), agency=agency, facts=facts, causes=causes))
    return entries


@pytest.mark.parametrize("seen", [0, 1, 2, 3, 4])
def test_corrections_disputes_and_erasures_are_known_from_when_they_were_recorded(seen: int) -> None:
    known = who_knew(changed(), child=CHILD, as_at=time_of(7 + seen))
    everything = [
        ("corrected", "school", 0, 8),
        ("disputed", "surgery", 0, 9),
        ("erased", "j.smith", 4, 10),
        ("erased", "j.smith", None, 11),
    ]
    assert [(each.kind, each.by, each.of, each.position) for each in known.changes] == everything[:seen]
    text = "\n".join(who_knew_text(known, name_of=lambda name: name))
    assert ("agency:surgery disputed entry 0, whose words stay in the ledger as they were" in text) == (seen >= 2)
    assert ("written in entry 4 was erased (proposed by j.smith)" in text) == (seen >= 3)
    assert ("everything recorded until then was erased" in text) == (seen >= 4)


def test_a_child_nobody_spoke_of_was_not_known() -> None:
    known = who_knew(history(), child=ChildRef("e" * 32), as_at=LATER)
    assert (known.entries, known.decisions, known.told, known.looks) == (0, (), (), ())


def test_an_entry_left_out_of_a_childs_history_shows() -> None:
    entries = history()
    with pytest.raises(IntegrityFailure):
        who_knew(entries[:2] + entries[3:], child=CHILD, as_at=LATER)


async def test_a_replay_reads_no_further_than_it_has_shown() -> None:
    """What makes its memory constant: an entry is shown before the next is fetched."""
    fetched: list[int] = []

    async def entries() -> AsyncIterator[Entry]:
        for entry in history():
            fetched.append(entry.position)
            yield entry

    stream = replay(entries(), selection=Selection(child=CHILD))
    assert (await anext(stream)).position == 0
    assert fetched == [0]


@pytest.mark.parametrize(
    ("selection", "positions"),
    [
        (Selection(as_at=time_of(1)), [0, 1]),
        (Selection(child=OTHER), [7]),
        (Selection(agency="surgery"), [4]),
        (Selection(authority=DURHAM), [6]),
        (Selection(type="content.opened", as_at=time_of(6)), [1]),
    ],
)
async def test_a_replay_shows_what_was_selected(selection: Selection, positions: list[int]) -> None:
    async def entries() -> AsyncIterator[Entry]:
        for entry in history():
            yield entry

    assert [entry.position async for entry in replay(entries(), selection=selection)] == positions
