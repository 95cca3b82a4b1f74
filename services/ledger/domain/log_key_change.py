"""Which of the log's keys come to sign and which are given up, by what the log says and what the settings name."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.errors import IntegrityFailure
from shared.ledger.service_keys import ServiceKeys


@dataclass(frozen=True, slots=True)
class LogKeyChange:
    """What the log is to be told, as verifier keys: ``added`` come to sign, ``retired`` sign no more."""

    added: tuple[str, ...]
    retired: tuple[str, ...]


def log_key_change(
    recorded: ServiceKeys, *, signing: Sequence[str], changed_by: str | None, compromised_from: str | None = None
) -> LogKeyChange:
    """Return what changes when the keys in ``signing`` sign a log that was opened, and no others.

    ``changed_by`` is the account of who changes them; ``compromised_from`` is from when on the keys given up were in
    other hands, if that is why. Raises IntegrityFailure, before anything is signed, when one of them was given up
    before, when no earlier key has vouched for any of them (nobody could tell them from a forger's), when a key would
    be given up as compromised for one that the log had announced before it, or when something changes and nobody says
    whose doing it is.
    """
    past = [each for each in signing if each in recorded.past_log]
    if past:
        raise IntegrityFailure(
            f"the log key {key_label(past[0])} was given up, and never signs for this log again",
            remedy=f"Sign with {', '.join(map(key_label, recorded.log))}. To replace it, make a new key "
            "(exchange keygen FILE.pem) and name that in LEDGER_LOG_KEY_NEXT_FILE.",
        )
    if recorded.log and not set(signing) & set(recorded.log):
        raise IntegrityFailure(
            "no key that this ledger signs with is on record in its log",
            remedy="Sign with the recorded key, and name the new one in LEDGER_LOG_KEY_NEXT_FILE first.",
        )
    added = tuple(each for each in signing if each not in recorded.log)
    retired = tuple(each for each in recorded.log if each not in signing)
    if compromised_from is not None and retired and not added and recorded.log[-1] in retired:
        # A stolen key is replaced by one that follows it. The other way about, the files were mixed up.
        raise IntegrityFailure(
            f"the newest log key, {key_label(recorded.log[-1])}, would be given up as compromised, and the older "
            f"{', '.join(map(key_label, signing))} would sign on",
            remedy="Name the new key's file in LEDGER_LOG_KEY_FILE. If the newest one is what was stolen, make another "
            "and name that in LEDGER_LOG_KEY_NEXT_FILE.",
        )
    if (added or retired) and changed_by is None:
        raise IntegrityFailure(
            "the log's keys would change, and nobody says whose doing it is",
            remedy="Name the account of who changes them, never a name, in LEDGER_LOG_KEY_CHANGED_BY.",
        )
    return LogKeyChange(added, retired)


def key_label(verifier_key: str) -> str:
    """Return a verifier key's name and id, as signature lines and the audit's findings name it."""
    return "+".join(verifier_key.split("+", 2)[:2])
