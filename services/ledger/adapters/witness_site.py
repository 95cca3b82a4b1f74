"""Asking one witness over HTTP (C2SP tlog-witness v1.0.0): what it says is verified, and how it fails remembered."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import aiohttp
import structlog
from prometheus_client import Counter, Gauge

from services.ledger.domain.patience import Patience
from services.ledger.ports import ConsistencyProver
from shared.errors import ExchangeError, IntegrityFailure, InvalidInput
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint, open_checkpoint
from shared.transparency.merkle import ProofInvalid, verify_consistency
from shared.transparency.signed_note import NoteSignature, NoteVerifier
from shared.transparency.witness_policy import CosignerKey
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
GIVEN_UP = Gauge("ledger_witness_given_up", "1 while a witness keeps failing and is not waited for", ["witness"])

log = structlog.get_logger()


class LogForked(IntegrityFailure):
    """A witness holds a checkpoint, signed by this log's own key, that this log's tree contradicts."""

    code = "log-forked"


class _NoProof(Exception):
    """This log's own files do not give a proof now, which says nothing about the witness and proves no fork."""


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
class Answered:
    """What came of it, and with ``COSIGNED`` the verified cosignatures."""

    outcome: Outcome
    signatures: tuple[NoteSignature, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """One checkpoint on its round through the witnesses."""

    checkpoint: Checkpoint
    note: bytes
    prove: ConsistencyProver


class WitnessSite:
    """One prefix that is asked, with the keys whose cosignatures are believed from there.

    ``log_keys`` are this log's own: only what they signed can prove that it forked, so that no witness can stop it by
    saying so.
    """

    def __init__(
        self,
        url: str,
        *,
        keys: Sequence[CosignerKey],
        log_keys: Sequence[NoteVerifier],
        session: aiohttp.ClientSession,
        timeout_s: float,
    ) -> None:
        self._url = url
        self._keys = keys
        self._log_keys = log_keys
        self._session = session
        self._timeout_s = timeout_s
        self._known_size = TreeSize(0)
        self._one_at_a_time = asyncio.Lock()
        self.patience = Patience()
        GIVEN_UP.labels(self.name).set(0)

    @property
    def name(self) -> str:
        """The witness's name."""
        return self._keys[0].name

    def has_cosigned(self, signatures: Sequence[NoteSignature]) -> bool:
        """Return whether all its keys' cosignatures are among these, which were verified."""
        signed = {(each.name, each.key_id) for each in signatures}
        return all((key.name, key.key_id) in signed for key in self._keys)

    def verified(self, signatures: Sequence[NoteSignature], *, body: bytes) -> tuple[NoteSignature, ...]:
        """Return those among signatures that are its own and good."""
        return _verified(WitnessAnswer(AnswerStatus.COSIGNED, tuple(signatures)), keys=self._keys, body=body).signatures

    def is_worth_waiting_for(self) -> bool:
        """Return whether a checkpoint should wait for it: it may be asked now, and does not keep failing."""
        return not self.patience.is_given_up and not self._wait_s()

    async def may_be_asked(self, *, unless: asyncio.Event) -> bool:
        """Return True once it has been left alone for long enough, or False when ``unless`` comes to be set before."""
        wait_s = self._wait_s()
        if not wait_s:
            return True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await unless.wait()
        return not unless.is_set()

    def _wait_s(self) -> float:
        return self.patience.wait_s(now_s=asyncio.get_running_loop().time())

    async def ask(self, asked: Asked) -> Answered:
        """Return what came of asking it, in bounded time, once what it was asked before has come to an end.

        Raises LogForked when it shows a checkpoint of this log's own key that this log's tree contradicts.
        """
        try:
            async with asyncio.timeout(self._timeout_s), self._one_at_a_time:
                answer = await self._ask(asked)
        except TimeoutError:
            answer = Answered(Outcome.TIMED_OUT)
        except (aiohttp.ClientError, OSError):
            answer = Answered(Outcome.NOT_REACHED)
        except _NoProof:
            answer = Answered(Outcome.NO_PROOF)
        except LogForked:
            COSIGNATURES.labels(Outcome.INCONSISTENT).inc()
            raise
        except (ExchangeError, ValueError):
            # ValueError is what aiohttp makes of some malformed answers.
            answer = Answered(Outcome.GARBAGE)
        COSIGNATURES.labels(answer.outcome).inc()
        self._remember(answer.outcome)
        return answer

    def _remember(self, outcome: Outcome) -> None:
        before = self.patience
        if outcome is Outcome.COSIGNED:
            self.patience = Patience()
            if before.is_given_up:
                log.info("witness_cosigns_again", witness=self.name)
        else:
            self.patience = before.after_failure(now_s=asyncio.get_running_loop().time())
            if not self.patience.is_given_up:
                log.warning("witness_did_not_cosign", witness=self.name, outcome=outcome.value)
            elif not before.is_given_up:
                # Said once: it is asked on, ever less often, and its failures are counted.
                log.error("witness_given_up", witness=self.name, outcome=outcome.value, failures=self.patience.failures)
        GIVEN_UP.labels(self.name).set(int(self.patience.is_given_up))

    async def _ask(self, asked: Asked) -> Answered:
        for _ in range(MOST_TRIES):
            known = self._known_size
            if known > asked.checkpoint.size:
                known = TreeSize(0)
            proof = await _proof(asked, old_size=known)
            answer = await self._post(AddCheckpoint(known, proof, asked.note))
            match answer.status:
                case AnswerStatus.COSIGNED:
                    self._known_size = asked.checkpoint.size
                    return _verified(answer, keys=self._keys, body=asked.checkpoint.body())
                case AnswerStatus.OTHER_SIZE if answer.size is not None and answer.size <= asked.checkpoint.size:
                    self._known_size = answer.size
                case AnswerStatus.OTHER_SIZE:
                    await self._look_for_fork(asked)
                    return Answered(Outcome.AHEAD)
                case AnswerStatus.INCONSISTENT:
                    await self._look_for_fork(asked)
                    return Answered(Outcome.INCONSISTENT)
                case _:
                    break
        return Answered(Outcome.REFUSED)

    async def _post(self, request: AddCheckpoint) -> WitnessAnswer:
        async with self._session.post(
            f"{self._url}/add-checkpoint",
            data=format_request(request),
            headers={"content-type": "application/octet-stream"},
            allow_redirects=False,
        ) as response:
            body = await _bounded(response)
            return parse_answer(response.status, media_type=response.headers.get("content-type", ""), body=body)

    async def _look_for_fork(self, asked: Asked) -> None:
        """Return unless the checkpoint that the witness holds proves a fork; raise LogForked if it does."""
        ours = asked.checkpoint
        log.error("witness_contradicts", integrity_failure=True, witness=self.name, size=ours.size)
        async with self._session.get(
            f"{self._url}/{monitoring_path(ours.origin)}", headers={"accept": "text/plain"}, allow_redirects=False
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
            witness=self.name,
            cosigned=held.decode("utf-8"),
            signed_now=asked.note.decode("utf-8"),
        )
        raise LogForked(
            f"a witness cosigned another history of this log, of size {theirs.size}, signed by this log's own key",
            remedy="The history was changed or forked. Keep the database and the tiles, and call the auditor.",
        )


async def _proof(asked: Asked, *, old_size: TreeSize) -> tuple[bytes, ...]:
    if old_size in (0, asked.checkpoint.size):
        return ()
    try:
        return await asked.prove(old_size)
    except ExchangeError as error:
        raise _NoProof from error


async def _agrees(asked: Asked, theirs: Checkpoint) -> bool:
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


def _verified(answer: WitnessAnswer, *, keys: Sequence[CosignerKey], body: bytes) -> Answered:
    """Return the cosignatures by keys that are known; what strangers signed is passed over, one bad one spoils all."""
    known = {(key.name, key.key_id): key for key in keys}
    good: dict[tuple[str, bytes], NoteSignature] = {}
    for signature in answer.signatures:
        identity = (signature.name, signature.key_id)
        if identity in known:
            try:
                known[identity].verify(body, signature.signature)
            except IntegrityFailure:
                return Answered(Outcome.BAD_SIGNATURE)
            good.setdefault(identity, signature)
    return Answered(Outcome.COSIGNED, tuple(good.values())) if good else Answered(Outcome.BAD_SIGNATURE)


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
