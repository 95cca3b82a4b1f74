"""Why an auditor opens sealed content, as the options of a command give it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glass:
    """Why sealed content is opened: a code of ``shared.vocabulary.OpeningReason``, and words, which are sealed.

    ``by`` is the account of who opens it; empty for a gateway, where that is whoever signs. ``run`` tells this audit
    run from another: to open the same again in it is the same opening.
    """

    reason: str
    note: str
    by: str
    run: str
