"""The doors by which the gateway asks who children are, one or several in a call."""

from services.ledger.adapters.postgres_children import PostgresChildren
from services.ledger.api.several import outcome_of, several
from services.ledger.domain.blind_index import BlindIndex
from services.ledger.domain.plan import IdentifierToken
from shared.errors import ExchangeError
from shared.ledger.messages import Failure, ResolveChild
from shared.process.message_app import decode
from shared.process.remote import failure_of


class ChildrenApi:
    """Turns what names children into the keyed hashes that they are found by."""

    def __init__(self, children: PostgresChildren, *, blind_index: BlindIndex) -> None:
        self._children = children
        self._blind_index = blind_index

    async def resolve_one(self, body: bytes) -> object:
        """Return who is named."""
        (resolved,) = await self._children.resolve([self._named(body)])
        return resolved

    async def resolve_several(self, body: bytes) -> object:
        """Return who is named by each of several; one that cannot be read is refused alone."""
        named: list[tuple[IdentifierToken, ...] | Failure] = []
        for request in several(body):
            try:
                named.append(self._named(request))
            except ExchangeError as error:
                named.append(failure_of(error))
        found = iter(await self._children.resolve([each for each in named if not isinstance(each, Failure)]))
        return [outcome_of(each if isinstance(each, Failure) else next(found)) for each in named]

    def _named(self, body: bytes) -> tuple[IdentifierToken, ...]:
        return self._blind_index.identifier_tokens(decode(body, ResolveChild).identifiers)
