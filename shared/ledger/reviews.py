"""Asking the ledger which withholdings are past their day of review and have not been reviewed since."""

import msgspec

from shared.identifiers import AgencyId, ChildRef, EntryId, ObligationId, Position, Recipient


class OverdueReviewsQuery(msgspec.Struct, frozen=True):
    """Asks for overdue reviews, those found after ``after`` (a position), at most ``limit``; of one agency if given."""

    after: int = -1
    limit: int = 500
    agency: AgencyId | None = None


class OverdueReview(msgspec.Struct, frozen=True):
    """A withholding that should have been reviewed by the end of a day, and by whom.

    ``position`` and ``found_at`` are of the entry that says so; ``notification`` chases the agency's safeguarding lead.
    """

    withholding: EntryId
    child: ChildRef | None
    review_due_on: str
    recipient: Recipient
    notification: ObligationId
    position: Position
    found_at: str


class OverdueReviewsPage(msgspec.Struct, frozen=True):
    """Overdue reviews, the longest known first."""

    reviews: tuple[OverdueReview, ...]
