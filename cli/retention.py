"""``exchange retention``: a run proposes whom to erase, two people approve it, and only then is it carried out."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from cli import reach
from cli.erasing import By, approve_as, steward
from services.ledger.domain.retention import RetentionCases, retention_of
from services.ledger.domain.stewarding import LARGEST_RUN
from shared.clock import SystemClock
from shared.errors import InvalidInput
from shared.ledger.client import LedgerClient
from shared.ledger.stewardship import RetentionDue
from shared.reference.retention import RetentionSchedule, load_schedule
from shared.vocabulary import EntryType

retention_app = typer.Typer(help="Retention: what is kept for how long, and what may go.", no_args_is_help=True)


async def children_due(ledger: LedgerClient, schedule: RetentionSchedule, *, as_at: date) -> Sequence[RetentionDue]:
    """Return the children whose retention period has ended by a day and on whom no hold is, the longest due first."""
    cases = RetentionCases()
    async for entry in ledger.stream(after=-1):
        cases.take(entry)
    state = await ledger.stewardship()
    due = []
    for case in cases.cases.values():
        kept = retention_of(case, schedule, as_at=as_at)
        if kept.due_on <= as_at and not state.is_held(case.child):
            due.append(RetentionDue(case.child, case.version, kept.retention_class, kept.due_on.isoformat()))
    return sorted(due, key=lambda each: each.due_on)


@retention_app.command("propose")
def propose(
    by: By,
    as_at: Annotated[str, typer.Option(help="What was due by this day, 2026-11-24; default: today")] = "",
    schedule: Annotated[Path | None, typer.Option(help="The controller's own schedule, as a CSV file")] = None,
) -> None:
    """Propose to erase every child whose retention period has ended. Erases nothing."""
    rules = load_schedule(schedule)
    day = _day(as_at) if as_at else SystemClock().now().date()

    async def work() -> None:
        async with reach.ledger("operator") as client, steward() as acting:
            due = await children_due(client, rules, as_at=day)
            if not due:
                typer.echo("nothing is due")
                return
            run = await acting.propose_run(due[:LARGEST_RUN], schedule=rules.id, as_at=day.isoformat(), by=by)
        for each in due[:LARGEST_RUN]:
            typer.echo(f"{each.child}  {each.retention_class}  due {each.due_on}")
        if len(due) > LARGEST_RUN:
            typer.echo(f"{len(due) - LARGEST_RUN} more are due: propose again once this run is carried out")
        typer.echo(f"run {run} is proposed. Next: exchange retention approve {run} --by …, by two others")

    reach.run(work())


@retention_app.command("approve")
def approve_run(run: Annotated[str, typer.Argument(help="The id that the run was given")], by: By) -> None:
    """Approve a run, as somebody who neither proposed nor approved it."""
    approve_as(EntryType.RETENTION_PROPOSED, run, by=by)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput("a day is written as 2026-11-24") from error
