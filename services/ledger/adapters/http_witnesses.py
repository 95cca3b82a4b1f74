"""Asking witnesses over HTTP (C2SP tlog-witness v1.0.0) to cosign checkpoints: all at once, in bounded time."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import aiohttp
import structlog
from prometheus_client import Counter, Gauge

from services.ledger.ports import ConsistencyProver
from shared.clock import Clock
from shared.errors import ExchangeError, IntegrityFailure, InvalidInput
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint, open_checkpoint
from shared.transparency.merkle import ProofInvalid, verify_consistency
from shared.transparency.signed_note import NoteSignature, NoteVerifier
from shared.transparency.witness_policy import CosignerKey, WitnessPolicy, parse_policy
from shared.transparency.witness_protocol import (
    LARGEST_ANSWER_BYTES,
    AddCheckpoint,
    AnswerStatus,
    WitnessAnswer,
    format_request,
    monitoring_path,
    parse_answer,
)

MOST_TRIES = 3
"""One to learn the size that a witness knows, one to extend it, one more if it moved meanwhile."""

COSIGNATURES = Counter("ledger_witness_cosignatures_total", "Checkpoints that a witness was asked for", ["outcome"])
QUORUM_MET = Gauge("ledger_witness_quorum_met", "1 when enough witnesses cosigned the newest checkpoint, 0 when not")
QUORUM_AT = Gauge("ledger_witness_last_quorum_timestamp_seconds", "When enough witnesses last cosigned a checkpoint")

log = structlog.get_logger()


class LogForked(IntegrityFailure):
    """A witness holds a checkpoint, signed by this log's own key, that this log's tree contradicts."""

    code = "log-forked"


class Outcome(StrEnum):
    """What came of asking one witness."""

    COSIGNED = "cosigned"
    NOT_REACHED = "not_reached"
    TIMED_OUT = "timed_out"
    GARBAGE = "garbage"
    REFUSED = "refused"
    BAD_SIGNATURE = "bad_signature"
    NO_PROOF = "no_proof"
    AHEAD = "ahead"
    INCONSISTENT = "inconsistent"


@dataclass(frozen=True, slots=True)
class _Answered:
    outcome: Outcome
    signatures: tuple[NoteSignature, ...] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    """One checkpoint on its round through the witnesses."""

    checkpoint: Checkpoint
    note: bytes
    prove: ConsistencyProver


class HttpWitnesses:
    """Implements Witnesses over a policy. One instance for a process; ``close`` it at the end.

    ``log_keys`` are this log's own: only what they signed can prove that it forked, so that no witness can stop it by
    saying so.
    """

    def __init__(
        self, policy: WitnessPolicy, *, log_keys: Sequence[NoteVerifier], timeout_s: float, clock: Clock
    ) -> None:
        self._policy = policy
        self._log_keys = log_keys
        self._timeout_s = timeout_s
        self._clock = clock
        self._sites = _sites(policy)
        self._known_sizes: dict[str, TreeSize] = {}
        self._session = aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def cosign(
        self, checkpoint: Checkpoint, note: bytes, *, prove: ConsistencyProver
    ) -> tuple[NoteSignature, ...]:
        """Return the verified cosignatures that could be had in time, perhaps none, and say whether they are enough.

        Raises LogForked when a witness shows a checkpoint of this log's own key that this log's tree contradicts.
        """
        asked = _Asked(checkpoint, note, prove)
        answers = await asyncio.gather(
            *(self._ask_in_time(url, keys, asked) for url, keys in self._sites.items()), return_exceptions=True
        )
        for answer in answers:
            # Only after all have answered, so that one witness's evidence does not abandon another's request.
            if isinstance(answer, BaseException):
                raise answer
        signatures = tuple(
            signature for answer in answers if isinstance(answer, _Answered) for signature in answer.signatures
        )
        self._report(checkpoint, signatures)
        return signatures

    def _report(self, checkpoint: Checkpoint, signatures: Sequence[NoteSignature]) -> None:
        is_met = self._policy.is_met(signatures)
        QUORUM_MET.set(int(is_met))
        if is_met:
            QUORUM_AT.set(self._clock.now().timestamp())
        else:
            log.warning("witness_quorum_missed", size=checkpoint.size, cosignatures=len(signatures))

    async def _ask_in_time(self, url: str, keys: Sequence[CosignerKey], asked: _Asked) -> _Answered:
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._ask(url, keys, asked)
        except TimeoutError:
            answer = _Answered(Outcome.TIMED_OUT)
        except (aiohttp.ClientError, OSError):
            answer = _Answered(Outcome.NOT_REACHED)
        except IntegrityFailure:
            COSIGNATURES.labels(Outcome.INCONSISTENT).inc()
            raise
        except (ExchangeError, ValueError):
            # ValueError is what aiohttp makes of some malformed answers.
            answer = _Answered(Outcome.GARBAGE)
        COSIGNATURES.labels(answer.outcome).inc()
        if answer.outcome is not Outcome.COSIGNED:
            log.warning("witness_did_not_cosign", witness=keys[0].name, outcome=answer.outcome.value)
        return answer

    async def _ask(self, url: str, keys: Sequence[CosignerKey], asked: _Asked) -> _Answered:
        for _ in range(MOST_TRIES):
            known = self._known_sizes.get(url, TreeSize(0))
            if known > asked.checkpoint.size:
                known = TreeSize(0)
            try:
                proof = await _proof(asked, old_size=known)
            except ExchangeError as error:
                if isinstance(error, IntegrityFailure):
                    raise
                return _Answered(Outcome.NO_PROOF)
            answer = await self._post(url, AddCheckpoint(known, proof, asked.note))
            match answer.status:
                case AnswerStatus.COSIGNED:
                    self._known_sizes[url] = asked.checkpoint.size
                    return _verified(answer, keys=keys, body=asked.checkpoint.body())
                case AnswerStatus.OTHER_SIZE if answer.size is not None and answer.size <= asked.checkpoint.size:
                    self._known_sizes[url] = answer.size
                case AnswerStatus.OTHER_SIZE:
                    await self._look_for_fork(url, keys, asked)
                    return _Answered(Outcome.AHEAD)
                case AnswerStatus.INCONSISTENT:
                    await self._look_for_fork(url, keys, asked)
                    return _Answered(Outcome.INCONSISTENT)
                case _:
                    break
        return _Answered(Outcome.REFUSED)

    async def _post(self, url: str, request: AddCheckpoint) -> WitnessAnswer:
        async with self._session.post(
            f"{url}/add-checkpoint",
            data=format_request(request),
            headers={"content-type": "application/octet-stream"},
            allow_redirects=False,
        ) as response:
            body = await _bounded(response)
            return parse_answer(response.status, media_type=response.headers.get("content-type", ""), body=body)

    async def _look_for_fork(self, url: str, keys: Sequence[CosignerKey], asked: _Asked) -> None:
        """Return unless the checkpoint that the witness holds proves a fork; raise LogForked if it does."""
        ours = asked.checkpoint
        log.error("witness_contradicts", integrity_failure=True, witness=keys[0].name, size=ours.size)
        async with self._session.get(
            f"{url}/{monitoring_path(ours.origin)}", headers={"accept": "text/plain"}, allow_redirects=False
        ) as response:
            held = await _bounded(response)
            if response.status != 200:
                return
        try:
            theirs = open_checkpoint(held, self._log_keys)
        except (IntegrityFailure, InvalidInput):
            return
        if theirs.origin != ours.origin or theirs.size == 0:
            return
        if await _agrees(asked, theirs):
            return
        log.error(
            "log_forked",
            integrity_failure=True,
            witness=keys[0].name,
            cosigned=held.decode("utf-8"),
            signed_now=asked.note.decode("utf-8"),
        )
        raise LogForked(
            f"a witness cosigned another history of this log, of size {theirs.size}, signed by this log's own key",
            remedy="The history was changed or forked. Keep the database and the tiles, and call the auditor.",
        )


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


async def _proof(asked: _Asked, *, old_size: TreeSize) -> tuple[bytes, ...]:
    if old_size in (0, asked.checkpoint.size):
        return ()
    return await asked.prove(old_size)


async def _agrees(asked: _Asked, theirs: Checkpoint) -> bool:
    """Return whether this log's tree extends the checkpoint that a witness holds.

    A larger one says that this process is behind another of the same log, which the election and the guard settle.
    """
    ours = asked.checkpoint
    if theirs.size > ours.size:
        return True
    try:
        verify_consistency(
            old_size=theirs.size,
            new_size=ours.size,
            old_root=theirs.root,
            new_root=ours.root,
            path=await _proof(asked, old_size=theirs.size),
        )
    except ProofInvalid:
        return False
    return True


def _verified(answer: WitnessAnswer, *, keys: Sequence[CosignerKey], body: bytes) -> _Answered:
    """Return the cosignatures by keys that are known; what strangers signed is passed over, one bad one spoils all."""
    known = {(key.name, key.key_id): key for key in keys}
    good: dict[tuple[str, bytes], NoteSignature] = {}
    for signature in answer.signatures:
        identity = (signature.name, signature.key_id)
        if identity in known:
            try:
                known[identity].verify(body, signature.signature)
            except IntegrityFailure:
                return _Answered(Outcome.BAD_SIGNATURE)
            good.setdefault(identity, signature)
    return _Answered(Outcome.COSIGNED, tuple(good.values())) if good else _Answered(Outcome.BAD_SIGNATURE)


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """Return the body, or as much of it as shows that it is too large."""
    parts: list[bytes] = []
    size_bytes = 0
    async for part in response.content.iter_chunked(16 * 1024):
        parts.append(part)
        size_bytes += len(part)
        if size_bytes > LARGEST_ANSWER_BYTES:
            break
    return b"".join(parts)
