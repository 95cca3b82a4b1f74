"""A child's case in memory, entry by entry, and who reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.ledger.reading.chronology import View, view_of
from services.ledger.reading.part_in_case import Case, Reader, case_of
from shared.canonical_json import Json
from shared.entries import Commitment, Entry, Obligation, RoleFact, Subject
from shared.identifiers import AgencyId, AuthorityCode, ChildRef, EntryId, ObligationId, Position, Recipient
from shared.vocabulary import EntryType

CHILD = ChildRef("c" * 32)
SCHOOL, CLINIC, STRANGER = AgencyId("a-school"), AgencyId("a-clinic"), AgencyId("a-stranger")
HERE, THERE = AuthorityCode("E06000005"), AuthorityCode("E06000047")
CSC_HERE, CSC_THERE = f"authority:{HERE}", f"authority:{THERE}"
BODY = {"body": Commitment("0" * 64, "1" * 64)}


@dataclass
class CaseBook:
    """Entries about one child, in order."""

    entries: list[Entry] = field(default_factory=list)

    def add(
        self,
        entry_type: EntryType,
        agency: AgencyId | None = SCHOOL,
        *,
        roles: Mapping[str, AuthorityCode] | None = None,
        told: Mapping[str, tuple[str, ...]] | None = None,
        causes: tuple[EntryId, ...] = (),
        facts: Mapping[str, Json] | None = None,
    ) -> Entry:
        """Put an entry at the end, a minute after the one before; ``told`` are recipients with their reasons."""
        position = len(self.entries)
        entry_id = EntryId(f"{position:032x}")
        entry = Entry(
            position=Position(position),
            id=entry_id,
            type=entry_type,
            time=f"2026-11-24T10:{position:02d}:00.000000Z",
            agency=agency,
            subjects=(Subject(CHILD, position + 1, tuple(RoleFact(*each) for each in (roles or {}).items())),),
            facts=facts or {},
            obligations=tuple(
                Obligation(ObligationId(f"{entry_id}-{ordinal}"), Recipient(recipient), reasons, "same_day", "", "", "")
                for ordinal, (recipient, reasons) in enumerate((told or {}).items())
            ),
            causes=causes,
            commitments=BODY if agency is not None else {},
        )
        self.entries.append(entry)
        return entry

    def share(self, agency: AgencyId = SCHOOL, *, at: AuthorityCode = HERE, **facts: Json) -> Entry:
        """Put a share at the end, of a child that lives in an authority's area, which is told."""
        told = {f"authority:{at}": ("lives_in_area",)}
        return self.add(EntryType.SHARE_RECORDED, agency, roles={"living_at": at}, told=told, facts=facts)

    def case(self) -> Case:
        """Return the case as of now."""
        return case_of(CHILD, self.entries)

    def view(self, agency: AgencyId, acts_for: str | None = None) -> View:
        """Return what a reader sees of it."""
        reader = Reader(agency, Recipient(acts_for) if acts_for is not None else None)
        return view_of(self.case(), reader, now_named=lambda code: code)

    def seen_by(self, agency: AgencyId, acts_for: str | None = None) -> list[int]:
        """Return the positions of the entries that a reader sees."""
        view = self.view(agency, acts_for)
        return [each.position for each in self.entries if view.sees(each)]

    def opened_for(self, agency: AgencyId, acts_for: str | None = None) -> list[int]:
        """Return the positions of the entries whose content a reader sees."""
        view = self.view(agency, acts_for)
        return [each.position for each in self.entries if view.opens(each)]
