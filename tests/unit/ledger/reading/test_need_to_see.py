"""What of a record is shown to whom, part by part."""

import orjson
import pytest

from services.ledger.reading.need_to_see import Sight, needs_of_roles, needs_of_told
from shared.entries import Obligation
from shared.identifiers import ObligationId, Recipient
from shared.protection import Protection

EVERYTHING = frozenset(Protection)


def owed(recipient: str, *reasons: str) -> list[Obligation]:
    return [Obligation(ObligationId("x"), Recipient(recipient), reasons, "immediate", "", "", "")]


@pytest.mark.parametrize(
    ("role", "hidden"),
    [
        ("living_at", set()),
        ("placed_in", set()),
        ("looked_after_by", set()),
        ("placed_by_a_person", set()),
        ("found_at", {Protection.PLACEMENT, Protection.ADOPTION, Protection.UNKNOWN}),
        ("plan_held_by", {Protection.ADOPTION, Protection.UNKNOWN}),
        ("responsible", {Protection.ADOPTION, Protection.UNKNOWN}),
        ("ordinarily_resident", EVERYTHING),
        ("education", EVERYTHING),
        ("context_location", EVERYTHING),
    ],
)
def test_who_must_find_the_child_sees_where_it_is(role: str, hidden: set[Protection]) -> None:
    assert EVERYTHING - needs_of_roles([role]) == hidden


def test_police_see_what_they_are_sent_for() -> None:
    assert needs_of_told(owed("police:E23000008", "immediate_danger"), about_a_child=True) == EVERYTHING
    assert Protection.ADOPTION not in needs_of_told(owed("police:E23000008", "possible_crime"), about_a_child=True)
    assert needs_of_told(owed("agency:a-clinic", "immediate_danger"), about_a_child=True) == frozenset()


@pytest.mark.parametrize(
    "reason",
    [
        "place_in_area",
        "named_by_sender",
        "known_in_area",
        "sender_area_meanwhile",
        "placed_by_a_person",
        "record_corrected",
        "a reason of next year",
    ],
)
def test_whoever_is_told_of_a_place_and_no_child_sees_the_place_whatever_it_is_told_for(reason: str) -> None:
    for recipient in ("authority:E06000005", "police:E23000008"):
        assert needs_of_told(owed(recipient, reason), about_a_child=False) == EVERYTHING
    assert needs_of_told(owed("authority:E06000005", reason), about_a_child=True) == frozenset()
    assert needs_of_told(owed("agency:a-clinic", reason), about_a_child=False) == frozenset()


def test_what_hides_nothing_comes_as_the_very_bytes_that_were_signed() -> None:
    signed = b'{"child": {"address" :{"lines":["1 Open Row"]}}}  '
    assert Sight(frozenset(), frozenset()).of(signed) == signed
    assert Sight(frozenset(), frozenset({Protection.REFUGE}), whole=True).of(signed) == signed
    assert Sight(EVERYTHING, frozenset({Protection.REFUGE})).of(signed) == signed
    hidden = orjson.loads(Sight(frozenset(), frozenset({Protection.REFUGE})).of(signed))
    assert hidden == {"child": {"address": {"protected": "refuge", "shown": False}}}


def test_what_cannot_be_read_is_hidden_altogether() -> None:
    assert b"1 Open Row" not in Sight(frozenset(), frozenset()).of(b'{"address": "1 Open Row"')
