"""Many requests at once through a real ledger's door, several to a call: each is judged as if it had come alone."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest
import pytest_asyncio

from deploy.local.postgres import EmbeddedPostgres
from shared.errors import ExchangeError, InvalidInput, NotPermitted
from shared.ledger.lane import CALLS_AT_ONCE
from shared.ledger.messages import (
    MOST_IN_A_CALL,
    Appended,
    AppendRequest,
    ChildIdentifier,
    NamedChild,
    Outcome,
    ResolveChild,
    Several,
)
from shared.process.address import UnixAddress
from shared.process.remote import Remote
from shared.vocabulary import EntryType
from tests.machinery.lean_ledger import LeanLedger, LedgerProcess, lean_ledger, migrated_template
from tests.machinery.ledger_clients import request

pytestmark = pytest.mark.asyncio(loop_scope="module")

SAID = "Zebulon Quartermaine"


@pytest.fixture(scope="module")
def ledger(postgres_server: EmbeddedPostgres) -> Iterator[LeanLedger]:
    with migrated_template(postgres_server) as template, lean_ledger(postgres_server, *template) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def process(ledger: LeanLedger) -> LedgerProcess:
    return await ledger.writing()


async def outcome(client_append: asyncio.Task[Appended]) -> Appended | ExchangeError:
    try:
        return await client_append
    except ExchangeError as error:
        return error


async def together(process: LedgerProcess, requests: list[AppendRequest]) -> list[Appended | ExchangeError]:
    """Append all at once through one client: some go alone, the others behind them in one call or a few."""
    async with process.client() as client:
        tasks = [asyncio.create_task(client.append(each)) for each in requests]
        return [await outcome(task) for task in tasks]


async def carried(
    process: LedgerProcess, requests: list[bytes], *, caller: str = "operator", path: str = "/append-many"
) -> list[Outcome]:
    """Return what became of requests in one call, whatever their bytes."""
    async with Remote(UnixAddress(process.folder / f"{caller}.sock"), timeout_s=10) as remote:
        message = Several(tuple(msgspec.Raw(each) for each in requests))
        return list(await remote.call(path, message, tuple[Outcome, ...]))


def alone(number: int) -> AppendRequest:
    return request(f"one-of-many-{number}")


async def test_each_of_many_gets_a_place_and_an_answer_of_its_own_and_the_log_verifies(
    ledger: LeanLedger, process: LedgerProcess
) -> None:
    outcomes = await together(process, [alone(number) for number in range(200)])
    placed = [each for each in outcomes if isinstance(each, Appended)]
    assert len(placed) == 200
    positions = sorted(each.position for each in placed)
    assert positions == list(range(positions[0], positions[0] + 200))
    again = await together(process, [alone(number) for number in range(200)])
    assert [each.answer for each in again if isinstance(each, Appended) and each.repeated] == [
        each.answer for each in placed
    ]
    report = await ledger.audit()
    assert report.intact, report.findings


async def test_what_is_refused_is_refused_alone_and_with_its_own_reason(process: LedgerProcess) -> None:
    first = [request(f"before-{number}") for number in range(CALLS_AT_ONCE)]
    reused = msgspec.structs.replace(
        request("before-0"), idempotency=msgspec.structs.replace(request("before-0").idempotency, request=b"another")
    )
    unstorable = msgspec.structs.replace(request("unstorable"), facts={"name": "\0"})
    not_theirs = msgspec.structs.replace(
        request("not-theirs"), idempotency=msgspec.structs.replace(request("x").idempotency, scope="agency:a")
    )
    behind = [reused, request("good"), unstorable, not_theirs, request("good"), request("also-good")]
    outcomes = (await together(process, [*first, *behind]))[CALLS_AT_ONCE:]
    codes = [each.code if isinstance(each, ExchangeError) else "" for each in outcomes]
    assert codes == ["idempotency-key-reused", "", "invalid-input", "caller-not-permitted", "", ""]
    good, same = outcomes[1], outcomes[4]
    assert isinstance(good, Appended)
    assert isinstance(same, Appended)
    assert good.answer == same.answer


async def test_bytes_that_are_no_append_are_refused_alone_and_leave_no_word_in_the_log(process: LedgerProcess) -> None:
    not_one = msgspec.msgpack.encode({"entry_id": SAID, "type": SAID})
    unknown_type = msgspec.msgpack.encode(
        {
            **msgspec.to_builtins(request("odd")),
            "type": EntryType.SHARE_RECORDED.value,
            "child": {"ref": SAID, "identifiers": []},
        }
    )
    good = msgspec.msgpack.encode(request("beside-odd-ones"))
    outcomes = await carried(process, [not_one, unknown_type, good])
    assert [each.failure.category if each.failure else "" for each in outcomes] == ["InvalidInput", "InvalidInput", ""]
    assert outcomes[2].reply is not None
    said = [process.log, *(each.failure.detail for each in outcomes if each.failure)]
    assert not [text for text in said if "Zebulon" in text]


async def test_a_call_carries_no_more_than_it_may(process: LedgerProcess) -> None:
    encoded = [msgspec.msgpack.encode(request(f"too-many-{number}")) for number in range(MOST_IN_A_CALL + 1)]
    with pytest.raises(InvalidInput):
        await carried(process, encoded)
    assert len(await carried(process, encoded[:-1])) == MOST_IN_A_CALL


async def test_the_door_of_one_who_may_append_nothing_takes_no_appends_together(process: LedgerProcess) -> None:
    with pytest.raises(NotPermitted):
        await carried(process, [msgspec.msgpack.encode(request("auditors"))], caller="auditor")


async def test_children_that_are_asked_for_together_are_found_each_by_its_own_names(process: LedgerProcess) -> None:
    names = [(ChildIdentifier("local:agency-a", f"pupil-{number}", identifying=True),) for number in range(40)]
    async with process.client("gateway") as client:
        nobody = await asyncio.gather(*(client.resolve_child(ResolveChild(name)) for name in names))
        assert {each.ref for each in nobody} == {None}
    async with process.client() as client:
        for number in (3, 4):
            about = NamedChild(None, 0, names[number], ())
            await client.append(msgspec.structs.replace(request(f"about-{number}"), child=about))
    async with process.client("gateway") as client:
        found = await asyncio.gather(*(client.resolve_child(ResolveChild(name)) for name in names))
    assert [number for number, each in enumerate(found) if each.ref is not None] == [3, 4]
    assert found[3].ref != found[4].ref
    assert {each.version for each in found} == {0, 1}


async def test_a_question_that_is_none_is_refused_alone(process: LedgerProcess) -> None:
    asked = msgspec.msgpack.encode(ResolveChild(()))
    outcomes = await carried(
        process, [asked, msgspec.msgpack.encode([SAID]), asked], caller="gateway", path="/resolve-children"
    )
    assert [each.failure.category if each.failure else "" for each in outcomes] == ["", "InvalidInput", ""]
    assert "Zebulon" not in "".join(each.failure.detail for each in outcomes if each.failure)


async def test_a_ledger_that_is_killed_meanwhile_leaves_outcomes_open_and_the_repeat_tells(ledger: LeanLedger) -> None:
    first = ledger.processes[0]
    requests = [request(f"killed-{number}") for number in range(100)]
    asking = asyncio.create_task(together(first, requests))
    await asyncio.sleep(0.02)
    first.kill()
    outcomes = await asking
    successor = await ledger.writing()
    again = await together(successor, requests)
    assert all(isinstance(each, Appended) for each in again)
    for before, after in zip(outcomes, again, strict=True):
        if isinstance(before, Appended):
            assert isinstance(after, Appended)
            assert (after.repeated, after.answer) == (True, before.answer)
    report = await ledger.audit()
    assert report.intact, report.findings
