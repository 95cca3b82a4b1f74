"""The same client for programs that do not use asyncio."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from threading import Lock
from types import TracebackType
from typing import Self, TypeVar

from client.answer import Answer
from client.exchange_client import ExchangeClient
from client.exchange_keys import ExchangeKeys
from client.retrying import Retrying
from shared.canonical_json import Json
from shared.signatures.keys import SigningKey

Result = TypeVar("Result")


class BlockingExchangeClient:
    """``ExchangeClient`` whose methods return when they are done. Threads may share one; they then take turns.

    Each method's guarantees and errors are those of the method of the same name there. It cannot be used from within
    a running event loop.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: SigningKey | Sequence[SigningKey],
        keys: ExchangeKeys | None = None,
        retrying: Retrying | None = None,
        timeout_s: float = 20.0,
    ) -> None:
        self._lock = Lock()
        self._runner = asyncio.Runner()

        async def connect() -> ExchangeClient:
            return ExchangeClient(base_url, key=key, keys=keys, retrying=retrying, timeout_s=timeout_s)

        try:
            self._client = self._runner.run(connect())
        except BaseException:
            self._runner.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            self._runner.run(self._client.close())
            self._runner.close()

    def keys(self) -> ExchangeKeys:
        """Return the exchange's keys: those given, else those it publishes (trust on first use)."""
        return self._run(self._client.keys())

    def share(self, record: Mapping[str, Json], *, idempotency_key: str | None = None) -> Answer:
        """Post a share. Returns once it is durable, with its receipt."""
        return self._run(self._client.share(record, idempotency_key=idempotency_key))

    def withhold(self, record: Mapping[str, Json], *, idempotency_key: str | None = None) -> Answer:
        """Post a decision to withhold."""
        return self._run(self._client.withhold(record, idempotency_key=idempotency_key))

    def assess(self, record: Mapping[str, Json]) -> Answer:
        """Ask what recording a share or a withholding would do; nothing is recorded."""
        return self._run(self._client.assess(record))

    def report_whereabouts(self, record: Mapping[str, Json], *, idempotency_key: str | None = None) -> Answer:
        """Post where a child is."""
        return self._run(self._client.report_whereabouts(record, idempotency_key=idempotency_key))

    def acknowledge(
        self, notification: str, record: Mapping[str, Json], *, idempotency_key: str | None = None
    ) -> Answer:
        """Acknowledge a notification as the authority it is for."""
        return self._run(self._client.acknowledge(notification, record, idempotency_key=idempotency_key))

    def read_share(self, entry_id: str) -> Answer:
        """Return what became of a record of one's own."""
        return self._run(self._client.read_share(entry_id))

    def correct(
        self, entry_id: str, correction: Mapping[str, Json], *, of: str = "share", idempotency_key: str | None = None
    ) -> Answer:
        """Correct a record of one's own: ``of`` is share, withholding or whereabouts."""
        return self._run(self._client.correct(entry_id, correction, of=of, idempotency_key=idempotency_key))

    def retract(
        self, entry_id: str, retraction: Mapping[str, Json], *, of: str = "share", idempotency_key: str | None = None
    ) -> Answer:
        """Take back a record of one's own."""
        return self._run(self._client.retract(entry_id, retraction, of=of, idempotency_key=idempotency_key))

    def dispute(
        self, entry_id: str, dispute: Mapping[str, Json], *, of: str = "share", idempotency_key: str | None = None
    ) -> Answer:
        """Have it kept beside a record that somebody says it is not so."""
        return self._run(self._client.dispute(entry_id, dispute, of=of, idempotency_key=idempotency_key))

    def withdraw_consent(
        self, entry_id: str, withdrawal: Mapping[str, Json], *, idempotency_key: str | None = None
    ) -> Answer:
        """Record that consent to a share was withdrawn; the share stands."""
        return self._run(self._client.withdraw_consent(entry_id, withdrawal, idempotency_key=idempotency_key))

    def registration(self) -> Answer:
        """Return how one's own agency is registered, with its keys."""
        return self._run(self._client.registration())

    def add_key(self, new: SigningKey, *, valid_from: str | None = None, valid_until: str | None = None) -> Answer:
        """Add a key to one's own agency's, with proof that one holds it."""
        return self._run(self._client.add_key(new, valid_from=valid_from, valid_until=valid_until))

    def revoke_key(self, key: str, *, reason: str = "rotated", compromised_from: str | None = None) -> Answer:
        """Revoke a key of one's own agency by its thumbprint, for good."""
        return self._run(self._client.revoke_key(key, reason=reason, compromised_from=compromised_from))

    def get(self, path: str) -> Answer:
        """Return what stands at a path, with its query."""
        return self._run(self._client.get(path))

    def post_bytes(self, path: str, body: bytes, *, idempotency_key: str) -> Answer:
        """Post a body exactly as given."""
        return self._run(self._client.post_bytes(path, body, idempotency_key=idempotency_key))

    def _run(self, work: Coroutine[None, None, Result]) -> Result:
        with self._lock:
            return self._runner.run(work)
