"""The one thing a witness does: cosign a checkpoint that extends the last, remembering it before answering."""

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from services.witness.domain.judging import Latest, Verdict, WatchedLogs, judge
from services.witness.ports import Evidence, EvidenceKeeper, Memory
from shared.clock import Clock
from shared.errors import InvalidInput, Unavailable
from shared.transparency.checkpoint import Checkpoint
from shared.transparency.cosignature import (
    CosignatureVerifier,
    MlDsaCosignatureVerifier,
    cosign,
    cosign_with_ml_dsa,
)
from shared.transparency.signed_note import NoteSignature, format_signature
from shared.transparency.witness_protocol import AnswerStatus, WitnessAnswer, parse_request

log = structlog.get_logger()


class Cosigner:
    """A witness's name and keys: Ed25519, and ML-DSA-44 where it has one."""

    def __init__(self, name: str, *, ed25519: Ed25519PrivateKey, ml_dsa: MLDSA44PrivateKey | None) -> None:
        self.name = name
        self._ed25519 = ed25519
        self._ml_dsa = ml_dsa

    def sign(self, checkpoint: Checkpoint, *, time_s: int) -> tuple[NoteSignature, ...]:
        """Return a cosignature by each key."""
        body = checkpoint.body()
        made = [cosign(body, name=self.name, private_key=self._ed25519, time_s=time_s)]
        if self._ml_dsa is not None:
            made.append(cosign_with_ml_dsa(body, name=self.name, private_key=self._ml_dsa, time_s=time_s))
        return tuple(made)

    def verifiers(self) -> tuple[CosignatureVerifier | MlDsaCosignatureVerifier, ...]:
        """Return what verifies this witness's cosignatures: what logs and auditors are given."""
        old = CosignatureVerifier(self.name, self._ed25519.public_key().public_bytes_raw())
        if self._ml_dsa is None:
            return (old,)
        return (old, MlDsaCosignatureVerifier(self.name, self._ml_dsa.public_key().public_bytes_raw()))


class CheckpointCosigner:
    """Answers add-checkpoint requests. Blocks on the disk: call it from a thread."""

    def __init__(
        self,
        *,
        logs: WatchedLogs,
        cosigner: Cosigner,
        memory: Memory,
        evidence: EvidenceKeeper,
        clock: Clock,
    ) -> None:
        self._logs = logs
        self._cosigner = cosigner
        self._memory = memory
        self._evidence = evidence
        self._clock = clock

    def answer(self, body: bytes) -> WitnessAnswer:
        """Return the answer to a request's body, durable before it is returned.

        No two checkpoints of one log with one size and two roots are ever cosigned, however requests fall together and
        whenever the process dies. Raises Unavailable when nothing can be kept; then nothing was cosigned.
        """
        try:
            request = parse_request(body)
        except InvalidInput:
            return WitnessAnswer(AnswerStatus.MALFORMED)
        presented = self._logs.authenticate(request)
        if isinstance(presented, AnswerStatus):
            return WitnessAnswer(presented)
        checkpoint = presented.checkpoint

        def decide(latest: Latest | None) -> tuple[tuple[WitnessAnswer, Latest | None, Verdict], Latest | None]:
            verdict = judge(request, checkpoint, latest=latest)
            if verdict.status is not AnswerStatus.COSIGNED:
                return (WitnessAnswer(verdict.status, size=verdict.size), latest, verdict), None
            signatures = self._cosigner.sign(checkpoint, time_s=int(self._clock.now().timestamp()))
            note = presented.note + b"".join(format_signature(each) for each in signatures)
            return (WitnessAnswer(verdict.status, signatures), latest, verdict), Latest(
                checkpoint, note, presented.log_keys
            )

        answer, latest, verdict = self._memory.advance(checkpoint.origin, decide)
        if verdict.suspicion is not None and latest is not None:
            self._suspect(
                Evidence(
                    checkpoint.origin,
                    verdict.suspicion,
                    latest.note,
                    presented.note,
                    request.proof,
                    tuple(dict.fromkeys((*latest.log_keys, *presented.log_keys))),
                )
            )
        return answer

    def latest_note(self, origin: str) -> bytes | None:
        """Return the latest cosigned checkpoint of a log, for monitors; None when there is none."""
        latest = self._memory.latest(origin)
        return None if latest is None else latest.note

    def _suspect(self, evidence: Evidence) -> None:
        try:
            is_new = self._evidence.keep(evidence)
        except Unavailable as error:
            # The refusal stands without it; who asks again brings the evidence again.
            log.error("evidence_not_kept", origin=evidence.origin, detail=error.detail)
            return
        if is_new:
            log.error("integrity_failure", origin=evidence.origin, suspicion=evidence.suspicion.value)
