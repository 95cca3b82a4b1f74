"""``exchange retention``: a run proposes whom to erase, two people approve it, and only then is it carried out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from cli import reach
from cli.account import By
from cli.erasing import SignedLine, approve_as
from cli.steward import open_steward
from services.ledger.domain.retention import RetentionCases, retention_of
from services.ledger.domain.stewarding import LARGEST_RUN
from shared.clock import SystemClock, parse_rfc3339
from shared.errors import InvalidInput
from shared.ledger.client import LedgerClient
from shared.ledger.stewardship import RetentionDue
from shared.reference.retention import RetentionSchedule, load_schedule
from shared.reference.working_days import local_day
from shared.vocabulary import EntryType

retention_app = typer.Typer(help="Retention: what is kept for how long, and what may go.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class Dues:
    """The children whose retention period has ended and on whom no hold is, the longest due first, and who is left.

    ``held`` counts those whose period has ended and who are under a hold; ``not_yet`` are the days on which the
    others' ends, the next one first.
    """

    due: Sequence[RetentionDue]
    held: int
    not_yet: Sequence[date]

    def left(self) -> str:
        """Return in words who is not due, and when the next one is."""
        later = f"not due yet: {len(self.not_yet)}" + (f", the next on {self.not_yet[0]}" if self.not_yet else "")
        return f"{later}; due but under a hold: {self.held}"


async def children_due(ledger: LedgerClient, schedule: RetentionSchedule, *, as_at: date, today: date) -> Dues:
    """Return who is due by a day and who is not. Raises InvalidInput for a day that has not come."""
    cases = RetentionCases()
    async for entry in ledger.stream(after=-1):
        cases.take(entry)
        # A sandbox's clock may be ahead of this one: the ledger's own day counts.
        today = max(today, local_day(parse_rfc3339(entry.time)))
    if as_at > today:
        raise InvalidInput(f"{as_at} has not come: a run proposes only what is due by now", remedy="Leave --as-at out.")
    state = await ledger.stewardship()
    due, held, not_yet = [], 0, []
    for case in cases.cases.values():
        kept = retention_of(case, schedule, as_at=as_at)
        if kept.due_on > as_at:
            not_yet.append(kept.due_on)
        elif state.is_held(case.child):
            held += 1
        else:
            due.append(RetentionDue(case.child, case.version, kept.retention_class, kept.due_on.isoformat()))
    return Dues(sorted(due, key=lambda each: each.due_on), held, sorted(not_yet))


@retention_app.command("propose")
def propose(
    by: By,
    as_at: Annotated[str, typer.Option(help="What was due by this day, 2026-11-24; default: today")] = "",
    schedule: Annotated[Path | None, typer.Option(help="The controller's own schedule, as a CSV file")] = None,
) -> None:
    """Propose to erase every child whose retention period has ended. Erases nothing."""
    rules = load_schedule(schedule)
    today = local_day(SystemClock().now())
    day = _day(as_at) if as_at else today

    async def work() -> None:
        async with reach.ledger("operator") as client, open_steward() as acting:
            dues = await children_due(client, rules, as_at=day, today=today)
            due = dues.due
            if not due:
                typer.echo(f"nothing is due ({dues.left()})")
                return
            run = await acting.propose_run(due[:LARGEST_RUN], schedule=rules.id, as_at=day.isoformat(), by=by)
        for each in due[:LARGEST_RUN]:
            typer.echo(f"{each.child}  {each.retention_class}  due {each.due_on}")
        if len(due) > LARGEST_RUN:
            typer.echo(f"{len(due) - LARGEST_RUN} more are due: propose again once this run is carried out")
        typer.echo(dues.left())
        typer.echo(f"run {run} is proposed. Next: exchange retention approve {run} --by …, by two others")

    reach.run(work())


@retention_app.command("approve")
def approve_run(
    run: Annotated[str, typer.Argument(help="The id that the run was given")], by: By, signed: SignedLine = ""
) -> None:
    """Approve a run, as somebody who neither proposed nor approved it."""
    approve_as(EntryType.RETENTION_PROPOSED, run, by=by, signed=signed)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput("a day is written as 2026-11-24") from error
