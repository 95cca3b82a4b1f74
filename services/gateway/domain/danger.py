"""An immediate danger in what was sent, and whom to call when it cannot be taken now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.gateway.domain.amendment import ShareCorrectionRecord
from services.gateway.domain.cases import level_of
from services.gateway.domain.placing import Directories, place
from services.gateway.domain.record import ShareRecord, said
from shared.identifiers import AuthorityCode, Recipient, authority_recipient
from shared.ledger.registry import Registry
from shared.vocabulary import Level


@dataclass(frozen=True, slots=True)
class Telephone:
    """Whom to call, and on which numbers."""

    who: str
    telephone: str | None
    out_of_hours_telephone: str | None = None

    def in_words(self) -> str:
        """Return it as a person reads it."""
        closed = f"out of hours {self.out_of_hours_telephone}" if self.out_of_hours_telephone else None
        return f"{self.who}: " + ", ".join(number for number in (self.telephone, closed) if number)


EMERGENCY = Telephone("Emergency services", "999")


def is_danger(record: ShareRecord) -> bool:
    """Return whether a share is acted on as an immediate danger; one without a level, or with an unknown one, is."""
    return level_of(record.concern).acted_on is Level.IMMEDIATE_DANGER


def corrected_to(correction: ShareCorrectionRecord) -> ShareRecord | None:
    """Return what a correction makes of a share, if it says anything of the concern."""
    said_anew = correction.members or correction.record
    return said_anew if said_anew is not None and said_anew.concern is not None else None


def authorities_of(record: ShareRecord, *, directories: Directories, on: date) -> tuple[AuthorityCode, ...]:
    """Return the authorities of the places that a share names, where the child is found first, and those it is for."""
    child = record.child
    where = (child.found_at if child else None, child.address if child else None, record.place)
    placed = [place(each, directories=directories, on=on).authority for each in where]
    named = [directories.register.resolve(text, on=on).single for each in record.recipients if (text := said(each))]
    return tuple(dict.fromkeys(code for code in (*placed, *named) if code is not None))


def whom_to_call(
    authorities: Sequence[AuthorityCode], *, registry: Registry, directories: Directories
) -> tuple[Telephone, ...]:
    """Return 999, then the children's social care of each authority, on the numbers that are registered for it."""
    offices = []
    for code in authorities:
        recipient: Recipient = authority_recipient(code)
        for agency in registry.acting_for(recipient):
            if agency.telephone or agency.out_of_hours_telephone:
                name = f"{directories.register.name_of(code)} children's social care"
                offices.append(Telephone(name, agency.telephone, agency.out_of_hours_telephone))
    return (EMERGENCY, *offices)
