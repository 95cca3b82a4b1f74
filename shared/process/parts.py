"""A process made of parts that run side by side: when one ends, all end."""

import asyncio
from collections.abc import Coroutine, Sequence


async def run_until_first_ends(parts: Sequence[Coroutine[None, None, None]]) -> None:
    """Run parts until any of them ends, end the others, and pass on what it ended with."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
