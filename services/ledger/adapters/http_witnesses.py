"""Asking all witnesses of a policy at once for cosignatures, and those that fail again, until they are enough."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import structlog
from prometheus_client import Gauge

from services.ledger.adapters.witness_site import Answered, Asked, LogForked, WitnessSite
from services.ledger.ports import ConsistencyProver
from shared.clock import Clock
from shared.errors import InvalidInput
from shared.transparency.checkpoint import Checkpoint
from shared.transparency.signed_note import NoteSignature, NoteVerifier
from shared.transparency.witness_policy import CosignerKey, WitnessPolicy, parse_policy

QUORUM_MET = Gauge("ledger_witness_quorum_met", "1 when enough witnesses cosigned the newest checkpoint, 0 when not")
QUORUM_AT = Gauge("ledger_witness_last_quorum_timestamp_seconds", "When enough witnesses last cosigned a checkpoint")

log = structlog.get_logger()


@dataclass(slots=True)
class _Round:
    """A checkpoint on its way through the witnesses, what they have said of it, and whether that is enough."""

    asked: Asked
    policy: WitnessPolicy
    signatures: tuple[NoteSignature, ...] = ()
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    heard: "asyncio.Queue[tuple[WitnessSite, Answered | LogForked | None]]" = field(default_factory=asyncio.Queue)

    def add(self, signatures: Sequence[NoteSignature]) -> bool:
        """Take in verified cosignatures; return whether any is new."""
        known = {(each.name, each.key_id) for each in self.signatures}
        new = tuple(each for each in signatures if (each.name, each.key_id) not in known)
        self.signatures += new
        if self.policy.is_met(self.signatures):
            self.enough.set()
        return bool(new)


class HttpWitnesses:
    """Implements Witnesses over a policy. One instance for a process; ``close`` it at the end."""

    def __init__(
        self, policy: WitnessPolicy, *, log_keys: Sequence[NoteVerifier], timeout_s: float, clock: Clock
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._session = aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())
        self._sites = [
            WitnessSite(url, keys=keys, log_keys=log_keys, session=self._session, timeout_s=timeout_s)
            for url, keys in _sites(policy).items()
        ]
        self._under_way: set[asyncio.Task[Answered]] = set()

    async def close(self) -> None:
        """Ask nobody any more, and close the connections."""
        under_way = list(self._under_way)
        for each in under_way:
            each.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await self._session.close()

    async def cosign(
        self, checkpoint: Checkpoint, note: bytes, *, prove: ConsistencyProver, held: Sequence[NoteSignature] = ()
    ) -> AsyncGenerator[tuple[NoteSignature, ...], None]:
        """Yield the verified cosignatures once they are enough or nobody is left to wait for; then each time more come.

        While they are not enough, each witness that failed is asked again after a wait of its own that doubles. Ends
        when they are enough and all that were being asked have answered; a caller with a newer checkpoint closes it
        before. A request that is under way then comes to its end by itself, so that a slow witness is not for ever
        asked and never heard. Raises LogForked when a witness shows a checkpoint of this log's own key that this log's
        tree contradicts.
        """
        this = _Round(Asked(checkpoint, note, prove), self._policy)
        for site in self._sites:
            this.add(site.verified(held, body=checkpoint.body()))
        if held and this.enough.is_set():
            self._report(this)
            return
        sites = [site for site in self._sites if not site.has_cosigned(this.signatures)]
        awaited = {site for site in sites if site.is_worth_waiting_for()}
        asking = [asyncio.create_task(self._ask_until_enough(site, this)) for site in sites]
        try:
            asked_on = len(sites)
            is_told = False
            while True:
                if not is_told and (this.enough.is_set() or not awaited):
                    is_told = True
                    self._report(this)
                    yield this.signatures
                if not asked_on:
                    return
                site, said = await this.heard.get()
                awaited.discard(site)
                match said:
                    case LogForked():
                        raise said
                    case None:
                        asked_on -= 1
                    case Answered() if this.add(said.signatures) and is_told:
                        self._report(this)
                        yield this.signatures
        finally:
            for each in asking:
                each.cancel()

    async def _ask_until_enough(self, site: WitnessSite, this: _Round) -> None:
        """Ask one witness again and again, until it cosigns or those that did are enough without it."""
        try:
            while await site.may_be_asked(unless=this.enough):
                answer = await asyncio.shield(self._start(site, this.asked))
                this.heard.put_nowait((site, answer))
                if answer.signatures:
                    break
        except LogForked as forked:
            this.heard.put_nowait((site, forked))
        else:
            this.heard.put_nowait((site, None))

    def _start(self, site: WitnessSite, asked: Asked) -> "asyncio.Task[Answered]":
        task = asyncio.create_task(site.ask(asked))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Answered]") -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            # A fork shown to nobody, because a newer checkpoint came meanwhile, is shown again to that one: the
            # witness still holds what it cosigned.
            task.exception()

    def _report(self, this: _Round) -> None:
        is_met = this.enough.is_set()
        QUORUM_MET.set(int(is_met))
        if is_met:
            QUORUM_AT.set(self._clock.now().timestamp())
        else:
            size = this.asked.checkpoint.size
            log.warning("witness_quorum_missed", size=size, cosignatures=len(this.signatures))


def read_policy(path: Path) -> WitnessPolicy:
    """Return the policy that a file holds. Raises InvalidInput when it cannot be read or is none."""
    try:
        return parse_policy(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the witness policy {path.name} cannot be read") from error


def _sites(policy: WitnessPolicy) -> Mapping[str, Sequence[CosignerKey]]:
    """Return the prefixes to ask, each once, with the keys whose cosignatures are believed from there."""
    sites: dict[str, list[CosignerKey]] = {}
    for witness in policy.witnesses.values():
        sites.setdefault(witness.url, []).append(witness.key)
    return sites
