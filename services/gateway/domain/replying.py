"""Reading what a withholding says of the reply to whoever asked: whether it was in writing, when, by what means.

Whoever asks and is refused is owed the reasons in writing, in summary. Victoria's Child Information Sharing Scheme has
it in law (Child Wellbeing and Safety (Information Sharing) Regulations 2018, regs 7 and 8); here it is good practice.
"""

from dataclasses import dataclass

from services.gateway.domain.record import Reply, said
from services.gateway.domain.rules.case import UNKNOWN
from services.gateway.domain.said import Answered, answered
from shared.clock import parse_rfc3339, rfc3339
from shared.errors import InvalidInput

IN_WRITING = frozenset({"letter", "email", "secure_email", "secure_message", "form"})
MEANS = IN_WRITING | {"telephone", "in_person"}


@dataclass(frozen=True, slots=True)
class ReplyAsGiven:
    """The reply as codes and times; its text stays sealed. ``complete``: it says when it was given, and by what means.

    ``means`` is ``unknown`` for what is none of the list.
    """

    in_writing: bool
    at: str | None
    means: str | None

    @property
    def complete(self) -> bool:
        """Whether it is known when and by what means the reply was given."""
        return self.at is not None and self.means is not None


def read_reply(reply: Reply | str | None) -> ReplyAsGiven:
    """Return what is known of a reply. A text is one in writing, unless it was only spoken, or is yet to be given."""
    given = Reply(text=reply) if isinstance(reply, str) else reply or Reply()
    means = (said(given.means) or "").lower()
    written = means in IN_WRITING or (said(given.text) is not None and means not in MEANS)
    return ReplyAsGiven(
        in_writing=written and answered(given.given) is not Answered.NO,
        at=_moment(given.at),
        means=(means if means in MEANS else UNKNOWN) if means else None,
    )


def _moment(text: str | None) -> str | None:
    given = said(text)
    if given is None:
        return None
    try:
        return rfc3339(parse_rfc3339(given))
    except (InvalidInput, OverflowError):
        return None
