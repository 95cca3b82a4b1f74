"""``exchange owed`` and ``exchange queue``: what is not yet received, and what waits for a person."""

import os
from typing import Annotated

import typer

from cli import reach
from cli.operator import Operator
from shared.clock import SystemClock
from shared.identifiers import parse_obligation_id
from shared.ledger.messages import ObligationState, OwedPage, OwedQuery
from shared.ledger.reviews import OverdueReviewsPage, OverdueReviewsQuery
from shared.reference.authorities import load_register

queue_app = typer.Typer(help="The human queue: who owns each item, since when.", no_args_is_help=True)

DUTY_OPERATOR = "duty-operator"
"""Who owns an item until somebody is assigned, unless EXCHANGE_QUEUE_OWNER names another."""


def show_owed() -> None:
    """List every obligation that is not yet received, oldest first."""

    async def work() -> OwedPage:
        async with reach.ledger("operator") as client:
            return await client.owed(OwedQuery())

    page = reach.run(work())
    typer.echo(f"{page.owed_count} owed")
    for each in page.obligations:
        late = "  OVERDUE" if each.obligation.due_at < _now() else ""
        queued = "  in the human queue" if each.queued else ""
        typer.echo(
            f"{each.obligation.id}  {each.obligation.recipient}  {each.state} since {each.since[:19]}Z  "
            f"due {each.obligation.due_at[:19]}Z  {', '.join(each.obligation.reasons)}{queued}{late}"
        )


@queue_app.command("list")
def list_queue() -> None:
    """List what waits for a person, with its owner and since when."""

    async def work() -> OwedPage:
        async with reach.ledger("operator") as client:
            return await client.queue(OwedQuery())

    page = reach.run(work())
    typer.echo(f"{page.owed_count} in the queue")
    for each in page.obligations:
        typer.echo(
            f"{each.obligation.id}  {each.obligation.recipient}  {', '.join(each.obligation.reasons)}  "
            f"due {each.obligation.due_at[:19]}Z  owner {_owner(each)}"
        )


@queue_app.command("reviews")
def list_overdue_reviews() -> None:
    """List withholdings whose day of review has passed, and that nobody has decided on since."""

    async def work() -> OverdueReviewsPage:
        async with reach.ledger("operator") as client:
            return await client.overdue_reviews(OverdueReviewsQuery())

    page = reach.run(work())
    typer.echo(f"{len(page.reviews)} overdue")
    for each in page.reviews:
        typer.echo(
            f"{each.withholding}  {each.recipient}  due for review {each.review_due_on}  "
            f"chased since {each.found_at[:19]}Z by {each.notification}"
        )


@queue_app.command("assign")
def assign(
    item: Annotated[str, typer.Argument(help="The item's id, from `queue list`")],
    owner: Annotated[str, typer.Option(help="The account of who takes it")],
) -> None:
    """Make somebody the owner of an item."""

    async def work() -> None:
        async with reach.ledger("operator") as client:
            operator = Operator(client, register=load_register(), clock=SystemClock())
            position = await operator.assign(parse_obligation_id(item), owner=owner)
            typer.echo(f"{item} is {owner}'s (entry {position})")

    reach.run(work())


@queue_app.command("resolve")
def resolve(
    item: Annotated[str, typer.Argument(help="The item's id, from `queue list`")],
    by: Annotated[str, typer.Option(help="The account of who decided")],
    pass_to: Annotated[
        str,
        typer.Option(
            help="The authority it is for, by GSS code or exact name; where the item asks who must find the child, it "
            "is shown where the child is"
        ),
    ] = "",
) -> None:
    """Close an item, passing the matter on to the authority that was found, if any."""

    async def work() -> None:
        async with reach.ledger("operator") as client:
            operator = Operator(client, register=load_register(), clock=SystemClock())
            position = await operator.resolve(parse_obligation_id(item), by=by, pass_to=pass_to or None)
            typer.echo(f"{item} is resolved (entry {position})")
            if pass_to:
                typer.echo(f"{pass_to} is owed notice of it: see exchange owed")

    reach.run(work())


def _owner(each: ObligationState) -> str:
    if each.owner is None:
        return (
            f"{os.environ.get('EXCHANGE_QUEUE_OWNER') or DUTY_OPERATOR} (nobody assigned yet), since {each.since[:19]}Z"
        )
    return f"{each.owner}, since {(each.owner_since or '')[:19]}Z"


def _now() -> str:
    return SystemClock().now().strftime("%Y-%m-%dT%H:%M:%S")
