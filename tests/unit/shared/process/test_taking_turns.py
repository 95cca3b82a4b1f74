"""Work goes on after whatever happened, and what is said of that names the place in the code and nothing personal."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from shared.errors import IntegrityFailure, InvalidInput, Unavailable
from shared.process.taking_turns import category_of, each_apart, note_failure, take_turns


class NoDatabase(Exception):
    """Says that a database is away."""


@dataclass
class Work:
    """Raises what comes next, and ends the test when there is nothing left."""

    errors: Sequence[BaseException]
    turns: int = 0

    async def turn(self) -> float:
        if self.turns == len(self.errors):
            await end_this_task()
        self.turns += 1
        raise self.errors[self.turns - 1]


async def end_this_task() -> None:
    """Have the present task cancelled, as somebody does who wants it to end."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


def counted(work: str, category: str) -> float:
    return REGISTRY.get_sample_value("exchange_turns_failed_total", {"work": work, "category": category}) or 0.0


async def test_whatever_a_turn_ends_with_the_next_is_taken() -> None:
    work = Work([KeyError("x"), Unavailable("x"), IntegrityFailure("x"), NoDatabase("x")])
    with pytest.raises(asyncio.CancelledError), capture_logs() as lines:
        await asyncio.create_task(take_turns(work.turn, work="turns_of_a_test", retry_after_s=0.0, away=(NoDatabase,)))
    assert work.turns == 4
    assert [(line["log_level"], line["category"]) for line in lines] == [
        ("error", "Fault"),
        ("warning", "Unavailable"),
        ("error", "IntegrityFailure"),
        ("warning", "Unavailable"),
    ]
    assert (counted("turns_of_a_test", "Fault"), counted("turns_of_a_test", "Unavailable")) == (1, 2)


async def test_a_cancelled_task_of_a_librarys_ends_a_turn_and_not_the_work() -> None:
    """A client that stops its own tasks may raise their cancellation where nobody wanted the work to end."""
    before = counted("a_test_of_clients", "Unavailable")
    work = Work([asyncio.CancelledError(), asyncio.CancelledError()])
    with pytest.raises(asyncio.CancelledError), capture_logs() as lines:
        await asyncio.create_task(take_turns(work.turn, work="a_test_of_clients", retry_after_s=0.0))
    assert work.turns == 2
    assert [(line["log_level"], line["kind"]) for line in lines] == [("warning", "CancelledError")] * 2
    assert counted("a_test_of_clients", "Unavailable") == before + 2


async def test_of_several_things_one_that_fails_holds_up_none_unless_what_all_need_is_away() -> None:
    done: list[str] = []

    async def do(thing: str) -> bool:
        if thing == "away":
            raise NoDatabase
        done.append({"good": "good", "other": "other"}[thing])
        return True

    assert await each_apart(["bad", "good", "other"], do, work="a_test", away=(NoDatabase,)) == 2
    with pytest.raises(NoDatabase):
        await each_apart(["away", "good"], do, work="a_test", away=(NoDatabase,))
    assert done == ["good", "other"]


def test_a_fault_is_said_with_its_place_and_without_its_text() -> None:
    def look_up(names: dict[str, str]) -> str:
        return names["Robin Marsh"]

    with capture_logs() as lines:
        try:
            look_up({})
        except KeyError as error:
            note_failure(error, work="a_look", obligation="o-1")
    (line,) = lines
    assert line["event"] == "a_look_interrupted"
    assert (line["kind"], line["obligation"]) == ("KeyError", "o-1")
    *_, innermost = line["trace"]
    assert innermost.startswith("shared/process/test_taking_turns.py:")
    assert innermost.endswith("look_up")
    assert "Robin" not in str(line)


@pytest.mark.parametrize(
    ("error", "category"),
    [
        (InvalidInput("x"), "InvalidInput"),
        (ConnectionRefusedError(), "Unavailable"),
        (TimeoutError(), "Unavailable"),
        (NoDatabase(), "Fault"),
    ],
)
def test_an_error_is_told_apart_by_what_to_do_about_it(error: Exception, category: str) -> None:
    assert category_of(error) == category
