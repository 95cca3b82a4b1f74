"""Whoever holds the log's own key signs everything anew, and still cannot make approvals that nobody gave."""

from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random

import msgspec
import pytest
import pytest_asyncio

from services.ledger.audit.findings import FindingKind
from shared.entries import Entry
from shared.ledger.approvers import approval_text, sign_text, vouching_text
from shared.ledger.stewardship import SCOPE_CHILD, ProposalWithdrawnFacts, Target
from shared.signatures.keys import generate_signing_key
from shared.transparency.merkle import leaf_hash
from shared.vocabulary import EntryType
from tests.machinery.answers import child_ref
from tests.machinery.exchange import running_exchange
from tests.machinery.laboratory import Laboratory
from tests.machinery.people import share
from tests.machinery.stewards import GROUND, REASON, steward

pytestmark = pytest.mark.asyncio(loop_scope="session")

APPROVERS = ("q.harrow", "r.dunmore")
KEYS = {account: generate_signing_key() for account in APPROVERS}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def opened() -> AsyncIterator[Laboratory]:
    """A ledger in which two people approved an erasure by their signatures, laid open to an attacker."""
    async with running_exchange() as exchange:
        async with exchange.client() as client:
            about = child_ref(await client.share(share()))
        await exchange.all_signed_for()
        async with steward(exchange) as acting:
            first, second = APPROVERS
            await acting.add_approver(first, KEYS[first].public, vouchers=[], by="p.ellis")
            as_of = (await acting.stewardship()).approvers.as_of
            word = vouching_text(second, KEYS[second].public.thumbprint, as_of=as_of)
            words = [sign_text(word, key=KEYS[first])]
            await acting.add_approver(second, KEYS[second].public, vouchers=words, by="p.ellis")
            target = Target(SCOPE_CHILD, about)
            proposal = await acting.propose_erasure(target, authority=GROUND, reason=REASON, by="p.ellis")
            hashed = leaf_hash(await acting.proposing_entry(proposal))
            for account in APPROVERS:
                signed = sign_text(approval_text(proposal, entry_hash=hashed, by=account), key=KEYS[account])
                await acting.approve(proposal, by=account, signed=signed)
            assert not (await acting.carry_out(proposal, by="p.ellis")).refused
        for name in ("notifier", "gateway", "ledger"):
            await exchange.local.stop_service(name)
        laboratory = await Laboratory.open(exchange)
        yield laboratory
        await laboratory.database.close()


async def one(lab: Laboratory, entry_type: EntryType) -> Entry:
    return await lab.pick(lambda entry: entry.type is entry_type)


async def leave_out_the_signature(lab: Laboratory) -> None:
    approval = await one(lab, EntryType.ERASURE_APPROVED)
    await lab.put_signed(approval, facts={**approval.facts, "signed": None})


async def name_another_approver(lab: Laboratory) -> None:
    approval = await one(lab, EntryType.ERASURE_APPROVED)
    await lab.put_signed(approval, facts={**approval.facts, "by": "x.anybody"})


async def propose_something_else(lab: Laboratory) -> None:
    proposal = await one(lab, EntryType.ERASURE_PROPOSED)
    await lab.put_signed(proposal, facts={**proposal.facts, "reason": "another"})


async def put_in_a_key_of_its_own(lab: Laboratory) -> None:
    added = await one(lab, EntryType.APPROVER_KEY_ADDED)
    public = generate_signing_key().public
    await lab.put_signed(added, facts={**added.facts, "thumbprint": public.thumbprint, "jwk": public.jwk()})


async def erase_what_was_withdrawn(lab: Laboratory) -> None:
    approval = await one(lab, EntryType.ERASURE_APPROVED)
    facts = msgspec.to_builtins(ProposalWithdrawnFacts(approval.causes[0], "asked_in_error", "p.ellis"))
    await lab.put_signed(approval, type=EntryType.ERASURE_WITHDRAWN, facts=facts)


ATTACKS: dict[str, tuple[Callable[[Laboratory], Awaitable[None]], str]] = {
    "an approval without its signature": (leave_out_the_signature, "approvals are signed here"),
    "an approval in another's name": (name_another_approver, "the signature is not over this"),
    "another proposal than was approved": (propose_something_else, "the signature is not over this"),
    "a key of the attacker's own": (put_in_a_key_of_its_own, "no approver signs with that key"),
    "an erasure whose proposal was withdrawn": (erase_what_was_withdrawn, "that proposal was withdrawn by p.ellis"),
}


async def test_what_was_approved_by_signature_is_intact(opened: Laboratory) -> None:
    await opened.restore(Random(0))
    report = await opened.exchange.audit()
    assert report.intact, report.findings
    assert report.erased


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_forged_approval_is_found_and_so_is_the_erasure_that_rests_on_it(
    opened: Laboratory, attack: str, seed: int
) -> None:
    forge, complaint = ATTACKS[attack]
    await opened.restore(Random(seed))
    await forge(opened)
    said = [each for each in (await opened.exchange.audit()).findings if each.kind is FindingKind.ERASURE_NOT_APPROVED]
    assert any(complaint in each.detail for each in said), said
    erasure = await one(opened, EntryType.ERASURE_RECORDED)
    assert erasure.position in {each.first_position for each in said}
