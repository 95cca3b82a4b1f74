"""A log's static files as a gateway gives them to an auditor who signs for each (``/v1/audit/…``)."""

from client.errors import NotReached, Refused
from client.exchange_client import ExchangeClient
from shared.errors import NotFound, NotPermitted, Unavailable
from shared.transparency.tiles import parse_tile_path

NOT_FOUND, FORBIDDEN = 404, (401, 403)

REMEDY = "Name the gateway's own address with --url, without a path; a new exchange publishes within seconds."


class GatewayTiles:
    """Implements TileSource over an auditor's signed requests. What comes is held against the log, never trusted."""

    def __init__(self, client: ExchangeClient) -> None:
        self._client = client

    async def read(self, path: str) -> bytes:
        """Return the bytes at a path below the log's prefix, unverified.

        Raises NotFound, InvalidInput for a path that no log has, NotPermitted when the key is no auditor's there,
        Unavailable when the gateway does not answer.
        """
        if path != "checkpoint":
            parse_tile_path(path)
        try:
            return (await self._client.get(f"/v1/audit/{path}")).body
        except Refused as refusal:
            if refusal.problem.status == NOT_FOUND:
                raise NotFound(f"the log's files lack {path}", remedy=REMEDY) from refusal
            if refusal.problem.status in FORBIDDEN:
                raise NotPermitted(refusal.problem.detail, remedy=refusal.problem.remedy) from refusal
            raise Unavailable(f"the gateway answers {refusal.problem.status} for {path}") from refusal
        except NotReached as error:
            raise Unavailable(error.detail, remedy=error.remedy) from error
