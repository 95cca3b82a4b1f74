from pathlib import Path

from aiohttp import web

from deploy.local.readiness import socket_accepts, url_answers


async def _answer(request: web.Request) -> web.Response:
    return web.Response(status=200 if request.path == "/readyz" else 503)


async def test_a_url_is_ready_once_it_answers_200_over_its_socket(tmp_path: Path) -> None:
    socket_path = tmp_path / "s"
    ready = url_answers("http://ledger/readyz", unix_socket=socket_path)
    assert not await ready()
    application = web.Application()
    application.router.add_get("/{tail:.*}", _answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.UnixSite(runner, str(socket_path)).start()
        assert await ready()
        assert await socket_accepts(socket_path)()
        assert not await url_answers("http://ledger/busy", unix_socket=socket_path)()
    finally:
        await runner.cleanup()
