"""Files that a web server gives to an audit's command line, where no exchange runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp.web

from deploy.local.loopback_port import free_port


class Served(dict[str, bytes]):
    """Files by their path, served over HTTP below ``url``."""

    url = ""

    async def answer(self, request: aiohttp.web.Request) -> aiohttp.web.Response:
        """Answer with a file, or that there is none."""
        data = self.get(request.match_info["path"])
        return aiohttp.web.Response(status=404) if data is None else aiohttp.web.Response(body=data)


@asynccontextmanager
async def serving() -> AsyncIterator[Served]:
    """Run a web server that holds whatever files a test gives it."""
    files, app, port = Served(), aiohttp.web.Application(), free_port()
    app.router.add_get("/{path:.+}", files.answer)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    await aiohttp.web.TCPSite(runner, "127.0.0.1", port).start()
    files.url = f"http://127.0.0.1:{port}"
    try:
        yield files
    finally:
        await runner.cleanup()
