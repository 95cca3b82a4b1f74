"""Whoever reads entries page by page is told, at no call more, whether the ledger is writing."""

from dataclasses import dataclass
from typing import cast

import msgspec
import pytest

from services.ledger.api.app import LedgerApi
from services.ledger.api.parts import LedgerParts
from services.ledger.domain.standing import Standing
from shared.ledger.messages import EntriesPage, StoredEntry


class NoEntries:
    """A reader of an empty ledger."""

    async def entries(self, *, after: int, limit: int, registry_only: bool) -> tuple[StoredEntry, ...]:
        return ()

    async def stewardship_entries(self, *, after: int, limit: int) -> tuple[StoredEntry, ...]:
        return ()


@dataclass
class Stands:
    """A writer, as far as pages speak of it."""

    standing: Standing
    released_head: None = None


@dataclass
class Parts:
    """What pages are made from."""

    writer: Stands
    reader: NoEntries


@pytest.mark.parametrize("path", ["/registry-entries", "/entries", "/stewardship-entries"])
@pytest.mark.parametrize("standing", [Standing.WRITING, Standing.STARTING])
async def test_a_page_says_whether_the_ledger_is_writing(path: str, standing: Standing) -> None:
    api = LedgerApi(cast(LedgerParts, Parts(Stands(standing), NoEntries())))
    page = await api.routes()[path](msgspec.msgpack.encode({"after": -1}), "gateway")
    assert page == EntriesPage((), 0, standing is Standing.WRITING)


def test_a_ledger_of_an_earlier_release_that_does_not_say_is_taken_to_be_writing() -> None:
    said = msgspec.msgpack.encode({"entries": (), "size": 0})
    assert msgspec.msgpack.decode(said, type=EntriesPage).writing
