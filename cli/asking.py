"""Asking the gateway one thing as an agency, and showing the answer: what several commands do."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import typer

from cli import reach
from client.answer import Answer
from client.exchange_client import ExchangeClient
from client.files import private_key
from client.sending import readable


def ask_as(ask: Callable[[ExchangeClient], Awaitable[Answer]], *, key: Path, url: str) -> None:
    """Print the answer to what ``ask`` asks with a client that signs with a key file; ``url`` or the exchange here."""
    signer = private_key(key)

    async def work() -> Answer:
        async with ExchangeClient(url or reach.addresses().gateway_url, key=signer) as client:
            return await ask(client)

    typer.echo(readable(reach.run(work())))
