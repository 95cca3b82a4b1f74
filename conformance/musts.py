"""A MUST, what became of it, and an examination's report."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from shared.errors import ExchangeError


@dataclass(frozen=True, slots=True)
class Must:
    """One requirement: its number for ever, what it says, and where that comes from."""

    number: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one MUST. ``failure`` says what was seen instead; None when it is met."""

    must: Must
    failure: str | None

    @property
    def met(self) -> bool:
        """Whether it is met."""
        return self.failure is None


class NotMet(Exception):
    """What was seen instead of what a MUST says."""


Examination = Callable[[], Awaitable[None]]
"""Examines one MUST; raises NotMet."""


async def examine(must: Must, examination: Examination) -> Verdict:
    """Return what became of a MUST. Whatever else goes wrong in examining it counts as not met, by its kind alone."""
    try:
        await examination()
    except NotMet as seen:
        return Verdict(must, str(seen))
    except ExchangeError as error:
        return Verdict(must, error.detail)
    except Exception as error:
        return Verdict(must, f"the examination ended in {type(error).__name__}")
    return Verdict(must, None)


def expect(held: object, otherwise: str) -> None:
    """Raise NotMet, saying what was seen, unless something holds."""
    if not held:
        raise NotMet(otherwise)


def report(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield an examination's report as lines to read."""
    for verdict in verdicts:
        yield f"{'met    ' if verdict.met else 'NOT MET'}  {verdict.must.number}  {verdict.must.text}"
        if verdict.failure is not None:
            yield f"         seen: {verdict.failure}"
    unmet = sum(not verdict.met for verdict in verdicts)
    yield f"{len(verdicts) - unmet} of {len(verdicts)} are met" if unmet else f"all {len(verdicts)} are met"
