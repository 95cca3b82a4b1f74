"""Replaying entries: those selected, in order, and no more of them at a time than is shown."""

from collections.abc import AsyncIterator

import pytest

from services.ledger.audit.replay import Selection, replay
from shared.entries import Entry
from tests.machinery.one_childs_history import CHILD, DURHAM, OTHER, history, time_of


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
