"""Noting what a record marks as protected: in codes for the ledger, in advice for its sender. Nothing is refused."""

from dataclasses import dataclass

import orjson

from shared.protection import Protection, is_understood, marks_in, protection_said, protections_in

_MAY_SAY_SO = (b"protected", b"looked_after_by", b"\\u")
"""What the bytes of a record hold, if it protects anything; a backslash may spell either in another way."""


@dataclass(frozen=True, slots=True)
class Protecting:
    """How parts of a record are protected, and what to say of it."""

    kinds: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


def protecting(body: bytes) -> Protecting:
    """Return what a record, as it was sent, protects. A mark that is not understood protects as closely as any."""
    if not any(each in body for each in _MAY_SAY_SO):
        return Protecting()
    try:
        record = orjson.loads(body)
    except orjson.JSONDecodeError:
        # It was readable to a decoder that skips what it does not know; the ledger hides what it cannot read.
        return Protecting((Protection.UNKNOWN.value,), ("protection-unknown",))
    marks = marks_in(record)
    advice = []
    if not all(map(is_understood, marks)):
        advice.append("protection-unknown")
    if any(protection_said(mark) is not None for mark in marks):
        advice.append("protection-only-where-marked")
    return Protecting(tuple(sorted(kind.value for kind in protections_in(record))), tuple(advice))
