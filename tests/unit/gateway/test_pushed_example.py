"""The example of a push in the OpenAPI document is one that could have come."""

from collections.abc import Mapping
from datetime import datetime
from typing import cast

import orjson

from services.gateway.api.examples import PUSHED
from services.notifier.domain.cloud_event import event_bytes
from shared.canonical_json import Json
from shared.clock import rfc3339
from shared.entries import Entry, Obligation, Subject
from shared.identifiers import ChildRef, EntryId, Position, parse_obligation_id, parse_recipient
from shared.reference.working_days import due_after_working_days, nation_counted_in
from shared.vocabulary import EntryType

Object = Mapping[str, Json]


def test_it_has_the_members_of_a_push_and_names_and_times_as_they_are_made() -> None:
    data = cast(Object, PUSHED["data"])
    owed = cast(dict[str, str], data["obligation"])
    obligation = parse_obligation_id(str(PUSHED["id"]))
    assert owed["id"] == obligation
    nation = nation_counted_in(owed["calendar"])
    assert nation == "England"
    deadline = due_after_working_days(datetime.fromisoformat(str(PUSHED["time"])), days=1, nation=nation)
    assert owed["due_at"] == rfc3339(deadline.due_at)
    entry = Entry(
        Position(4711),
        EntryId("f" * 32),
        EntryType.SHARE_RECORDED,
        str(PUSHED["time"]),
        subjects=(Subject(ChildRef("c" * 32), 1),),
    )
    made = orjson.loads(
        event_bytes(
            entry,
            Obligation(
                obligation,
                parse_recipient(owed["recipient"]),
                ("lives_in_area",),
                "same_day",
                owed["due_at"],
                "clock_hours",
                "recorded",
            ),
            leaf=b"{}",
            content=None,
            history=(),
            origin="exchange.example/ledger",
        )
    )
    assert PUSHED.keys() == made.keys()
    assert data.keys() == made["data"].keys()
    assert owed.keys() == made["data"]["obligation"].keys()
    assert (PUSHED["type"], PUSHED["source"]) == (made["type"], made["source"])
