"""Calls to another process of the exchange, with errors that keep their category across the wire."""

import asyncio
from types import TracebackType
from typing import Self, TypeVar

import aiohttp
import msgspec

from shared import errors
from shared.ledger.messages import Failure
from shared.process.address import Address, TlsAddress, TlsFiles, UnixAddress, client_context

MEDIA_TYPE = "application/msgpack"

Reply = TypeVar("Reply")

_CATEGORIES: dict[str, type[errors.ExchangeError]] = {
    category.__name__: category
    for category in (
        errors.InvalidInput,
        errors.NotPermitted,
        errors.NotFound,
        errors.Conflict,
        errors.Unavailable,
        errors.IntegrityFailure,
    )
}


class Unreachable(errors.Unavailable):
    """Nobody takes the connection: nothing was sent, so nothing was done."""


class Remote:
    """Implements Peer for a process at one address. Safe for use by many tasks of one event loop at once.

    Every call either returns the decoded reply or raises an ExchangeError of the category the other side gave. A
    call that times out or loses its connection raises Unavailable with ``outcome_unknown``: retry the same request.
    """

    def __init__(
        self, address: Address, *, timeout_s: float, connect_timeout_s: float | None = None, tls: TlsFiles | None = None
    ) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=connect_timeout_s)
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    @property
    def timeout_s(self) -> float:
        """How long one call may take."""
        return self._timeout_s

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(self, path: str, message: object, reply: type[Reply]) -> Reply:
        """POST a message and return the reply. Raises the ExchangeError that the other side answered with."""
        try:
            async with self._open_session().post(
                self._base_url() + path, data=msgspec.msgpack.encode(message), headers={"content-type": MEDIA_TYPE}
            ) as response:
                body = await response.read()
                status = response.status
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, FileNotFoundError) as error:
            raise Unreachable("the other process cannot be reached") from error
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError) as error:
            raise errors.Unavailable("the other process did not answer", outcome_unknown=True) from error
        try:
            if status == 200:
                return msgspec.msgpack.decode(body, type=reply)
            failure = msgspec.msgpack.decode(body, type=Failure)
        except msgspec.MsgspecError as error:
            raise errors.Unavailable("the other process answered in no known form", outcome_unknown=True) from error
        raise error_of(failure)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector: aiohttp.BaseConnector
            if isinstance(self._address, UnixAddress):
                connector = aiohttp.UnixConnector(path=str(self._address.path), limit=256)
            else:
                if self._tls is None:
                    raise errors.InvalidInput("an address on another machine needs this side's certificate and key")
                connector = aiohttp.TCPConnector(ssl=client_context(self._tls), limit=256)
            self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        return self._session

    def _base_url(self) -> str:
        if isinstance(self._address, TlsAddress):
            return f"https://{self._address.host}:{self._address.port}"
        return "http://localhost"


def failure_of(error: errors.ExchangeError) -> Failure:
    """Return what goes on the wire for an error."""
    category = next(name for name, kind in _CATEGORIES.items() if isinstance(error, kind))
    unknown = isinstance(error, errors.Unavailable) and error.outcome_unknown
    return Failure(category, error.code, error.detail, error.remedy, unknown)


def error_of(failure: Failure) -> errors.ExchangeError:
    """Return the error that a failure on the wire stands for, of the same category and code."""
    category = _CATEGORIES.get(failure.category)
    if category is None:
        return errors.Unavailable("the other process failed in a way that is not known here", outcome_unknown=True)
    error = category(failure.detail, remedy=failure.remedy)
    error.code = failure.code
    if isinstance(error, errors.Unavailable):
        error.outcome_unknown = failure.outcome_unknown
    return error
