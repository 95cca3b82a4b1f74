"""Which key wraps is what the entries say; an absent keeper makes a request unavailable and never loses one."""

from collections.abc import Sequence

import pytest

from services.ledger.domain.blind_index import BlindIndex
from services.ledger.domain.plan import Becomes, Known, Recent, WriterState
from services.ledger.domain.sealing import WrappedKey
from services.ledger.domain.sequencing import EncryptionKeyChanged, decide_batch
from services.ledger.key_ring import KeyRing
from services.ledger.ports import FoundAnswer, LookedUp
from services.ledger.prepare_append import AppendPreparer, Secrets
from shared.errors import IntegrityFailure, Unavailable
from shared.identifiers import EntryId, Position
from shared.ledger.messages import Answer, AppendRequest, Idempotency
from shared.ledger.registry import Registry
from shared.ledger.service_keys import ServiceKeys
from shared.transparency.merkle import EMPTY
from shared.vocabulary import EntryType
from tests.machinery.fakes import START, FakeKeyEncryption

CHILD = "c" * 32


class NoDataKeys:
    async def wrapped_key(self, key_id: str) -> WrappedKey | None:
        return None


@pytest.fixture
def keeper() -> FakeKeyEncryption:
    return FakeKeyEncryption()


@pytest.fixture
def ring(keeper: FakeKeyEncryption) -> KeyRing:
    return KeyRing(keeper, random=bytes)


@pytest.fixture
def preparer(ring: KeyRing) -> AppendPreparer:
    return AppendPreparer(secrets=Secrets(ring, BlindIndex(bytes(32))), data_keys=NoDataKeys(), random=bytes)


def request(name: str) -> AppendRequest:
    return AppendRequest(
        entry_id=EntryId(name * 32),
        type=EntryType.CONTENT_OPENED,
        idempotency=Idempotency("service", name, b"body"),
        answer=Answer(201, {}),
    )


def state(keys: ServiceKeys | None = None) -> WriterState:
    return WriterState(EMPTY, START, Registry(service_keys=keys or ServiceKeys()))


def kinds(outcomes: Sequence[object]) -> list[str]:
    return [type(outcome).__name__ for outcome in outcomes]


async def test_an_empty_ledger_makes_its_first_key_and_one_that_is_there_is_used(
    ring: KeyRing, keeper: FakeKeyEncryption
) -> None:
    for _ in range(2):
        await ring.begin()
    assert (ring.current, keeper.made) == ("kek-1", 1)


async def test_a_key_made_just_before_a_crash_is_not_used_until_its_entry_is_there(
    ring: KeyRing, keeper: FakeKeyEncryption
) -> None:
    await keeper.make()
    await keeper.make()
    await ring.take_up(None)
    assert ring.current == "kek-1"
    assert await ring.next_key() == "kek-2", "the one left over is used, not another made"
    assert keeper.made == 2


async def test_the_key_that_the_entries_name_is_taken_up(ring: KeyRing, keeper: FakeKeyEncryption) -> None:
    for _ in range(3):
        await keeper.make()
    await ring.take_up("kek-2")
    assert ring.current == "kek-2"


@pytest.mark.parametrize("recorded", [None, "kek-9"])
async def test_a_ledger_without_its_key_does_not_begin_a_new_one(ring: KeyRing, recorded: str | None) -> None:
    with pytest.raises(IntegrityFailure, match="is not there"):
        await ring.take_up(recorded)


async def test_without_the_keeper_a_request_is_unavailable(
    ring: KeyRing, keeper: FakeKeyEncryption, preparer: AppendPreparer
) -> None:
    with pytest.raises(Unavailable):
        await preparer.prepare(request("a"))
    await ring.begin()
    keeper.down = True
    with pytest.raises(Unavailable):
        await preparer.prepare(request("a"))
    keeper.down = False
    assert (await preparer.prepare(request("a"))).data_key.wrapped.kek_id == "kek-1"


async def test_a_repeat_that_cannot_be_judged_now_is_unavailable_and_holds_nobody_up(
    ring: KeyRing, keeper: FakeKeyEncryption, preparer: AppendPreparer
) -> None:
    await ring.begin()
    first, other = await preparer.prepare(request("a")), await preparer.prepare(request("b"))
    stored = FoundAnswer(
        Position(0), EntryId("a" * 32), 201, b"", first.fingerprint, first.data_key.id, first.data_key.wrapped
    )
    looked_up = LookedUp({first.answer_token: stored}, frozenset(), {}, {})
    opened = await preparer.with_keys_opened(looked_up)
    assert preparer.same_request(first, opened.answers[first.answer_token]) is True
    keeper.down = True
    unavailable = (await preparer.with_keys_opened(looked_up)).answers[first.answer_token]
    verdict = preparer.same_request(first, unavailable)
    assert isinstance(verdict, Unavailable)
    known = Known({(first.answer_token, first.said): verdict})
    plan = decide_batch([first, other], state=state(), known=known, recent=Recent(), now=START)
    assert plan.outcomes == (verdict, Becomes(0))


async def test_nothing_comes_to_stand_under_a_key_that_was_rotated_away_from(
    ring: KeyRing, preparer: AppendPreparer
) -> None:
    await ring.begin()
    late = await preparer.prepare(request("a"))
    rotated = state(ServiceKeys(encryption="kek-2", past_encryption=("kek-1",)))
    plan = decide_batch([late], state=rotated, known=Known(), recent=Recent(), now=START)
    assert kinds(plan.outcomes) == [EncryptionKeyChanged.__name__]
    assert not plan.entries


async def test_a_rotation_and_what_was_ready_before_it_in_one_batch(ring: KeyRing, preparer: AppendPreparer) -> None:
    await ring.begin()
    before, after = await preparer.prepare(request("a")), await preparer.prepare(request("b"))
    facts: dict[str, object] = {"kek_id": "kek-2", "previous": "kek-1"}
    rotation = AppendRequest(
        EntryId("c" * 32),
        EntryType.ENCRYPTION_KEY_ROTATED,
        Idempotency("service:ledger", "rotate", b""),
        Answer(201, {}),
        facts=facts,
    )
    plan = decide_batch(
        [before, await preparer.prepare(rotation), after], state=state(), known=Known(), recent=Recent(), now=START
    )
    assert kinds(plan.outcomes) == ["Becomes", "Becomes", "EncryptionKeyChanged"]
    assert plan.registry.service_keys == ServiceKeys("kek-2", ("kek-1",))
