"""Pushing over real HTTP: what counts as received, and what is refused."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deploy.demo_receiver.receiver import Behaviour, Receiver, make_app
from deploy.local.loopback_port import free_port
from services.notifier.adapters.http_push import HttpPush, PrivateAddresses, check_address
from services.notifier.adapters.name_lookup import Found, LookUp, look_up
from services.notifier.domain.cloud_event import MEDIA_TYPE
from shared.clock import SystemClock
from shared.errors import InvalidInput
from shared.identifiers import ObligationId, Recipient
from shared.ledger.registry import EndpointFacts
from shared.process.serving import Door, HttpAddress, serve
from shared.signatures.keys import generate_signing_key

PUSH_KEY, OWN_KEY = generate_signing_key(), generate_signing_key()
OBLIGATION = ObligationId("0" * 32 + "-0")
HEADERS = {"content-type": MEDIA_TYPE, "exchange-overtaking": "?0"}
BODY = b'{"id": "a notification", "data": {}}'


@asynccontextmanager
async def receiving(
    behaviour: Behaviour, *, through: Callable[[ASGIApp], ASGIApp] = lambda app: app
) -> AsyncIterator[tuple[Receiver, EndpointFacts]]:
    """Give a receiver on a loopback port."""
    receiver = Receiver("authority:E06000005", OWN_KEY, PUSH_KEY.public, SystemClock(), behaviour)
    port, stop = free_port(), asyncio.Event()
    app = through(make_app(receiver))
    serving = asyncio.create_task(serve(app, [Door("x", HttpAddress("127.0.0.1", port))], stop=stop))
    await asyncio.sleep(0.2)
    try:
        yield receiver, endpoint(port)
    finally:
        stop.set()
        await serving


def endpoint(port: int) -> EndpointFacts:
    key = OWN_KEY.public
    url = f"http://127.0.0.1:{port}/push"
    return EndpointFacts("darlington", Recipient("authority:E06000005"), url, key.thumbprint, key.jwk())


@asynccontextmanager
async def answering(handler: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[EndpointFacts]:
    """Give an endpoint at a loopback port that a handler answers."""
    app = web.Application()
    app.router.add_post("/push", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield endpoint(port)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def pushing(*, private: bool = True, look_up: LookUp = look_up) -> AsyncIterator[HttpPush]:
    push = HttpPush(
        key=PUSH_KEY,
        clock=SystemClock(),
        timeout_s=2,
        private_addresses=PrivateAddresses(allowed=private),
        look_up=look_up,
    )
    try:
        yield push
    finally:
        await push.close()


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (Behaviour.SIGN, "received"),
        (Behaviour.UNSIGNED, "delivered"),
        (Behaviour.FAIL, "failed"),
        (Behaviour.REDIRECT, "redirect_refused"),
    ],
)
async def test_only_a_signed_answer_counts_as_received(behaviour: Behaviour, outcome: str) -> None:
    async with receiving(behaviour) as (receiver, where), pushing() as push:
        came = await push.send(where, obligation=OBLIGATION, body=BODY, headers=HEADERS)
    assert came.outcome == outcome
    assert (came.evidence is not None) == (outcome == "received")
    assert len(receiver.events) == 1, "both of the push's signatures were good"


def dripping(app: ASGIApp) -> ASGIApp:
    """Send what an application answers byte by byte, each in a packet of its own."""

    async def drip(scope: Scope, receive: Receive, send: Send) -> None:
        async def slowly(message: Message) -> None:
            body = message.get("body", b"")
            for at in range(len(body)):
                await send({"type": "http.response.body", "body": body[at : at + 1], "more_body": True})
                await asyncio.sleep(0.001)
            await send({**message, "body": b""} if body else message)

        await app(scope, receive, slowly)

    return drip


async def test_an_answer_that_comes_in_pieces_is_read_to_its_end() -> None:
    async with receiving(Behaviour.SIGN, through=dripping) as (_, where), pushing() as push:
        assert (await push.send(where, obligation=OBLIGATION, body=BODY, headers=HEADERS)).outcome == "received"


async def test_an_answer_signed_by_another_key_is_only_delivered() -> None:
    other = generate_signing_key().public
    async with receiving(Behaviour.SIGN) as (_, where), pushing() as push:
        stranger = EndpointFacts(where.endpoint, where.recipient, where.url, other.thumbprint, other.jwk())
        assert (await push.send(stranger, obligation=OBLIGATION, body=BODY, headers=HEADERS)).outcome == "delivered"


async def test_a_private_address_is_refused_written_out_or_resolved() -> None:
    async with receiving(Behaviour.SIGN) as (receiver, where), pushing(private=False) as push:
        named = EndpointFacts(
            "x", where.recipient, where.url.replace("127.0.0.1", "localhost"), where.thumbprint, where.jwk
        )
        for each in (where, named):
            came = await push.send(each, obligation=OBLIGATION, body=BODY, headers=HEADERS)
            assert came.outcome == "address_refused"
    assert receiver.events == []


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "::1", "fe80::1%eth0"])
def test_every_kind_of_private_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput):
        check_address(address)


async def test_nobody_listening_and_an_endless_answer_are_outcomes_and_not_errors() -> None:
    async with pushing() as push:
        assert (
            await push.send(endpoint(free_port()), obligation=OBLIGATION, body=BODY, headers=HEADERS)
        ).outcome == "not_connected"

    async def endless(_request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 200_000)

    async with answering(endless) as where, pushing() as push:
        assert (await push.send(where, obligation=OBLIGATION, body=BODY, headers=HEADERS)).outcome == "delivered"


async def test_a_connection_that_ends_after_the_push_went_out_says_that_it_may_have_arrived() -> None:
    async def taken_and_gone(request: web.Request) -> web.Response:
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with answering(taken_and_gone) as where, pushing() as push:
        assert (await push.send(where, obligation=OBLIGATION, body=BODY, headers=HEADERS)).outcome == "answer_lost"


async def test_many_pushes_to_a_slow_host_each_have_their_own_time() -> None:
    async def slow(_request: web.Request) -> web.Response:
        await asyncio.sleep(1.2)
        return web.Response()

    async with answering(slow) as where, pushing() as push:
        sent = [push.send(where, obligation=OBLIGATION, body=BODY, headers=HEADERS) for _ in range(16)]
        assert {came.outcome for came in await asyncio.gather(*sent)} == {"delivered"}


def named(where: EndpointFacts, name: str) -> EndpointFacts:
    """Return an endpoint by a name in place of its address."""
    url = where.url.replace("127.0.0.1", name)
    return EndpointFacts(name, where.recipient, url, where.thumbprint, where.jwk)


class Names:
    """Looks names up: some are found, and nobody ever answers for those that begin with *dead*."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.ended = threading.Event()

    def look_up(self, host: str, port: int, family: socket.AddressFamily) -> Found:
        self.asked.append(host)
        if host.startswith("dead"):
            self.ended.wait()
            raise OSError("nobody answered")
        return look_up("127.0.0.1", port, family)


