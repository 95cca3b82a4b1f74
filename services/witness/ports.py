"""What the witness's one use case needs from outside, each with its guarantees."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from services.witness.domain.judging import Latest, Suspicion
from shared.transparency.signed_note import Ed25519Verifier

Decided = TypeVar("Decided")

Decide = Callable[[Latest | None], tuple[Decided, Latest | None]]
"""Takes what was cosigned last; returns what to say, and what is cosigned now, or None to leave it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Two notes signed by one log that do not go together, and the proof that came with the second."""

    origin: str
    suspicion: Suspicion
    cosigned: bytes
    presented: bytes
    proof: tuple[bytes, ...]
    log_keys: tuple[Ed25519Verifier, ...]
    """The log's keys as this witness was given them, then and since: they open both notes once they are retired too."""


class Memory(Protocol):
    """Remembers for each log the latest checkpoint that was cosigned, and never an older one again."""

    def latest(self, origin: str) -> Latest | None:
        """Return what was cosigned last, or None. Raises Unavailable when it cannot be read."""
        ...

    def advance(self, origin: str, decide: Decide[Decided]) -> Decided:
        """Let ``decide`` see what was cosigned last and say what follows; return its answer when that is durable.

        Nobody else, in this process or another, sees or changes that log's memory meanwhile. Raises Unavailable when
        it could not be kept: then nothing was cosigned, and the answer must not go out.
        """
        ...


class EvidenceKeeper(Protocol):
    """Keeps what shows that a log has forked, for whoever asks later."""

    def keep(self, evidence: Evidence) -> bool:
        """Keep it, durable when this returns; return whether it is new. Raises Unavailable when it cannot be kept."""
        ...
