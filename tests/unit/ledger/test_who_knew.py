"""Who knew what about a child, as at any moment, from plain entries."""

import pytest
from msgspec.structs import replace

from cli.who_knew_text import who_knew_text
from services.ledger.audit.who_knew import who_knew
from shared.canonical_json import Json
from shared.entries import Entry, Subject
from shared.errors import IntegrityFailure
from shared.identifiers import AgencyId, ChildRef, EntryId, Position, Recipient
from shared.ledger.registry import Registry
from shared.signatures.keys import generate_signing_key
from shared.vocabulary import EntryType
from tests.machinery.one_childs_history import CHILD, DARLINGTON, DURHAM, LATER, history, time_of


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
    whole: dict[str, Json] = {
        **erasure,
        "carried_out_by": "t.oake",
        "target": {"scope": "child", "child": CHILD, "entry": None},
    }
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
    by_whom = "was erased (unlawful), proposed by j.smith, approved by a.khan and b.jones"
    assert ("agency:surgery disputed entry 0, whose words stay in the ledger as they were" in text) == (2 <= seen < 4)
    assert ("agency:surgery disputed entry 0, whose words have since been erased (entry 11)" in text) == (seen >= 4)
    assert (f"what was written in entry 4 {by_whom}" in text) == (seen >= 3)
    assert (f"everything recorded until then {by_whom}, carried out by t.oake" in text) == (seen >= 4)
    assert [each.erased_at for each in known.decisions] == [11 if seen >= 4 else None, 10 if seen >= 3 else None]


def test_a_retraction_says_why() -> None:
    entries = history()
    position = len(entries)
    made = Entry(Position(position), EntryId("a" * 32), EntryType.RECORD_RETRACTED, time_of(position))
    why: dict[str, Json] = {"reason": "wrong_child"}
    entries.append(replace(made, subjects=(Subject(CHILD, 7),), facts=why, causes=(EntryId("0" * 32),)))
    text = "\n".join(who_knew_text(who_knew(entries, child=CHILD, as_at=LATER), name_of=str))
    assert "took back entry 0 (wrong_child), whose words stay in the ledger as they were" in text


@pytest.mark.parametrize("by_channel", [True, False])
def test_what_stands_in_a_human_queue_is_said_to_stand_there_and_who_took_it(by_channel: bool) -> None:
    shared, *others = history()
    (owed,) = shared.obligations
    entries = (
        [shared]
        if by_channel
        else [replace(shared, obligations=(replace(owed, recipient=Recipient("queue:routing")),))]
    )

    def said() -> str:
        known = who_knew(entries, child=CHILD, as_at=LATER)
        return next(line for line in who_knew_text(known, name_of=str) if "because of entry 0" in line)

    step: dict[str, Json] = {"obligation": owed.id}
    steps = {EntryType.NOTIFICATION_QUEUED: step} if by_channel else {}
    for entry_type, facts in {**steps, EntryType.QUEUE_ASSIGNED: {**step, "owner": "j.smith"}}.items():
        if entry_type is EntryType.QUEUE_ASSIGNED:
            assert said().endswith("stands in the human queue, taken by nobody yet")
        subjects = (Subject(CHILD, len(entries) + 1),)
        entries.append(replace(others[0], type=entry_type, facts=facts, subjects=subjects, causes=()))
    assert said().endswith("stands in the human queue, taken by j.smith")


def test_what_was_signed_by_a_key_later_reported_compromised_is_marked() -> None:
    key = generate_signing_key().public
    entries = [replace(each, key=key.thumbprint) if each.agency == "school" else each for each in signed_later()]
    added: dict[str, Json] = {
        "agency": "school",
        "thumbprint": key.thumbprint,
        "jwk": dict(key.jwk()),
        "valid_from": "2026-01-01T00:00:00.000000Z",
        "valid_until": None,
    }
    since = time_of(2)
    revoked: dict[str, Json] = {"thumbprint": key.thumbprint, "reason": "compromised", "compromised_from": since}
    registry = Registry().with_entries(
        [
            Entry(Position(-1), EntryId("e" * 32), EntryType.AGENCY_KEY_ADDED, time_of(0), facts=added),
            Entry(Position(50), EntryId("f" * 32), EntryType.AGENCY_KEY_REVOKED, time_of(50), facts=revoked),
        ]
    )
    known = who_knew(entries, child=CHILD, as_at=time_of(20), registry=registry)
    assert [(each.position, each.compromised_from) for each in known.suspects] == [(8, since)]
    text = "\n".join(who_knew_text(known, name_of=str))
    assert f"(entry 8, SIGNED BY A KEY REPORTED COMPROMISED SINCE {since}): agency:school shared" in text
    assert text.count("COMPROMISED") == 1
    assert who_knew(entries, child=CHILD, as_at=time_of(20)).suspects == ()


def signed_later() -> list[Entry]:
    """The history, and another share by the school after it."""
    entries = history()
    position = len(entries)
    made = replace(entries[0], position=Position(position), id=EntryId("9" * 32), time=time_of(position))
    return [*entries, replace(made, subjects=(Subject(CHILD, 7),), obligations=())]


def test_a_child_nobody_spoke_of_was_not_known() -> None:
    known = who_knew(history(), child=ChildRef("e" * 32), as_at=LATER)
    assert (known.entries, known.decisions, known.told, known.looks) == (0, (), (), ())
    said = list(who_knew_text(known, name_of=str))
    assert said[0].endswith(": 0 entries, numbered without a gap.")
    assert "exchange audit verify" in said[1], "an index cut off at its end shows in a full check alone"


def test_an_entry_left_out_of_a_childs_history_shows() -> None:
    entries = history()
    with pytest.raises(IntegrityFailure, match="damaged here: entry 3 is number 4") as ended:
        who_knew(entries[:2] + entries[3:], child=CHILD, as_at=LATER)
    assert "exchange audit verify" in ended.value.remedy
