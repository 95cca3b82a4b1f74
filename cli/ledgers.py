"""Which of the ledger's processes serves, and where the others stand."""

from collections.abc import Sequence

import typer

from cli import reach
from shared.errors import Unavailable
from shared.process.address import Address

OPERATOR = "operator"
SERVES = "writing"


def show_ledgers() -> None:
    """Print where each ledger process stands, and which address serves. Raises Unavailable when none does."""
    found = reach.run(_ask(reach.ledger_addresses(OPERATOR)))
    for address, said in found:
        typer.echo(f"{address}  {said}")
    if not any(said.startswith(SERVES) for _, said in found):
        raise Unavailable("no ledger is writing", remedy="A standby takes over within seconds; else look at its log.")


async def _ask(addresses: Sequence[Address]) -> Sequence[tuple[Address, str]]:
    return [(address, await _stands(address)) for address in addresses]


async def _stands(address: Address) -> str:
    try:
        async with reach.ledger(OPERATOR, only=address) as client:
            found = await client.standing()
    except Unavailable as error:
        return f"not serving: {error.detail}"
    return f"{found.standing}, {found.size} entries" + (", serves" if found.standing == SERVES else "")
