"""What a log says of an error: its kind and where it arose, never its text."""

import logging

import orjson
import pytest

from shared.process.logs import MOST_LINES, LibraryLines, fault

NAME = "Zebulon Quartermaine-Oyelaran"


def caught(error: Exception, *, cause: Exception | None = None) -> Exception:
    """Return an error that was raised and caught."""
    try:
        raise error from cause
    except Exception as found:
        return found


def trace(error: BaseException) -> list[str]:
    """Return the places that a log names for an error."""
    said = fault(error)
    assert NAME not in repr(said)
    assert isinstance(said["trace"], list)
    return said["trace"]


def line(message: object, *arguments: object, library: str = "a.library", error: Exception | None = None) -> str:
    """Return the line that a library's message becomes."""
    exc_info = (type(error), error, error.__traceback__) if error is not None else None
    record = logging.LogRecord(library, logging.ERROR, __file__, 1, message, arguments, exc_info)
    text = LibraryLines("gateway").format(record)
    assert NAME not in text
    assert "\n" not in text
    return text


def event(text: str) -> str:
    return str(orjson.loads(text)["event"])


def test_an_error_is_its_kind_and_the_places_that_lead_to_it_and_to_its_cause() -> None:
    error = caught(ValueError(NAME), cause=caught(KeyError(NAME)))
    assert fault(error)["kind"] == "ValueError"
    here, because, there = trace(error)
    assert here.startswith("shared/process/test_logs.py:")
    assert here.endswith(":caught")
    assert because == "arose from KeyError"
    assert there == here


def test_of_errors_that_came_together_each_is_named() -> None:
    said = trace(caught(ExceptionGroup(NAME, [caught(KeyError(NAME)), caught(ValueError(NAME))])))
    assert {"one of them: KeyError", "one of them: ValueError"} <= set(said)


def test_what_recurses_or_arises_from_itself_is_cut_short() -> None:
    def deep() -> None:
        deep()

    with pytest.raises(RecursionError) as found:
        deep()
    assert len(trace(found.value)) == MOST_LINES
    one, other = caught(ValueError(NAME)), caught(KeyError(NAME))
    one.__cause__, other.__cause__ = other, one
    assert len(trace(one)) <= MOST_LINES


def test_a_librarys_line_is_json_whatever_is_in_it_and_of_an_error_it_keeps_the_kind() -> None:
    assert event(line('"quoted"\\ and %s', 1)) == '"quoted"\\ and 1'
    assert event(line("connecting to %r: %s", "pool-1", ValueError(NAME))) == "connecting to 'pool-1': ValueError"
    assert event(line(ValueError(NAME))) == "ValueError"
    assert event(line("%(who)s failed", {"who": KeyError(NAME)})) == "KeyError failed"
    assert event(line("%d", NAME)) == "a message that cannot be made"
    failed = orjson.loads(line(f"it failed\nlocals: {NAME}", error=caught(KeyError(NAME))))
    assert (failed["event"], failed["kind"], failed["library"]) == ("it failed", "KeyError", "a.library")
    assert failed["trace"][0].endswith(":caught")


def test_a_callback_that_failed_is_named_without_what_was_handed_to_it() -> None:
    message = f"Exception in callback deliver('{NAME}') at x.py:1\nhandle: <Handle deliver('{NAME}')>"
    assert event(line(message, library="asyncio")) == "Exception in callback deliver"
    future = f"Task exception was never retrieved\nfuture: <Task exception=KeyError('{NAME}')>"
    assert event(line(future, library="asyncio", error=caught(KeyError(NAME)))) == "Task exception was never retrieved"
