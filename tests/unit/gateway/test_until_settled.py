"""A decision about a child whose record keeps moving is decided again, and is not turned away for bad luck."""

import asyncio

import pytest

from services.gateway import until_settled as module
from services.gateway.until_settled import until_settled
from shared.errors import Conflict, Unavailable
from shared.identifiers import Position
from shared.ledger.messages import Appended

APPENDED = Appended(Position(7), 201, b"{}", repeated=False)


def _conflict(code: str) -> Conflict:
    conflict = Conflict("the child's record has moved on")
    conflict.code = code
    return conflict


class Ledger:
    """Refuses the first so many appends."""

    def __init__(self, refusals: int, code: str = "version-conflict") -> None:
        self.refusals = refusals
        self.code = code
        self.asked = 0

    async def append(self) -> Appended:
        self.asked += 1
        if self.asked <= self.refusals:
            raise _conflict(self.code)
        return APPENDED


@pytest.mark.asyncio
async def test_forty_moves_of_the_record_do_not_turn_a_concern_away() -> None:
    ledger = Ledger(40)
    assert await until_settled(ledger.append) is APPENDED
    assert ledger.asked == 41


@pytest.mark.asyncio
async def test_another_conflict_is_answered_at_once() -> None:
    ledger = Ledger(1, code="idempotency-key-reused")
    with pytest.raises(Conflict) as refused:
        await until_settled(ledger.append)
    assert (refused.value.code, ledger.asked) == ("idempotency-key-reused", 1)


@pytest.mark.asyncio
async def test_a_record_that_never_rests_is_said_to_be_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.05)
    with pytest.raises(Unavailable, match="changing too fast"):
        await until_settled(Ledger(1_000_000).append)


@pytest.mark.asyncio
async def test_those_who_write_about_one_child_make_room_for_each_other() -> None:
    version = 0

    async def one() -> Appended:
        nonlocal version
        seen = version
        await asyncio.sleep(0.001)
        if seen != version:
            raise _conflict("version-conflict")
        version += 1
        return APPENDED

    await asyncio.gather(*(until_settled(one) for _ in range(30)))
    assert version == 30