async def test_names_for_which_nobody_answers_hold_up_no_other_and_nothing_was_sent_to_them() -> None:
    names = Names()
    async with receiving(Behaviour.SIGN) as (_, where), pushing(look_up=names.look_up) as push:
        try:
            dead = [
                asyncio.create_task(
                    push.send(named(where, f"dead-{number % 40}"), obligation=OBLIGATION, body=BODY, headers=HEADERS)
                )
                for number in range(80)
            ]
            await asyncio.sleep(0.1)
            alive = await push.send(named(where, "alive"), obligation=OBLIGATION, body=BODY, headers=HEADERS)
            assert alive.outcome == "received"
            assert {came.outcome for came in await asyncio.gather(*dead)} == {"not_connected"}
            again = await push.send(named(where, "dead-0"), obligation=OBLIGATION, body=BODY, headers=HEADERS)
            assert again.outcome == "not_connected"
        finally:
            names.ended.set()
    assert names.asked.count("dead-0") == 1, "a lookup that is under way is not begun again"


async def test_a_name_that_is_not_found_or_no_name_at_all_is_not_connected() -> None:
    def not_found(host: str, _port: int, _family: socket.AddressFamily) -> Found:
        raise {"x.example": socket.gaierror("no such name"), "y.example": UnicodeError("no name")}[host]

    async with pushing(look_up=not_found) as push:
        for name in ("x.example", "y.example", "what-the-fake-does-not-know.example"):
            came = await push.send(named(endpoint(1), name), obligation=OBLIGATION, body=BODY, headers=HEADERS)
            assert came.outcome == "not_connected"


async def test_without_a_thread_to_look_a_name_up_in_nothing_is_sent_and_the_next_push_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async with receiving(Behaviour.SIGN) as (_, where), pushing(look_up=Names().look_up) as push:
        alive = named(where, "alive")
        with monkeypatch.context() as without_threads:
            without_threads.setattr(threading.Thread, "start", start)
            came = await push.send(alive, obligation=OBLIGATION, body=BODY, headers=HEADERS)
        assert came.outcome == "not_connected"
        assert (await push.send(alive, obligation=OBLIGATION, body=BODY, headers=HEADERS)).outcome == "received"
