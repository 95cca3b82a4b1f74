"""What a member of a record says: a text, a yes or no, or that it is not known or does not apply.

A member that is left out was not asked. ``NOT_KNOWN`` and ``NOT_APPLICABLE`` are answers of their own.
"""

from enum import StrEnum

from shared.vocabulary import NOT_APPLICABLE, NOT_KNOWN

YesNo = bool | str | None
"""An answer with more than two values: true, false, ``NOT_KNOWN``, ``NOT_APPLICABLE``; absent when it was not asked."""

_YES = frozenset({"yes", "true"})
_NO = frozenset({"no", "false"})


class Answered(StrEnum):
    """How a question of yes or no was answered. ``UNKNOWN``: in words that are none of the list."""

    YES = "yes"
    NO = "no"
    NOT_KNOWN = "not_known"
    NOT_ASKED = "not_asked"
    UNKNOWN = "unknown"


def said(text: str | None) -> str | None:
    """Return what a text says, or None when it is blank or says that it is not known or does not apply."""
    stripped = (text or "").strip()
    return None if stripped in ("", NOT_KNOWN, NOT_APPLICABLE) else stripped


def answered(answer: YesNo) -> Answered:
    """Return how a question was answered. Blank is not asked; not applicable counts as not known."""
    if isinstance(answer, bool):
        return Answered.YES if answer else Answered.NO
    word = (answer or "").strip().lower()
    if not word:
        return Answered.NOT_ASKED
    if said(answer) is None:
        return Answered.NOT_KNOWN
    return Answered.YES if word in _YES else Answered.NO if word in _NO else Answered.UNKNOWN


def is_yes(answer: YesNo) -> bool:
    """Return whether the answer is yes."""
    return answered(answer) is Answered.YES


def may_be(answer: YesNo) -> bool:
    """Return whether the answer is yes, or in words that nobody can take for a no: the most urgent reading."""
    return answered(answer) in (Answered.YES, Answered.UNKNOWN)
