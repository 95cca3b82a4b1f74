"""Erasing in tests as it is done in earnest: proposed by one, approved by two others, carried out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cli.steward import CarriedOut, Steward
from shared.clock import SystemClock
from shared.identifiers import ChildRef, EntryId
from shared.ledger.stewardship import SCOPE_CHILD, Target
from tests.machinery.exchange import TestExchange

GROUND, REASON = "uk_gdpr_art_17_1_b", "consent_withdrawn"


@asynccontextmanager
async def steward(exchange: TestExchange) -> AsyncIterator[Steward]:
    """Give somebody who holds and erases, by the operator's door."""
    async with exchange.ledger() as client:
        yield Steward(client, clock=SystemClock())


async def approved(acting: Steward, target: Target) -> EntryId:
    """Return a proposal to erase that two people have approved."""
    proposal = await acting.propose_erasure(target, authority=GROUND, reason=REASON, by="p.ellis")
    for by in ("q.harrow", "r.dunmore"):
        await acting.approve(proposal, by=by)
    return proposal


async def erase(exchange: TestExchange, child: ChildRef) -> CarriedOut:
    """Erase all that is known of a child."""
    async with steward(exchange) as acting:
        return await acting.carry_out(await approved(acting, Target(SCOPE_CHILD, child)), by="t.oake")
