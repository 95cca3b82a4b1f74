"""``exchange chronology`` and ``exchange search``: what an agency with a part in a child's case may read of it."""

from typing import Annotated
from urllib.parse import urlencode

import orjson
import typer

from cli.asking import ask_as
from cli.send import KeyFile, Record, Url
from client.files import record_bytes
from shared.identifiers import parse_child_ref


def chronology(
    child: Annotated[str, typer.Argument(help="The child's reference, as an answer or a search gave it")],
    key: KeyFile,
    as_at: Annotated[str, typer.Option(help="Leave out what came after this, such as 2026-11-24T00:00:00Z")] = "",
    after: Annotated[int, typer.Option(help="The next page: the last answer's next_after")] = -1,
    url: Url = "",
) -> None:
    """Show what was recorded about a child, as far as your part in its case goes. The look is an entry."""
    query = urlencode({**({"as_at": as_at} if as_at else {}), "after": after})
    path = f"/v1/children/{parse_child_ref(child)}/chronology?{query}"
    ask_as(lambda client: client.get(path), key=key, url=url)


def search(record: Record, key: KeyFile, url: Url = "") -> None:
    """Find the child that identifiers name (docs/examples/search.json), if you have a part in its case; on record."""
    body = orjson.loads(record_bytes(record, command="search"))
    ask_as(lambda client: client.post("/v1/children/searches", body), key=key, url=url)
